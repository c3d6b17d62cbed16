//! Broadcasts from several threads, through whatever else goes on in the same sessions: each client
//! gets all of every publisher's events, once and in order.
//!
//! A session is written by whoever has something for it: the task that empties the list of sessions
//! with something queued, the reader whose event has been answered, and the task that waits for room
//! in the socket. These tests run them against each other.

use std::net::SocketAddr;

use socketio::{Event, HandlerError, Namespace, Server, Socket};
use tokio::{sync::watch, task::JoinSet};

use crate::client::{Client, serve};

const PUBLISHERS: usize = 3;
const EVENTS: usize = 400;
const ECHOES: usize = 200;

fn server() -> Server {
    let server = Server::new();
    let root = server.of("/");
    root.on_connect(|socket: Socket| async move { socket.join("news").map(drop) });
    root.on("echo", |_: Socket, event: Event| async move {
        event.ack(event.args().clone())
    });
    root.on("wander", |socket: Socket, _: Event| async move {
        socket.join("elsewhere")?;
        socket.leave("elsewhere");
        Ok::<_, HandlerError>(())
    });
    server
}

async fn publish(root: Namespace, publisher: usize, mut start: watch::Receiver<bool>) {
    start.wait_for(|started| *started).await.unwrap();
    for number in 0..EVENTS {
        let delivery = root.to("news").emit("news", (publisher, number)).unwrap();
        assert_eq!(delivery.dropped, 0);
        if number % 7 == publisher {
            tokio::task::yield_now().await;
        }
    }
}

/// Reads until everything has come. What is sent meanwhile makes the session write for other reasons.
async fn follow(mut client: Client) {
    let (mut next, mut sent, mut answered) = ([0; PUBLISHERS], 0, 0);
    while next != [EVENTS; PUBLISHERS] || answered < ECHOES {
        if sent < ECHOES {
            client.send(r#"42["wander"]"#).await;
            client.send(&format!(r#"42{sent}["echo",{sent}]"#)).await;
            sent += 1;
        }
        let packet = client.text().await;
        if let Some(news) = packet.strip_prefix(r#"42["news","#) {
            let (publisher, number) = news.trim_end_matches(']').split_once(',').unwrap();
            let expected = &mut next[publisher.parse::<usize>().unwrap()];
            assert_eq!(number, expected.to_string(), "of publisher {publisher}");
            *expected += 1;
        } else {
            assert_eq!(packet, format!("43{answered}[{answered}]"));
            answered += 1;
        }
    }
}

/// Leaves in the middle of it.
async fn leave_early(mut client: Client) {
    for _ in 0..100 {
        client.text().await;
    }
}

async fn joined(server: &Server, address: SocketAddr, clients: usize) -> Vec<Client> {
    let mut joined = Vec::new();
    for _ in 0..clients {
        joined.push(Client::joined(address).await);
    }
    let members = async || {
        server
            .of("/")
            .to("news")
            .fetch_sockets()
            .await
            .unwrap()
            .len()
    };
    while members().await < clients {
        tokio::task::yield_now().await;
    }
    joined
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn publishers_on_many_threads_keep_their_order_at_every_client() {
    let server = server();
    let address = serve(&server).await;
    let (start, started) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for (index, client) in joined(&server, address, 16).await.into_iter().enumerate() {
        match index % 4 {
            0 => tasks.spawn(leave_early(client)),
            _ => tasks.spawn(follow(client)),
        };
    }
    for publisher in 0..PUBLISHERS {
        tasks.spawn(publish(server.of("/"), publisher, started.clone()));
    }
    start.send(true).unwrap();
    tasks.join_all().await;
}
