//! Clients that write HTTP and WebSocket by hand.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// An HTTP connection that is kept alive.
pub(crate) struct Http(BufReader<TcpStream>);

impl Http {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(BufReader::new(connect(address).await))
    }

    pub(crate) async fn send(&mut self, method: &str, target: &str, headers: &str, body: &str) {
        let length = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\
             {headers}\r\n{body}"
        );
        self.0.write_all(request.as_bytes()).await.unwrap();
    }

    /// Sends the head of a request whose body never comes.
    pub(crate) async fn send_head(&mut self, method: &str, target: &str, headers: &str) {
        let head = format!("{method} {target} HTTP/1.1\r\nHost: test\r\n{headers}\r\n\r\n");
        self.0.write_all(head.as_bytes()).await.unwrap();
    }

    pub(crate) async fn send_raw(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).await.unwrap();
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        timeout(PATIENCE, self.read_answer()).await.unwrap()
    }

    pub(crate) async fn request(&mut self, method: &str, target: &str, body: &str) -> Answer {
        self.send(method, target, "", body).await;
        self.answer().await
    }

    /// Waits until the server has closed the connection.
    pub(crate) async fn end(mut self) {
        let mut rest = Vec::new();
        let read = self.0.read_to_end(&mut rest);
        timeout(PATIENCE, read).await.unwrap().unwrap();
    }

    /// Breaks the connection: with nothing to linger for, the end is a reset.
    pub(crate) fn reset(self) {
        self.0.get_ref().set_zero_linger().unwrap();
    }

    /// The head of an answer, whose body may be anything.
    pub(crate) async fn head(&mut self) -> String {
        timeout(PATIENCE, self.read_head()).await.unwrap()
    }

    async fn read_head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).await.unwrap(), 0, "{head}");
        }
        head.to_lowercase()
    }

    async fn read_answer(&mut self) -> Answer {
        let head = self.read_head().await;
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).await.unwrap();
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: String::from_utf8(body).unwrap(),
        }
    }
}

/// An answer taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// The client's end of a WebSocket.
pub(crate) struct Socket(pub(crate) WebSocketStream<TcpStream>);

impl Socket {
    pub(crate) async fn connect(address: SocketAddr, query: &str) -> Self {
        let stream = connect(address).await;
        let revision = if query.contains("EIO=") { "" } else { "&EIO=4" };
        let url = format!("ws://test/engine.io/?transport=websocket{revision}{query}");
        let opened = timeout(PATIENCE, client_async(url, stream)).await.unwrap();
        Self(opened.unwrap().0)
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> Message {
        let next = timeout(PATIENCE, self.0.next()).await;
        next.expect("a frame in time").unwrap().unwrap()
    }

    pub(crate) async fn text(&mut self) -> String {
        self.next().await.into_text().unwrap().to_string()
    }

    /// Breaks the connection, as [`Http::reset`] does.
    pub(crate) fn reset(self) {
        self.0.get_ref().set_zero_linger().unwrap();
    }
}

/// Without it a small frame waits 40 ms for the acknowledgement of the one before.
async fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

pub(crate) fn polling(sid: &str) -> String {
    format!("{HANDSHAKE}&sid={sid}")
}

pub(crate) fn sid_of(open: &str) -> String {
    let from = open.find(r#""sid":""#).unwrap() + 7;
    open[from..].split('"').next().unwrap().into()
}

pub(crate) const HANDSHAKE: &str = "/engine.io/?EIO=4&transport=polling";
/// The headers that ask for a WebSocket.
pub(crate) const WEBSOCKET: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
