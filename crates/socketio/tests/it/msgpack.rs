//! Packets as maps of MessagePack (SIO5 6.8). What is longer is written here as the text that it
//! stands for.

use socketio::{
    Args, EmitError, Event, Parser, Server, Socket,
    engineio::proto::{Data, Entry},
    proto::msgpack,
};

use crate::client::{Client, serve};

fn echo() -> Server {
    let server = Server::builder().parser(Parser::MessagePack).build();
    let root = server.of("/");
    root.on("echo", |socket: Socket, event: Event| async move {
        event.ack(event.args().clone())?;
        socket.emit("back", event.args().clone())
    });
    root.on("tell", |socket: Socket, event: Event| async move {
        socket.namespace().emit("news", event.args().clone())
    });
    server
}

impl Client {
    async fn packs(&mut self, packet: &str) {
        let message = msgpack::encode(&Entry::from(Data::Text(packet.into()))).unwrap();
        self.send_bytes(message).await;
    }

    async fn unpacks(&mut self) -> String {
        let packet = msgpack::decode(&self.bytes().await).unwrap();
        match packet.head() {
            Data::Text(text) => text.to_string(),
            Data::Binary(_) => panic!("packets are text"),
        }
    }

    async fn packed(server: &Server) -> Self {
        let mut client = Self::v5(serve(server).await).await;
        // {"type":0,"nsp":"/"}
        client.send_binary(b"\x82\xa4type\x00\xa3nsp\xa1/").await;
        let answer = client.unpacks().await;
        assert!(answer.starts_with(r#"0{"sid":""#), "{answer}");
        client
    }
}

#[tokio::test]
async fn events_and_answers_are_maps() {
    let mut client = Client::packed(&echo()).await;
    // {"type":2,"nsp":"/","id":7,"data":["echo",1]}
    client
        .send_binary(b"\x84\xa4type\x02\xa3nsp\xa1/\xa2id\x07\xa4data\x92\xa4echo\x01")
        .await;
    assert_eq!(client.unpacks().await, "37[1]");
    client
        .expect_binary(b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa4back\x01")
        .await;
}

#[tokio::test]
async fn bytes_stand_in_their_place() {
    let mut client = Client::packed(&echo()).await;
    client
        .send_binary(b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa4echo\xc4\x02\x00\xff")
        .await;
    client
        .expect_binary(b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa4back\xc6\0\0\0\x02\x00\xff")
        .await;
}

#[tokio::test]
async fn broadcasts_and_other_namespaces() {
    let server = echo();
    server.of("/chat");
    let mut client = Client::packed(&server).await;
    client.packs("0/chat,").await;
    let answer = client.unpacks().await;
    assert!(answer.starts_with(r#"0/chat,{"sid":""#), "{answer}");
    client.packs("0/nowhere,").await;
    let refusal = r#"4/nowhere,{"message":"Invalid namespace"}"#;
    assert_eq!(client.unpacks().await, refusal);
    client.packs(r#"2["tell","°"]"#).await;
    assert_eq!(client.unpacks().await, r#"2["news","°"]"#);
}

#[tokio::test]
async fn text_and_other_shapes_close() {
    let server = echo();
    for message in [b"\x93\x01\x02\x03".as_slice(), b"\xc1", b"\x81\xa4type\x02"] {
        let mut client = Client::packed(&server).await;
        client.send_binary(message).await;
        client.expect_closed().await;
    }
    let mut client = Client::packed(&server).await;
    client.send(r#"42["echo"]"#).await;
    client.expect_closed().await;
}

#[tokio::test]
async fn raw_json_that_has_no_form_is_refused() {
    let server = echo();
    let _client = Client::packed(&server).await;
    let args = Args::from_raw([r#""\ud800""#]).unwrap();
    let refused = server.of("/").emit("news", args);
    assert!(
        matches!(refused, Err(EmitError::MessagePack(_))),
        "{refused:?}"
    );
}
