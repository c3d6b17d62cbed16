//! The seam between the servers of a cluster.

use socketio::{
    Event, Server, Socket,
    testing::{Client, Cluster},
};
use tokio::sync::mpsc;

/// Two servers whose sockets join the room that they ask for.
fn pair() -> (Server, Server) {
    let cluster = Cluster::new();
    let member = || {
        let server = Server::builder().adapter(cluster.adapter()).build();
        server
            .of("/")
            .on("join", |socket: Socket, event: Event| async move {
                socket.join(event.arg::<String>(0)?);
                event.ack(())?;
                Ok::<_, socketio::HandlerError>(())
            });
        server
    };
    (member(), member())
}

async fn in_room(server: &Server, room: &str) -> Client {
    let mut client = Client::open(server).await;
    client.join("/").await.unwrap();
    client.send(&format!(r#"20["join","{room}"]"#)).await;
    assert_eq!(client.next().await.unwrap(), "30[]");
    client
}

#[tokio::test]
async fn a_broadcast_reaches_all_servers_or_stays() {
    let (one, two) = pair();
    let mut near = in_room(&one, "red").await;
    let mut far = in_room(&two, "red").await;
    one.of("/").to("red").local().emit("here", ()).unwrap();
    one.of("/").to("red").emit("everywhere", (1,)).unwrap();
    assert_eq!(near.next().await.unwrap(), r#"2["here"]"#);
    assert_eq!(near.next().await.unwrap(), r#"2["everywhere",1]"#);
    assert_eq!(far.next().await.unwrap(), r#"2["everywhere",1]"#);
}

#[tokio::test]
async fn sockets_of_all_servers_are_found_and_moved() {
    let (one, two) = pair();
    let _near = in_room(&one, "red").await;
    let mut far = in_room(&two, "red").await;
    let red = one.of("/").to("red");
    assert_eq!(red.clone().fetch_sockets().await.unwrap().len(), 2);
    red.clone().sockets_join("blue");
    assert_eq!(
        two.of("/")
            .to("blue")
            .local()
            .fetch_sockets()
            .await
            .unwrap()
            .len(),
        1
    );
    red.disconnect_sockets();
    assert_eq!(far.next().await.unwrap(), "1");
    assert!(one.of("/").is_empty() && two.of("/").is_empty());
}

#[tokio::test]
async fn servers_talk_to_each_other() {
    let (one, two) = pair();
    let (sender, mut heard) = mpsc::unbounded_channel();
    two.of("/").on_server_event("reload", move |args| {
        let _ = sender.send(args.get::<u32>(0).unwrap());
    });
    one.of("/").server_side_emit("reload", (7,)).unwrap();
    assert_eq!(heard.recv().await, Some(7));
}
