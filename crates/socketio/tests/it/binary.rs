//! Attachments in both directions and protocols (SIO5 5.1).

use socketio::{Event, Server, Socket};

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
