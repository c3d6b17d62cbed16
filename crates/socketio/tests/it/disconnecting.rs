//! How sockets leave, and what handlers learn of it (SIO5 6.3).

use socketio::{Event, Server, Socket};
use tokio::sync::mpsc;

use crate::client::{Client, answer_silence, serve};

/// A server whose disconnects, and what was handled before them, can be read.
fn watched() -> (Server, mpsc::UnboundedReceiver<String>) {
    let server = Server::new();
    let (sender, seen) = mpsc::unbounded_channel();
    for name in ["/", "/chat"] {
        let namespace = server.of(name);
        let journal = sender.clone();
        namespace.on_disconnect(move |socket: Socket, reason| {
            let _ = journal.send(format!("{} {reason}", socket.namespace().name()));
            async {}
        });
        let journal = sender.clone();
        namespace.on("note", move |_, event: Event| {
            let _ = journal.send(event.arg(0).unwrap());
            async {}
        });
        namespace.on(
            "leave",
            |socket: Socket, _| async move { socket.disconnect() },
        );
        namespace.on("close", |socket: Socket, _| async move { socket.close() });
    }
    answer_silence(&server);
    (server, seen)
}

#[tokio::test]
async fn a_client_leaves_one_namespace() {
    let (server, mut seen) = watched();
    let mut client = Client::joined(serve(&server).await).await;
    client.join("/chat,").await;
    client.send("41/chat,").await;
    client.expect_silence().await;
    assert_eq!(
        seen.recv().await.unwrap(),
        "/chat client namespace disconnect"
    );
}

#[tokio::test]
async fn who_has_left_is_in_no_room() {
    let server = Server::new();
    let (sender, mut seen) = mpsc::unbounded_channel();
    let root = server.of("/");
    root.on_connect(|socket: Socket| async move { socket.join("red") });
    root.on_disconnect(move |socket: Socket, _| {
        let _ = sender.send((socket.rooms().len(), socket.namespace().rooms().len()));
        async {}
    });
    answer_silence(&server);
    let mut client = Client::joined(serve(&server).await).await;
    client.expect_silence().await;
    assert_eq!(root.rooms(), [("red".into(), 1)]);
    client.send("41").await;
    assert_eq!(seen.recv().await.unwrap(), (0, 0));
}

#[tokio::test]
async fn a_client_may_come_back_with_a_new_id() {
    let (server, _) = watched();
    let mut client = Client::v5(serve(&server).await).await;
    let first = client.join("").await;
    client.send("41").await;
    assert_ne!(client.join("").await, first);
    client.expect_silence().await;
}

#[tokio::test]
async fn what_came_before_the_leave_is_handled_before_it() {
    let (server, mut seen) = watched();
    let mut client = Client::joined(serve(&server).await).await;
    for text in [r#"42["note","one"]"#, r#"42["note","two"]"#, "41"] {
        client.send(text).await;
    }
    assert_eq!(seen.recv().await.unwrap(), "one");
    assert_eq!(seen.recv().await.unwrap(), "two");
    assert_eq!(seen.recv().await.unwrap(), "/ client namespace disconnect");
}

#[tokio::test]
async fn the_server_ends_one_namespace_and_what_waits_is_dropped() {
    let (server, mut seen) = watched();
    let mut client = Client::joined(serve(&server).await).await;
    client.join("/chat,").await;
    client.send(r#"42/chat,["leave"]"#).await;
    client.expect("41/chat,").await;
    client.expect_silence().await;
    assert_eq!(
        seen.recv().await.unwrap(),
        "/chat server namespace disconnect"
    );
}

#[tokio::test]
async fn the_server_ends_the_session() {
    let (server, mut seen) = watched();
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"42["close"]"#).await;
    client.expect("41").await;
    client.expect_closed().await;
    assert_eq!(seen.recv().await.unwrap(), "/ server namespace disconnect");
}

#[tokio::test]
async fn a_lost_transport_ends_every_namespace() {
    let (server, mut seen) = watched();
    let mut client = Client::joined(serve(&server).await).await;
    client.join("/chat,").await;
    drop(client);
    let mut both = [seen.recv().await.unwrap(), seen.recv().await.unwrap()];
    both.sort();
    assert_eq!(both, ["/ transport close", "/chat transport close"]);
}

#[tokio::test]
async fn garbage_ends_the_session() {
    let (server, mut seen) = watched();
    let mut client = Client::joined(serve(&server).await).await;
    client.send("4garbage").await;
    client.expect_closed().await;
    assert_eq!(seen.recv().await.unwrap(), "/ forced server close");
}

#[tokio::test]
async fn a_client_that_joins_nothing_is_closed() {
    let mut protocol = socketio::proto::Config::default();
    protocol.connect_timeout = std::time::Duration::from_millis(50);
    let server = Server::builder().protocol(protocol).build();
    let address = serve(&server).await;
    let mut idle = Client::v5(address).await;
    let mut joined = Client::joined(address).await;
    idle.expect_closed().await;
    answer_silence(&server);
    joined.expect_silence().await;
}

#[tokio::test]
async fn closing_the_server_ends_everything() {
    let (server, mut seen) = watched();
    let mut client = Client::joined(serve(&server).await).await;
    server.close().await;
    client.expect_closed().await;
    assert_eq!(seen.recv().await.unwrap(), "/ server shutting down");
    assert_eq!(server.sessions(), 0);
}

#[tokio::test]
async fn handles_work_outside_of_the_runtime() {
    let (server, mut seen) = watched();
    let mut client = Client::joined(serve(&server).await).await;
    let socket = server.of("/").sockets().remove(0);
    let thread = std::thread::spawn(move || {
        socket.emit("from", ("a thread",)).unwrap();
        drop(socket.emit_with_ack("well", ()));
        socket.disconnect();
    });
    client.expect(r#"42["from","a thread"]"#).await;
    client.expect(r#"420["well"]"#).await;
    client.expect("41").await;
    assert_eq!(seen.recv().await.unwrap(), "/ server namespace disconnect");
    thread.join().unwrap();
}
