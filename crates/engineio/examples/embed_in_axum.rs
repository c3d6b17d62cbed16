//! An Engine.IO server as a service of an axum router.
//!
//! `cargo run -p engineio --example embed_in_axum`

use std::{io, net::SocketAddr, time::Duration};

use axum::{Router, routing::get, serve::Listener};
use engineio::{Application, Config, EngineService, Receiver, SessionHandle, WriteLimit, proto};
use proto::{CloseReason, Data, SendOptions};
use tokio::net::TcpListener;

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

/// Connections whose peer has to take its answers: neither axum nor hyper gives one up.
struct Guarded(TcpListener);

impl Listener for Guarded {
    type Io = WriteLimit;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (WriteLimit, SocketAddr) {
        let (stream, peer) = Listener::accept(&mut self.0).await;
        (WriteLimit::new(stream, Duration::from_secs(10)), peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

#[tokio::main(flavor = "multi_thread")]
async fn main() -> io::Result<()> {
    let engine = EngineService::new(Config::default(), Echo);
    let app = Router::new()
        .route("/", get(async || "hello from axum\n"))
        // The path stays as it is …
        .route_service("/engine.io/", engine.clone())
        // … or a prefix is stripped, so that the router alone decides.
        .nest_service("/nested/engine.io", engine.mounted());
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(Guarded(listener), app).await
}
