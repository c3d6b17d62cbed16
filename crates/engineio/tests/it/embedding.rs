//! The examples for axum and hyper, and streams that are no TCP.

use std::time::Duration;

use axum::serve::Listener;
use engineio::{Application, EngineService, Receiver, SessionHandle, proto};
use futures_util::{SinkExt, StreamExt};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use proto::{CloseReason, Data, SendOptions, SendOutcome};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    net::{TcpListener, TcpStream},
    runtime::Handle,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use self::in_axum::{Echo, EchoBack, Guarded};
use crate::client::{HANDSHAKE, Http, PATIENCE, Server, Socket, config, polling, sid_of};

#[path = "../../examples/embed_in_axum.rs"]
#[allow(dead_code, reason = "its main is not called")]
mod in_axum;

#[path = "../../examples/embed_in_hyper.rs"]
#[allow(dead_code, reason = "its main is not called")]
mod in_hyper;

#[tokio::test]
async fn axum_serves_it_by_route_and_nested() {
    let engine = EngineService::new(config(), Echo);
    let app = in_axum::app(&engine);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let mut sockets = Vec::new();
    for path in ["/engine.io/", "/nested/engine.io/"] {
        let stream = TcpStream::connect(address).await.unwrap();
        let url = format!("ws://test{path}?EIO=4&transport=websocket");
        let mut socket = Socket(client_async(url, stream).await.unwrap().0);
        assert!(socket.text().await.starts_with("0{"));
        socket.send("4through axum").await;
        assert_eq!(socket.text().await, "4through axum");
        sockets.push(socket);
    }
    assert_eq!(engine.sessions(), 2);
}

/// Sends more than the buffers of both ends take.
struct Flood;

impl Application for Flood {
    fn open(&self, session: SessionHandle) -> Box<dyn Receiver> {
        let message = Data::Binary(vec![0; 32 * 1024 * 1024].into());
        let sent = session.send(message, SendOptions::default());
        assert_eq!(sent, Ok(SendOutcome::Queued));
        Box::new(EchoBack(session))
    }
}

#[tokio::test]
async fn axum_gives_up_an_answer_that_nobody_reads_by_a_write_limit() {
    let engine = EngineService::new(config(), Flood);
    let app = in_axum::app(&engine);
    let listener = Guarded {
        listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        patience: Duration::from_millis(100),
    };
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let mut http = Http::connect(address).await;
    let opened = http.request("GET", HANDSHAKE, "").await;
    let alive = || Handle::current().metrics().num_alive_tasks();
    let with_connection = alive();
    let target = polling(&sid_of(&opened.body));
    http.send("GET", &target, "", "").await;
    let given_up = async {
        while alive() >= with_connection {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, given_up).await.unwrap();
}

/// A connection that is no TCP, as TLS is none.
async fn through_memory(server: &Server) -> WebSocketStream<DuplexStream> {
    let (near, far) = tokio::io::duplex(4096);
    let service = server.service.clone();
    tokio::spawn(async move {
        http1::Builder::new()
            .serve_connection(TokioIo::new(far), service)
            .with_upgrades()
            .await
            .unwrap();
    });
    let url = "ws://test/engine.io/?EIO=4&transport=websocket";
    client_async(url, near).await.unwrap().0
}

#[tokio::test]
async fn a_stream_that_is_no_tcp_is_served_by_its_task() {
    let mut server = Server::start(config()).await;
    let mut socket = through_memory(&server).await;
    let session = server.opened().await;
    assert!(
        socket
            .next()
            .await
            .unwrap()
            .unwrap()
            .to_string()
            .starts_with("0{")
    );
    let text = format!("4{}", "x".repeat(300_000));
    socket.send(text.clone().into()).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().to_string(), text);

    let sending = tokio::spawn(async move {
        for _ in 0..100 {
            session.writable().await;
            let message = Data::Text("y".repeat(50_000).into());
            let sent = session.send(message, SendOptions::default());
            assert_eq!(sent, Ok(SendOutcome::Queued));
        }
    });
    for _ in 0..100 {
        let next = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap();
        assert_eq!(next.unwrap().unwrap().len(), 50_001);
    }
    sending.await.unwrap();

    socket.send(Message::Close(None)).await.unwrap();
    let answer = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap();
    assert_eq!(answer.unwrap().unwrap(), Message::Close(None));
    assert_eq!(server.closed().await, CloseReason::TransportClose);
}

#[tokio::test]
async fn hyper_serves_it_beside_other_paths() {
    let engine = EngineService::new(config(), in_hyper::Greeter);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(in_hyper::serve(engine, listener));
    let stream = TcpStream::connect(address).await.unwrap();
    let url = "ws://test/engine.io/?EIO=4&transport=websocket";
    let mut socket = Socket(client_async(url, stream).await.unwrap().0);
    assert!(socket.text().await.starts_with("0{"));
    assert_eq!(socket.text().await, "4welcome");
    socket.send("4through hyper").await;
    assert_eq!(socket.text().await, "4through hyper");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /rest HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.ends_with("hello from the rest of the server\n"),
        "{answer}"
    );
}
