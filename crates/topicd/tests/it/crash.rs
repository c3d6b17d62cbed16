//! Nothing that was acknowledged is ever lost: a server that is killed while eight writers write.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{binary::Process, client::call};

/// `CRASH_KILLS` asks for more.
const KILLS: usize = 20;
const WRITERS: usize = 8;
/// Acknowledgements before the server is killed: somewhere in the middle of things.
const WRITES: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut rounds: Vec<Round> = Vec::new();
    let mut server = Process::dev(folder.path());
    let kills = kills();
    for number in 0..kills {
        let (_, thing) = server.tokens().await;
        let acknowledged = write_until_killed(server, &thing, number).await;
        server = Process::dev(folder.path());
        let round = Round {
            number,
            thing,
            acknowledged,
        };
        round.verify(server.address).await;
        rounds.push(round);
    }
    // What a later crash has done to earlier rounds.
    for round in &rounds {
        round.verify(server.address).await;
    }
    let written = rounds.iter().flat_map(|round| &round.acknowledged);
    assert!(written.map(Vec::len).sum::<usize>() >= kills * WRITES);
}

/// What was acknowledged before one of the kills.
struct Round {
    number: usize,
    thing: String,
    /// Of each writer.
    acknowledged: Vec<Vec<u64>>,
}

impl Round {
    async fn verify(&self, server: SocketAddr) {
        for (writer, acknowledged) in self.acknowledged.iter().enumerate() {
            let stored = stored(server, &self.thing, writer, self.number).await;
            verify(acknowledged, &stored, self.number);
        }
    }
}

/// How often the server is killed.
fn kills() -> usize {
    let text = std::env::var("CRASH_KILLS");
    text.map_or(KILLS, |text| text.parse().unwrap())
}

/// Returns what each writer had acknowledged when the server died.
async fn write_until_killed(server: Process, thing: &str, round: usize) -> Vec<Vec<u64>> {
    let count = Arc::new(Mutex::new(0));
    let (enough, killed) = tokio::sync::oneshot::channel();
    let enough = Arc::new(Mutex::new(Some(enough)));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (count, enough) = (Arc::clone(&count), Arc::clone(&enough));
            let (address, thing) = (server.address, thing.to_owned());
            let on_acknowledged = move || {
                let mut count = count.lock().unwrap();
                *count += 1;
                if *count >= WRITES
                    && let Some(enough) = enough.lock().unwrap().take()
                {
                    let _ = enough.send(());
                }
            };
            tokio::spawn(write(address, thing, writer, round, on_acknowledged))
        })
        .collect();
    tokio::time::timeout(Duration::from_secs(20), killed)
        .await
        .unwrap()
        .unwrap();
    server.kill();
    let mut written = Vec::new();
    for writer in writers {
        written.push(writer.await.unwrap());
    }
    written
}

/// Writes rising numbers on one connection until it breaks.
async fn write(
    server: SocketAddr,
    thing: String,
    writer: usize,
    round: usize,
    on_acknowledged: impl Fn(),
) -> Vec<u64> {
    let mut acknowledged = Vec::new();
    let Ok(mut stream) = TcpStream::connect(server).await else {
        return acknowledged;
    };
    for number in 0.. {
        let value = number_of(round, number);
        let body = format!(r#"{{"values":[{{"key":"w{writer}-{round}","value":{value}}}]}}"#);
        let request = format!(
            "POST /v2/things/{thing} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(request.as_bytes()).await.is_err() {
            break;
        }
        if !is_acknowledged(&mut stream).await {
            break;
        }
        acknowledged.push(value);
        on_acknowledged();
    }
    acknowledged
}

/// Reads one answer to its end. The head is whole as soon as the status is there: both are short.
async fn is_acknowledged(stream: &mut TcpStream) -> bool {
    let mut answer = Vec::new();
    while !answer.ends_with(br#""created"}"#) {
        let mut buffer = [0; 1024];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return false,
            Ok(length) => answer.extend_from_slice(&buffer[..length]),
        }
        assert!(
            answer.starts_with(&b"HTTP/1.1 201"[..answer.len().min(12)]),
            "{answer:?}"
        );
    }
    true
}

fn number_of(round: usize, number: usize) -> u64 {
    u64::try_from(round * 1_000_000 + number).unwrap()
}

/// All values of a writer in a round, oldest first.
async fn stored(server: SocketAddr, thing: &str, writer: usize, round: usize) -> Vec<u64> {
    let path = format!("/v2/things/{thing}/resources/w{writer}-{round}?limit=100");
    let answer = call(server, "GET", &path, "", "").await;
    if answer.status == 404 {
        return Vec::new();
    }
    let values: Vec<Value> = serde_json::from_str(&answer.body).unwrap();
    values
        .iter()
        .rev()
        .map(|value| value["value"].as_u64().unwrap())
        .collect()
}

/// One write more than was acknowledged may be there: its answer died with the server.
#[track_caller]
fn verify(acknowledged: &[u64], stored: &[u64], round: usize) {
    let expected = (number_of(round, 0)..).take(stored.len());
    assert!(
        expected.eq(stored.iter().copied()),
        "once and in order: {stored:?}"
    );
    let lost = acknowledged.len().saturating_sub(stored.len());
    assert_eq!(lost, 0, "{acknowledged:?} {stored:?}");
    assert!(stored.len() <= acknowledged.len() + 1);
}
