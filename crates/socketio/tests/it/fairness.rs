//! What one socket does leaves the others of its client their turns.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use socketio::{ConnectRequest, DisconnectReason, Event, Refusal, Server, Socket, testing::Client};
use tokio::sync::{Notify, mpsc};

use crate::client::planted_panic;

#[tokio::test]
async fn a_handler_that_waits_goes_on_between_events_of_another_namespace() {
    let server = Server::new();
    let (handled, may_end) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let (count, end) = (Arc::clone(&handled), Arc::clone(&may_end));
    server.of("/busy").on("x", move |_: Socket, _: Event| {
        count.fetch_add(1, Ordering::Relaxed);
        end.notify_one();
        async {}
    });
    let (sender, mut ended) = mpsc::unbounded_channel();
    server.of("/waits").on("wait", move |_: Socket, _: Event| {
        let (sender, handled, may_end) =
            (sender.clone(), Arc::clone(&handled), Arc::clone(&may_end));
        async move {
            may_end.notified().await;
            sender.send(handled.load(Ordering::Relaxed)).unwrap();
        }
    });
    let mut client = Client::open(&server).await;
    client.join("/busy").await.unwrap();
    client.join("/waits").await.unwrap();
    let busy = "\u{1e}42/busy,[\"x\"]".repeat(500);
    client.send(&format!("2/waits,[\"wait\"]{busy}")).await;
    let busy = ended.recv().await.unwrap();
    assert!(busy < 10, "{busy} events came before");
}

struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        planted_panic();
    }
}

#[tokio::test]
async fn a_state_that_panics_when_it_is_dropped_stops_nobody_else() {
    for way in ["the client leaves", "the server sends it away"] {
        let server = Server::new();
        let fragile = server.namespace("/fragile", async |_: ConnectRequest| {
            Ok::<_, Refusal>(Fragile)
        });
        let (sender, mut told) = mpsc::unbounded_channel();
        let told_by = sender.clone();
        server.of("/").on("hi", move |_: Socket, _: Event| {
            told_by.send("hi").unwrap();
            async {}
        });
        server
            .of("/")
            .on_disconnect(move |_: Socket, _: DisconnectReason| {
                sender.send("gone").unwrap();
                async {}
            });
        let mut client = Client::open(&server).await;
        client.join("/").await.unwrap();
        client.join("/fragile").await.unwrap();
        match way {
            "the client leaves" => client.send("1/fragile,").await,
            _ => fragile.all().disconnect_sockets(),
        }
        client.send(r#"2["hi"]"#).await;
        assert_eq!(told.recv().await, Some("hi"), "{way}");
        client.close().await;
        assert_eq!(told.recv().await, Some("gone"), "{way}");
    }
}
