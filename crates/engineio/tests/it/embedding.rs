//! The service in an axum router, by route and nested, and on streams that are no TCP.

use axum::{Router, routing::get};
use engineio::{Application, EngineService, Receiver, SessionHandle, proto};
use futures_util::{SinkExt, StreamExt};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use proto::{CloseReason, Data, SendOptions, SendOutcome};
use tokio::{
    io::DuplexStream,
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::client::{PATIENCE, Server, Socket, config};

struct Echo;

struct EchoBack(SessionHandle);

impl Application for Echo {
    fn open(&self, session: SessionHandle) -> Box<dyn Receiver> {
        Box::new(EchoBack(session))
    }
}

impl Receiver for EchoBack {
    fn message(&mut self, data: Data) {
        let _ = self.0.send(data, SendOptions::default());
    }

    fn closed(&mut self, _: CloseReason) {}
}

#[tokio::test]
async fn axum_serves_it_by_route_and_nested() {
    let engine = EngineService::new(config(), Echo);
    let app = Router::new()
        .route("/", get(async || "hello"))
        .route_service("/engine.io/", engine.clone())
        .nest_service("/nested/engine.io", engine.mounted());
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
