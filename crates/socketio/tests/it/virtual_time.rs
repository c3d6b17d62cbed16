//! The clients in memory that applications test with, in virtual time.

use std::time::Duration;

use socketio::{AckError, Event, Server, Socket, testing::Client};
use tokio::sync::mpsc;

#[tokio::test(start_paused = true)]
async fn a_session_lives_as_long_as_its_heartbeat() {
    let server = Server::new();
    server
        .of("/")
        .on("remind me", |socket: Socket, event: Event| async move {
            tokio::time::sleep(Duration::from_secs(event.arg(0)?)).await;
            socket.emit("reminder", ())?;
            Ok::<_, socketio::HandlerError>(())
        });
    let mut client = Client::open(&server).await;
    client.join("/").await.unwrap();
    client.send(r#"2["remind me",3600]"#).await;
    assert_eq!(client.next().await.unwrap(), r#"2["reminder"]"#);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_vanishes_is_noticed() {
    let server = Server::new();
    let (sender, mut left) = mpsc::unbounded_channel();
    server.of("/").on_disconnect(move |_: Socket, reason| {
        let _ = sender.send(reason.to_string());
        async {}
    });
    let mut client = Client::open(&server).await;
    client.join("/").await.unwrap();
    client.vanish();
    assert_eq!(left.recv().await.unwrap(), "ping timeout");
    assert_eq!(server.sessions(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_a_timeout() {
    let server = Server::new();
    let mut client = Client::open(&server).await;
    let id = client.join("/").await.unwrap();
    let root = server.of("/");
    let socket = root.sockets().remove(0);
    assert_eq!(socket.id().as_str(), id);
    let asked = tokio::time::Instant::now();
    let answer = socket
        .timeout(Duration::from_secs(5))
        .emit_with_ack("well", ())
        .await;
    assert!(matches!(answer, Err(AckError::Timeout)));
    assert_eq!(asked.elapsed(), Duration::from_secs(5));
    assert_eq!(client.next().await.unwrap(), r#"20["well"]"#);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_joins_nothing_is_closed() {
    let server = Server::new();
    let mut client = Client::open(&server).await;
    let opened = tokio::time::Instant::now();
    assert_eq!(client.next().await, None);
    assert_eq!(opened.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn attachments_go_both_ways() {
    let server = Server::new();
    server.of("/").on("echo", |_, event: Event| async move {
        event.ack(event.args().clone())
    });
    let mut client = Client::open(&server).await;
    client.join("/").await.unwrap();
    client
        .send(r#"51-0["echo",{"_placeholder":true,"num":0}]"#)
        .await;
    client.send("bAQID").await;
    let answer = client.next().await.unwrap();
    assert_eq!(answer, r#"61-0[{"_placeholder":true,"num":0}]"#);
    assert_eq!(client.next().await.unwrap(), "bAQID");
}
