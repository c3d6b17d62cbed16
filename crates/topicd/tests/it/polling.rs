//! A Socket.IO client over long-polling: one connection, one request at a time, text only.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

use crate::socket::Socket;

const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Polling {
    connection: BufReader<TcpStream>,
    revision: u8,
    path: String,
    /// Engine.IO packets that have come and are not read yet.
    packets: VecDeque<String>,
}

impl Polling {
    pub(crate) async fn session(server: SocketAddr, revision: u8) -> Self {
        let connection = TcpStream::connect(server).await.unwrap();
        let mut polling = Self {
            connection: BufReader::new(connection),
            revision,
            path: format!("/socket.io/?EIO={revision}&transport=polling"),
            packets: VecDeque::new(),
        };
        polling.poll().await;
        let open = polling.packets.pop_front().unwrap();
        let handshake: serde_json::Value = serde_json::from_str(&open[1..]).unwrap();
        let sid = handshake["sid"].as_str().unwrap();
        polling.path.push_str(&format!("&sid={sid}"));
        polling
    }

    pub(crate) async fn send(&mut self, packet: &str) {
        let body = match self.revision {
            3 => format!("{}:4{packet}", packet.len() + 1),
            _ => format!("4{packet}"),
        };
        let answer = self.request("POST", &body).await;
        assert_eq!(answer, "ok");
    }

    /// The next message without its `4`.
    pub(crate) async fn next(&mut self) -> String {
        loop {
            match self.packets.pop_front() {
                None => self.poll().await,
                Some(packet) if packet == "2" => {
                    self.request("POST", "3").await;
                }
                Some(packet) => {
                    if let Some(message) = packet.strip_prefix('4') {
                        return message.to_owned();
                    }
                }
            }
        }
    }

    /// Goes on by WebSocket.
    pub(crate) async fn upgrade(self) -> Socket {
        let server = self.connection.get_ref().peer_addr().unwrap();
        let path = self.path.replace("polling", "websocket");
        Socket::upgraded(server, &path).await
    }

    async fn poll(&mut self) {
        let payload = self.request("GET", "").await;
        match self.revision {
            3 => self.packets.extend(counted(&payload)),
            _ => self
                .packets
                .extend(payload.split('\u{1e}').map(str::to_owned)),
        }
    }

    /// Asks for what is next without waiting for it.
    pub(crate) async fn park(&mut self) {
        self.ask("GET", "").await;
    }

    async fn request(&mut self, method: &str, body: &str) -> String {
        self.ask(method, body).await;
        timeout(PATIENCE, self.answer()).await.expect("silence")
    }

    async fn ask(&mut self, method: &str, body: &str) {
        let (path, length) = (&self.path, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        self.connection.write_all(request.as_bytes()).await.unwrap();
    }

    async fn answer(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(
                self.connection.read_line(&mut head).await.unwrap() > 0,
                "closed"
            );
        }
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let head = head.to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        self.connection.read_exact(&mut body).await.unwrap();
        String::from_utf8(body).unwrap()
    }
}

/// The packets of a payload of revision 3, each with its length before it.
fn counted(mut payload: &str) -> Vec<String> {
    let mut packets = Vec::new();
    while let Some((length, rest)) = payload.split_once(':') {
        let (packet, rest) = rest.split_at(length.parse().unwrap());
        packets.push(packet.to_owned());
        payload = rest;
    }
    packets
}
