//! A server on a free port, and clients that read and write packets as text on a WebSocket.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use socketio::Server;
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, duplex},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

/// A client on a WebSocket that has read its open packet.
pub(crate) struct Client<S = TcpStream> {
    socket: WebSocketStream<S>,
    pub(crate) sid: String,
}

/// Serves on a free port for the rest of the test.
pub(crate) async fn serve(server: &Server) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = server.clone();
    tokio::spawn(async move { server.serve(listener, std::future::pending()).await });
    address
}

impl Client {
    /// A client of protocol 5 that has joined nothing.
    pub(crate) async fn v5(address: SocketAddr) -> Self {
        Self::open(address, "EIO=4").await
    }

    /// A client of protocol 4, which is in the root namespace.
    pub(crate) async fn v4(address: SocketAddr) -> Self {
        let mut client = Self::open(address, "EIO=3").await;
        client.expect("40").await;
        client
    }

    /// A client of protocol 5 that has joined the root namespace.
    pub(crate) async fn joined(address: SocketAddr) -> Self {
        let mut client = Self::v5(address).await;
        client.join("").await;
        client
    }

    pub(crate) async fn open(address: SocketAddr, query: &str) -> Self {
        Self::open_with(address, query, &[]).await
    }

    /// The same with headers.
    pub(crate) async fn open_with(
        address: SocketAddr,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::upgraded(stream, query, headers).await
    }

    /// The address that the server sees.
    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.get_ref().local_addr().unwrap()
    }
}

impl Client<DuplexStream> {
    /// A client of protocol 5 that has joined the root namespace, without a socket: for virtual time.
    pub(crate) async fn in_memory(server: &Server) -> Self {
        let (near, far) = duplex(64 * 1024);
        let connection = http1::Builder::new()
            .serve_connection(TokioIo::new(far), server.service())
            .with_upgrades();
        tokio::spawn(connection);
        let mut client = Self::upgraded(near, "EIO=4", &[]).await;
        client.join("").await;
        client
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    async fn upgraded(stream: S, query: &str, headers: &[(&'static str, &str)]) -> Self {
        let url = format!("ws://test/socket.io/?{query}&transport=websocket");
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, _) = client_async(request, stream).await.unwrap();
        let mut client = Self {
            socket,
            sid: String::new(),
        };
        client.sid = sid_of(&client.text().await);
        client
    }

    /// Joins a namespace, written as it stands in packets: `/chat,`, or nothing for the root.
    pub(crate) async fn join(&mut self, namespace: &str) -> String {
        self.send(&format!("40{namespace}")).await;
        let answer = self.text().await;
        let expected = format!(r#"40{namespace}{{"sid":""#);
        assert!(answer.starts_with(&expected), "{answer}");
        sid_of(&answer)
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn send_binary(&mut self, bytes: &'static [u8]) {
        self.socket.send(Message::binary(bytes)).await.unwrap();
    }

    pub(crate) async fn send_bytes(&mut self, bytes: Bytes) {
        self.socket.send(Message::binary(bytes)).await.unwrap();
    }

    pub(crate) async fn expect(&mut self, text: &str) {
        assert_eq!(self.text().await, text);
    }

    pub(crate) async fn expect_binary(&mut self, bytes: &[u8]) {
        assert_eq!(self.bytes().await, bytes);
    }

    /// The session ends without anything else being said.
    pub(crate) async fn expect_closed(&mut self) {
        match timeout(PATIENCE, self.socket.next()).await.unwrap() {
            None | Some(Ok(Message::Close(_)) | Err(_)) => {}
            Some(Ok(other)) => panic!("{other}"),
        }
    }

    /// Nothing is on its way: what is asked for now is answered by the next packet.
    pub(crate) async fn expect_silence(&mut self) {
        self.send(r#"4299["are you there"]"#).await;
        self.expect("4399[]").await;
    }

    pub(crate) async fn text(&mut self) -> String {
        self.next().await.into_text().unwrap().to_string()
    }

    pub(crate) async fn bytes(&mut self) -> Bytes {
        self.next().await.into_data()
    }

    async fn next(&mut self) -> Message {
        loop {
            let next = timeout(PATIENCE, self.socket.next()).await;
            let message = next.expect("a packet in time").unwrap().unwrap();
            if message != Message::text("2") {
                return message;
            }
            self.send("3").await;
        }
    }
}

/// What a server needs for [`Client::expect_silence`].
pub(crate) fn answer_silence(server: &Server) {
    server
        .of("/")
        .on("are you there", |_, event| async move { event.ack(()) });
}

/// For handlers that are to panic.
pub(crate) fn planted_panic() {
    panic!("planted by a test");
}

pub(crate) fn sid_of(packet: &str) -> String {
    let from = packet.find(r#""sid":""#).unwrap() + 7;
    packet[from..].split('"').next().unwrap().into()
}

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
