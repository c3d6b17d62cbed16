//! The example for axum, over real sockets.

use std::net::SocketAddr;

use futures_util::FutureExt;
use socketio::{Server, Socket};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use crate::client::{Client, PATIENCE, sid_of};

#[path = "../../examples/embed_in_axum.rs"]
#[allow(dead_code, reason = "its main is not called")]
mod example;

/// The example on a free port, until it is told to end.
struct Host {
    address: SocketAddr,
    shutdown: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Host {
    async fn start(io: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, told) = oneshot::channel();
        let served = example::serve(io.clone(), listener, told.map(|_| ()));
        Self {
            address,
            shutdown,
            served: tokio::spawn(served),
        }
    }

    async fn end(self) {
        self.shutdown.send(()).unwrap();
        let served = timeout(PATIENCE, self.served).await;
        served.expect("an end in time").unwrap().unwrap();
    }
}

#[tokio::test]
async fn sockets_see_the_peers_address() {
    let host = Host::start(&Server::new()).await;
    let mut client = Client::joined(host.address).await;
    client.send(r#"427["where am I"]"#).await;
    let answer = format!(r#"437["{}"]"#, client.address());
    client.expect(&answer).await;
}

#[tokio::test]
async fn the_end_waits_for_nobody_and_every_client_learns_of_it() {
    let io = Server::new();
    let (sender, mut left) = mpsc::unbounded_channel();
    io.of("/").on_disconnect(move |_: Socket, reason| {
        let _ = sender.send(reason.to_string());
        async {}
    });
    let host = Host::start(&io).await;
    let mut websocket = Client::joined(host.address).await;
    let mut poll = parked_poll(host.address).await;
    host.end().await;
    assert_eq!(left.recv().await.unwrap(), "server shutting down");
    websocket.expect_closed().await;
    let mut answer = String::new();
    let read = poll.read_to_string(&mut answer);
    timeout(PATIENCE, read).await.unwrap().unwrap();
    // The last packet is Engine.IO's close.
    let last = answer.rsplit(['\n', '\u{1e}']).next();
    assert_eq!(last, Some("1"), "{answer}");
}

/// A session opened by polling, and the connection on which its poll waits.
async fn parked_poll(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    get(&mut stream, "").await;
    let mut open = Vec::new();
    while !open.ends_with(b"}") {
        assert_ne!(stream.read_buf(&mut open).await.unwrap(), 0);
    }
    let sid = sid_of(str::from_utf8(&open).unwrap());
    get(&mut stream, &format!("&sid={sid}")).await;
    stream
}

async fn get(stream: &mut TcpStream, query: &str) {
    let target = format!("/socket.io/?EIO=4&transport=polling{query}");
    let request = format!("GET {target} HTTP/1.1\r\nHost: test\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
}
