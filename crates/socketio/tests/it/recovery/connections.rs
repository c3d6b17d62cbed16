//! Connections that break, are half dead, or break again and again.

use std::time::Duration;

use serde_json::json;
use socketio::{Binary, Event, HandlerError, Server, Socket};
use tokio::{sync::mpsc::unbounded_channel, time::sleep};

use super::{Lost, Member, builder, ids};
use crate::client::{self, serve};

#[tokio::test(start_paused = true)]
async fn a_half_dead_connection_gives_way_and_a_live_one_does_not() {
    let server = builder().build();
    let member = Member::join(&server).await;
    let claim = Lost {
        sid: member.sid.clone(),
        pid: member.pid.clone(),
        auth: json!({ "pid": member.pid }).to_string(),
    };
    claim.is_forgotten(&server).await;
    member.client.vanish();
    sleep(Duration::from_millis(500)).await;
    assert_eq!(server.of("/").emit("news", (1,)).unwrap().queued, 2);
    claim.recovers(&server, &[r#"2["news",1,"@1"]"#]).await;
    let reached = server.of("/").to(claim.sid.as_str()).emit("news", (2,));
    assert_eq!(reached.unwrap().queued, 1);
}

#[tokio::test]
async fn a_websocket_that_breaks_off_is_recovered() {
    let server = builder().build();
    let (sender, mut left) = unbounded_channel();
    server.of("/").on_disconnect(move |_: Socket, reason| {
        let _ = sender.send(reason.to_string());
        async {}
    });
    server
        .of("/")
        .on("join", |socket: Socket, event: Event| async move {
            socket.join(event.arg::<String>(0)?)?;
            event.ack(())?;
            Ok::<_, HandlerError>(())
        });
    let address = serve(&server).await;
    let mut client = client::Client::v5(address).await;
    client.send("40").await;
    let answer = client.text().await;
    let (_, pid) = ids(&answer[1..]);
    client.send(r#"420["join","red"]"#).await;
    client.expect("430[]").await;
    drop(client);
    assert_eq!(left.recv().await.unwrap(), "transport close");
    let news = ("°", Binary("b".into()));
    server.of("/").to("red").emit("news", news).unwrap();

    let mut client = client::Client::v5(address).await;
    client.send(&format!(r#"40{{"pid":"{pid}"}}"#)).await;
    let expected = r#"451-["news","°",{"_placeholder":true,"num":0},"@1"]"#;
    client.expect(expected).await;
    client.expect_binary(b"b").await;
    client.expect(&answer).await;
    server.of("/").to("red").emit("news", (2,)).unwrap();
    client.expect(r#"42["news",2,"@2"]"#).await;
}

/// A client that loses its connection after every few events.
#[derive(Default)]
struct Unsteady {
    offset: Option<String>,
    heard: Vec<(u64, u64)>,
}

impl Unsteady {
    async fn run(mut self, server: Server, mut member: Member, patience: usize) -> Vec<(u64, u64)> {
        loop {
            for _ in 0..patience {
                let packet = member.client.next().await.unwrap();
                if self.takes(&packet) == "last" {
                    return self.heard;
                }
            }
            let lost = member.lose(self.offset.as_deref()).await;
            let mut client = lost.knock(&server).await;
            let confirmation = loop {
                let packet = client.next().await.unwrap();
                if packet.starts_with('0') {
                    break packet;
                }
                if self.takes(&packet) == "last" {
                    return self.heard;
                }
            };
            let (sid, pid) = ids(&confirmation);
            assert_eq!((&sid, &pid), (&lost.sid, &lost.pid));
            member = Member { client, sid, pid };
        }
    }

    fn takes(&mut self, packet: &str) -> String {
        let event = serde_json::from_str(&packet[1..]).expect(packet);
        let (name, speaker, number, offset): (String, u64, u64, String) = event;
        self.offset = Some(offset);
        self.heard.push((speaker, number));
        name
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_missed_and_nothing_comes_twice_while_many_speak() {
    const NUMBERS: u64 = 500;
    let server = builder().build();
    let mut clients = Vec::new();
    for patience in [1, 3, 7, 20] {
        let member = Member::join(&server).await;
        let unsteady = Unsteady::default().run(server.clone(), member, patience);
        clients.push(tokio::spawn(unsteady));
    }
    let speakers = (0..3).map(|speaker| {
        let root = server.of("/");
        tokio::spawn(async move {
            for number in 0..NUMBERS {
                root.emit("news", (speaker, number)).unwrap();
                tokio::task::yield_now().await;
            }
        })
    });
    for speaker in speakers.collect::<Vec<_>>() {
        speaker.await.unwrap();
    }
    server.of("/").emit("last", (3, 0)).unwrap();
    for client in clients {
        let heard = client.await.unwrap();
        for speaker in 0..3 {
            let numbers = heard.iter().filter(|(from, _)| *from == speaker);
            let numbers: Vec<u64> = numbers.map(|(_, number)| *number).collect();
            assert_eq!(numbers, (0..NUMBERS).collect::<Vec<_>>());
        }
    }
}
