//! The service in an axum router, by route and nested.

use axum::{Router, routing::get};
use engineio::{Application, EngineService, Receiver, SessionHandle, proto};
use proto::{CloseReason, Data, SendOptions};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::client_async;

use crate::client::{Socket, config};

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
