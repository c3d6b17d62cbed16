//! Many clients at once on many threads: nothing deadlocks and nothing is left behind.

use std::time::Duration;

use socketio::{Event, HandlerError, Server, Socket, testing::Client};
use tokio::{task::JoinSet, time::timeout};

fn server() -> Server {
    let server = Server::new();
    for name in ["/", "/chat"] {
        let namespace = server.of(name);
        namespace.on("join", |socket: Socket, event: Event| async move {
            let room: String = event.arg(0)?;
            socket.join(room.as_str())?;
            socket
                .namespace()
                .to(room)
                .emit("joined", (socket.id().as_str(),))?;
            event.ack(())?;
            Ok::<_, HandlerError>(())
        });
        namespace.on("kick", |socket: Socket, event: Event| async move {
            let room: String = event.arg(0)?;
            socket.to(room).disconnect_sockets();
            event.ack(())?;
            Ok::<_, HandlerError>(())
        });
        namespace.on("close", |socket: Socket, _| async move { socket.close() });
    }
    server
}

/// One client's life: it ends kicked by another, by leaving, by being closed, or by vanishing.
async fn live(server: Server, number: usize) {
    let mut client = Client::open(&server).await;
    let namespace = if number.is_multiple_of(2) {
        "/"
    } else {
        "/chat"
    };
    let prefix = if number.is_multiple_of(2) {
        ""
    } else {
        "/chat,"
    };
    client.join(namespace).await.unwrap();
    for room in 0..3 {
        let room = (number + room) % 5;
        client
            .send(&format!(r#"2{prefix}{room}["join","room {room}"]"#))
            .await;
    }
    match number % 4 {
        0 => {
            client
                .send(&format!(r#"2{prefix}["kick","room {}"]"#, number % 5))
                .await
        }
        1 => client.send(&format!("1{prefix}")).await,
        2 => client.send(&format!(r#"2{prefix}["close"]"#)).await,
        _ => {}
    }
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_comes_and_goes() {
    let server = server();
    let mut clients = JoinSet::new();
    for number in 0..200 {
        clients.spawn(live(server.clone(), number));
    }
    let all = timeout(Duration::from_secs(30), clients.join_all());
    all.await.expect("nobody waits for ever");
    let (root, chat) = (server.of("/"), server.of("/chat"));
    let empty = async {
        while server.sessions() > 0 || !root.is_empty() || !chat.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), empty)
        .await
        .expect("everybody is gone");
    assert!(root.rooms().is_empty() && chat.rooms().is_empty());
}
