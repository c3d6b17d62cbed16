//! Attachments in both directions and protocols (SIO5 5.1).

use socketio::{Binary, Event, Server, Socket};

use crate::client::{Client, serve};

fn echo() -> Server {
    let server = Server::new();
    server
        .of("/")
        .on("echo", |socket: Socket, event: Event| async move {
            event.ack(event.args().clone())?;
            socket.emit("back", event.args().clone())
        });
    server
}

#[tokio::test]
async fn attachments_follow_their_event() {
    let mut client = Client::joined(serve(&echo()).await).await;
    client
        .send(r#"452-["echo",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]"#)
        .await;
    client.send_binary(b"\x01\x02").await;
    client.send_binary(b"").await;
    client
        .expect(r#"452-["back",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]"#)
        .await;
    client.expect_binary(b"\x01\x02").await;
    client.expect_binary(b"").await;
}

#[tokio::test]
async fn answers_have_attachments_too() {
    let mut client = Client::joined(serve(&echo()).await).await;
    client
        .send(r#"451-9["echo",{"_placeholder":true,"num":0}]"#)
        .await;
    client.send_binary(b"\xff").await;
    client
        .expect(r#"461-9[{"_placeholder":true,"num":0}]"#)
        .await;
    client.expect_binary(b"\xff").await;
}

#[tokio::test]
async fn protocol_4_has_a_type_byte() {
    let mut client = Client::v4(serve(&echo()).await).await;
    client
        .send(r#"451-["echo",{"_placeholder":true,"num":0}]"#)
        .await;
    client.send_binary(b"\x04\x01").await;
    client
        .expect(r#"451-["back",{"_placeholder":true,"num":0}]"#)
        .await;
    client.expect_binary(b"\x04\x01").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_comes_between_an_event_and_its_attachments() {
    let server = Server::new();
    let mut client = Client::joined(serve(&server).await).await;
    let socket = server.of("/").sockets().remove(0);
    for writer in 0..4_u8 {
        let (socket, root) = (socket.clone(), server.of("/"));
        tokio::spawn(async move {
            for _ in 0..100 {
                let bytes = || Binary::from(vec![writer]);
                socket.emit("one", (writer, bytes(), bytes())).unwrap();
                root.emit("all", (writer, bytes())).unwrap();
                tokio::task::yield_now().await;
            }
        });
    }
    for _ in 0..800 {
        let event = client.text().await;
        let (name, attachments) = if event.starts_with("452-") {
            ("one", 2)
        } else {
            ("all", 1)
        };
        let prefix = format!(r#"45{attachments}-["{name}","#);
        let writer = event.strip_prefix(&prefix).unwrap().as_bytes()[0] - b'0';
        for _ in 0..attachments {
            client.expect_binary(&[writer]).await;
        }
    }
}
