//! Replays that are longer than one answer.

use std::{
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use engineio::Config;
use serde_json::json;
use socketio::{Namespace, Recovery, RecoveryLimits, Server, testing::Client};
use tokio::task::{JoinHandle, yield_now};

use super::{Lost, Member, builder, ids};

/// Answers that hold a few of the events of [`miss_a_hundred`].
pub(super) fn small_answers() -> Config {
    let mut engine = Config::default();
    engine.protocol.limits.max_poll_payload = 50_000;
    engine
}

/// A client that is away while a hundred events of 10,000 characters are sent.
async fn miss_a_hundred(server: &Server) -> Lost {
    let lost = Member::join(server).await.lose(None).await;
    say_a_hundred(&server.of("/"));
    lost
}

pub(super) fn say_a_hundred(namespace: &Namespace) {
    let text = "x".repeat(10_000);
    for _ in 0..100 {
        namespace.emit("news", (&text,)).unwrap();
    }
}

async fn expect_offsets(client: &mut Client, offsets: RangeInclusive<u32>) {
    for offset in offsets {
        let packet = client.next().await.unwrap();
        assert!(packet.ends_with(&format!(r#","@{offset}"]"#)), "{offset}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replay_is_paced_by_what_the_client_takes() {
    let mut engine = small_answers();
    engine.protocol.limits.max_queued_bytes = 300_000;
    let server = builder().engine(engine).build();
    let lost = miss_a_hundred(&server).await;
    let mut client = lost.knock(&server).await;
    expect_offsets(&mut client, 1..=50).await;
    // What is sent meanwhile has its place behind.
    server.of("/").emit("news", ("last",)).unwrap();
    expect_offsets(&mut client, 51..=101).await;
    assert_eq!(ids(&client.next().await.unwrap()), (lost.sid, lost.pid));
}

#[tokio::test(start_paused = true)]
async fn a_replay_that_the_log_outruns_ends_the_session() {
    let mut limits = RecoveryLimits::default();
    limits.max_packets = 100;
    let recovery = Recovery::new().limits(limits);
    let builder = Server::builder().recovery(recovery);
    let server = builder.engine(small_answers()).build();
    let lost = miss_a_hundred(&server).await;
    let mut client = lost.knock(&server).await;
    client.next().await.unwrap();
    for _ in 0..100 {
        server.of("/").emit("news", (1,)).unwrap();
    }
    while let Some(packet) = client.next().await {
        assert!(packet.starts_with(r#"2["news","x"#), "{packet}");
    }
    lost.is_forgotten(&server).await;
}

#[tokio::test(start_paused = true)]
async fn who_goes_amid_the_replay_can_come_again() {
    let server = builder().engine(small_answers()).build();
    let lost = miss_a_hundred(&server).await;
    let mut client = lost.knock(&server).await;
    for _ in 0..50 {
        client.next().await.unwrap();
    }
    client.close().await;
    let again = Lost {
        auth: json!({ "pid": lost.pid, "offset": "@50" }).to_string(),
        ..lost
    };
    let mut client = again.knock(&server).await;
    expect_offsets(&mut client, 51..=100).await;
    assert_eq!(ids(&client.next().await.unwrap()), (again.sid, again.pid));
}

/// A bystander who sends something whenever it is its turn.
fn speak(server: &Server) -> (JoinHandle<()>, Arc<AtomicUsize>) {
    let (room, turns) = (server.of("/").to("others"), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&turns);
    let speaking = tokio::spawn(async move {
        loop {
            room.clone().emit("news", ()).unwrap();
            counter.fetch_add(1, Ordering::Relaxed);
            yield_now().await;
        }
    });
    (speaking, turns)
}

#[tokio::test(start_paused = true)]
async fn others_have_their_turn_while_a_client_finds_what_it_missed() {
    const TURNS: usize = 50;
    let server = builder().build();
    let lost = Member::join(&server).await.lose(None).await;
    for _ in 0..256 * TURNS {
        server.of("/").to("others").emit("news", ()).unwrap();
    }
    let (speaking, turns) = speak(&server);
    lost.recovers(&server, &[]).await;
    speaking.abort();
    let turns = turns.load(Ordering::Relaxed);
    assert!(turns >= TURNS, "{turns}");
}
