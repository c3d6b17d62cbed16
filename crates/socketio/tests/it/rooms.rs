//! Rooms and broadcasts.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde::{Serialize, Serializer};
use socketio::{Delivery, Event, Server, Socket};

use crate::client::{Client, answer_silence, serve};

/// A namespace whose sockets join the room that they ask for.
fn rooms() -> Server {
    let server = Server::new();
    let root = server.of("/");
    root.on("join", |socket: Socket, event: Event| async move {
        socket.join(event.arg::<String>(0)?)?;
        event.ack(())?;
        Ok::<_, socketio::HandlerError>(())
    });
    root.on("leave", |socket: Socket, event: Event| async move {
        socket.leave(event.arg::<String>(0)?);
        event.ack(())?;
        Ok::<_, socketio::HandlerError>(())
    });
    answer_silence(&server);
    server
}

async fn in_room(client: &mut Client, room: &str) {
    client.send(&format!(r#"420["join","{room}"]"#)).await;
    client.expect("430[]").await;
}

#[tokio::test]
async fn a_broadcast_reaches_the_room() {
    let server = rooms();
    let address = serve(&server).await;
    let (mut one, mut two) = (Client::joined(address).await, Client::joined(address).await);
    in_room(&mut one, "red").await;
    let delivery = server.of("/").to("red").emit("news", (1,)).unwrap();
    assert_eq!(delivery.queued, 1);
    one.expect(r#"42["news",1]"#).await;
    two.expect_silence().await;
}

#[tokio::test]
async fn nobody_gets_it_twice_and_exceptions_do_not_get_it() {
    let server = rooms();
    let address = serve(&server).await;
    let (mut one, mut two) = (Client::joined(address).await, Client::joined(address).await);
    for room in ["red", "blue"] {
        in_room(&mut one, room).await;
    }
    in_room(&mut two, "blue").await;
    let root = server.of("/");
    let both = root.to("red").to("blue").emit("both", ()).unwrap();
    assert_eq!(both.delivered(), 2);
    let rest = root.to("blue").except("red").emit("rest", ()).unwrap();
    assert_eq!(rest.delivered(), 1);
    one.expect(r#"42["both"]"#).await;
    one.expect_silence().await;
    two.expect(r#"42["both"]"#).await;
    two.expect(r#"42["rest"]"#).await;
}

#[tokio::test]
async fn a_socket_does_not_hear_itself() {
    let server = rooms();
    server
        .of("/")
        .on("say", |socket: Socket, event: Event| async move {
            socket.to("red").emit("said", event.args().clone())?;
            socket.broadcast().emit("heard", event.args().clone())
        });
    let address = serve(&server).await;
    let (mut one, mut two) = (Client::joined(address).await, Client::joined(address).await);
    in_room(&mut one, "red").await;
    in_room(&mut two, "red").await;
    one.send(r#"42["say","hi"]"#).await;
    two.expect(r#"42["said","hi"]"#).await;
    two.expect(r#"42["heard","hi"]"#).await;
    one.expect_silence().await;
}

#[tokio::test]
async fn a_socket_is_reached_by_its_id() {
    let server = rooms();
    let address = serve(&server).await;
    let mut client = Client::v5(address).await;
    let id = client.join("").await;
    let delivery = server.of("/").to(id).emit("you", ()).unwrap();
    assert_eq!(delivery.queued, 1);
    client.expect(r#"42["you"]"#).await;
}

#[tokio::test]
async fn who_has_left_a_room_hears_nothing() {
    let server = rooms();
    let mut client = Client::joined(serve(&server).await).await;
    in_room(&mut client, "red").await;
    client.send(r#"420["leave","red"]"#).await;
    client.expect("430[]").await;
    let delivery = server.of("/").to("red").emit("news", ()).unwrap();
    assert_eq!(delivery, Delivery::default());
    assert!(server.of("/").rooms().is_empty());
}

#[tokio::test]
async fn nothing_is_left_of_who_has_left() {
    let server = rooms();
    let (sender, mut left) = tokio::sync::mpsc::unbounded_channel();
    server.of("/").on_disconnect(move |socket: Socket, _| {
        assert_eq!(socket.join("too late"), Err(socketio::JoinError::Gone));
        let _ = sender.send(socket);
        async {}
    });
    let mut client = Client::joined(serve(&server).await).await;
    in_room(&mut client, "red").await;
    drop(client);
    let socket = left.recv().await.unwrap();
    assert!(server.of("/").is_empty() && server.of("/").rooms().is_empty());
    assert!(socket.rooms().is_empty());
    let gone = socket.emit("hello", ());
    assert!(matches!(gone, Err(socketio::EmitError::Gone)));
}

#[tokio::test]
async fn both_protocols_share_a_room() {
    let server = rooms();
    let address = serve(&server).await;
    let (mut old, mut new) = (Client::v4(address).await, Client::joined(address).await);
    in_room(&mut old, "red").await;
    in_room(&mut new, "red").await;
    let delivery = server.of("/").to("red").emit("news", ("é",)).unwrap();
    assert_eq!(delivery.queued, 2);
    old.expect(r#"42["news","é"]"#).await;
    new.expect(r#"42["news","é"]"#).await;
}

#[tokio::test]
async fn many_sockets_are_moved_at_once() {
    let server = rooms();
    let address = serve(&server).await;
    let (mut one, mut two) = (Client::joined(address).await, Client::joined(address).await);
    in_room(&mut one, "red").await;
    let root = server.of("/");
    root.to("red").sockets_join("blue");
    root.to("red").sockets_leave("red");
    assert_eq!(root.rooms(), [("blue".into(), 1)]);
    let blue = root.to("blue").fetch_sockets().await.unwrap();
    assert_eq!(blue.len(), 1);
    assert_eq!(blue[0].rooms, ["blue".into()]);
    root.to("blue").disconnect_sockets();
    one.expect("41").await;
    two.expect_silence().await;
    root.all().close_sessions();
    two.expect("41").await;
    two.expect_closed().await;
    assert!(root.sockets().is_empty());
}

/// Counts how often it is written as JSON.
struct Written(Arc<AtomicUsize>);

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        serializer.serialize_str("é")
    }
}

#[tokio::test]
async fn a_broadcast_is_encoded_once() {
    let server = rooms();
    let address = serve(&server).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(Client::joined(address).await);
        clients.push(Client::v4(address).await);
    }
    let written = Arc::new(AtomicUsize::new(0));
    let news = Written(Arc::clone(&written));
    let delivery = server.of("/").emit("news", (news,)).unwrap();
    assert_eq!(delivery.queued, 10);
    for client in &mut clients {
        client.expect(r#"42["news","é"]"#).await;
    }
    assert_eq!(written.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_outgoing_catch_all_may_join_rooms() {
    // It is called without a lock of the namespace's.
    let server = rooms();
    let mut client = Client::joined(serve(&server).await).await;
    let root = server.of("/");
    let namespace = root.clone();
    root.on_any_outgoing(move |_| {
        for socket in namespace.sockets() {
            socket.join("told").unwrap();
        }
    });
    root.emit("news", ()).unwrap();
    client.expect(r#"42["news"]"#).await;
    assert_eq!(root.rooms(), [("told".into(), 1)]);
}
