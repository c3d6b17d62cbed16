//! An Engine.IO server as a service of an axum router.
//!
//! `cargo run -p engineio --example embed_in_axum`

use std::{io, net::SocketAddr, time::Duration};

use axum::{Router, routing::get, serve::Listener};
use engineio::{Application, Config, EngineService, Receiver, SessionHandle, WriteLimit, proto};
use proto::{CloseReason, Data, SendOptions};
use tokio::net::TcpListener;

pub(crate) struct Echo;

pub(crate) struct EchoBack(pub(crate) SessionHandle);

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

/// Connections whose peer has to take its answers in time: neither axum nor hyper gives one up.
pub(crate) struct Guarded {
    pub(crate) listener: TcpListener,
    pub(crate) patience: Duration,
}

impl Listener for Guarded {
    type Io = WriteLimit;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (WriteLimit, SocketAddr) {
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        (WriteLimit::new(stream, self.patience), peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

pub(crate) fn app(engine: &EngineService) -> Router {
    Router::new()
        .route("/", get(async || "hello from axum\n"))
        // The path stays as it is …
        .route_service("/engine.io/", engine.clone())
        // … or a prefix is stripped, so that the router alone decides.
        .nest_service("/nested/engine.io", engine.mounted())
}

#[tokio::main(flavor = "multi_thread")]
async fn main() -> io::Result<()> {
    let engine = EngineService::new(Config::default(), Echo);
    let listener = Guarded {
        listener: TcpListener::bind("127.0.0.1:3000").await?,
        patience: Duration::from_secs(10),
    };
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app(&engine)).await
}
