//! A Socket.IO client that shows what is on the wire: Engine.IO messages without their `4`.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// What a machine that is busy with other things may take for one packet.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Opens a session of revision 4 and joins `/v2`.
    pub(crate) async fn open(server: SocketAddr) -> Self {
        let mut socket = Self::session(server, 4).await;
        socket.send("0/v2,").await;
        assert!(socket.next().await.starts_with(r#"0/v2,{"sid":""#));
        socket
    }

    /// Opens a session on WebSocket.
    pub(crate) async fn session(server: SocketAddr, revision: u8) -> Self {
        let stream = TcpStream::connect(server).await.unwrap();
        let url = format!("ws://{server}/socket.io/?EIO={revision}&transport=websocket");
        let (mut websocket, _) = client_async(url, stream).await.unwrap();
        let open = websocket.next().await.unwrap().unwrap();
        assert!(open.to_text().unwrap().starts_with("0{"));
        Self(websocket)
    }

    /// Takes over a session that has been polling.
    pub(crate) async fn upgraded(server: SocketAddr, path: &str) -> Self {
        let stream = TcpStream::connect(server).await.unwrap();
        let url = format!("ws://{server}{path}");
        let (mut websocket, _) = client_async(url, stream).await.unwrap();
        websocket.send(Message::text("2probe")).await.unwrap();
        let answer = websocket.next().await.unwrap().unwrap();
        assert_eq!(answer, Message::text("3probe"));
        websocket.send(Message::text("5")).await.unwrap();
        Self(websocket)
    }

    pub(crate) async fn send(&mut self, packet: &str) {
        self.0
            .send(Message::text(format!("4{packet}")))
            .await
            .unwrap();
    }

    pub(crate) async fn send_binary(&mut self, bytes: &'static [u8]) {
        self.0.send(Message::binary(bytes)).await.unwrap();
    }

    pub(crate) async fn emit(&mut self, event: &str, argument: &str) {
        self.send(&format!(r#"2/v2,["{event}",{argument}]"#)).await;
    }

    /// Says the same many times, in as few writes as they fit into.
    pub(crate) async fn emit_often(&mut self, times: usize, event: &str, argument: &str) {
        for _ in 0..times {
            let packet = format!(r#"42/v2,["{event}",{argument}]"#);
            self.0.feed(Message::text(packet)).await.unwrap();
        }
        self.0.flush().await.unwrap();
    }

    /// The next packet.
    pub(crate) async fn next(&mut self) -> String {
        self.next_or_end().await.expect("the server closed")
    }

    /// The next packet, or nothing once the server has closed.
    pub(crate) async fn next_or_end(&mut self) -> Option<String> {
        // Over all that comes: pings are no answer.
        timeout(PATIENCE, self.receive()).await.expect("silence")
    }

    async fn receive(&mut self) -> Option<String> {
        loop {
            match self.0.next().await? {
                Ok(Message::Text(text)) if text.starts_with('4') => return Some(text[1..].into()),
                // A pong that cannot be sent any more is missed by nobody.
                Ok(Message::Text(text)) if text == "2" => {
                    let _ = self.0.send(Message::text("3")).await;
                }
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, packet: &str) -> impl Future<Output = ()> {
        let expected = packet.to_owned();
        async move { assert_eq!(self.next().await, expected) }
    }

    pub(crate) async fn log_in(&mut self, session: &str) {
        self.emit(
            "authenticate",
            &format!(r#"{{"sessionToken":"{session}"}}"#),
        )
        .await;
        self.expect(r#"2/v2,["authenticate",{"status":"success"}]"#)
            .await;
    }

    pub(crate) async fn subscribe(&mut self, topic: &str) {
        self.emit("subscribe", &format!(r#"{{"resource":"{topic}"}}"#))
            .await;
        self.expect(&answer("subscribe", "subscribed", topic)).await;
    }

    pub(crate) async fn unsubscribe(&mut self, topic: &str) {
        self.emit("unsubscribe", &format!(r#"{{"resource":"{topic}"}}"#))
            .await;
        self.expect(&answer("unsubscribe", "unsubscribed", topic))
            .await;
    }

    /// The values of the next event, which must be one of this topic.
    pub(crate) async fn values(&mut self, topic: &str) -> Vec<serde_json::Value> {
        let packet = self.next().await;
        let start = format!(r#"2/v2,["{topic}",["#);
        assert!(packet.starts_with(&start), "{packet}");
        let event: serde_json::Value = serde_json::from_str(&packet["2/v2,".len()..]).unwrap();
        assert_eq!(event.as_array().map(Vec::len), Some(2), "{packet}");
        event[1].as_array().unwrap().clone()
    }
}

pub(crate) fn answer(event: &str, message: &str, topic: &str) -> String {
    format!(r#"2/v2,["{event}",{{"status":"success","message":"{message}","resource":"{topic}"}}]"#)
}
