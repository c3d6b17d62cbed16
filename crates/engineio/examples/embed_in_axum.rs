//! An Engine.IO server as a service of an axum router.
//!
//! `cargo run -p engineio --example embed_in_axum`

use axum::{Router, routing::get};
use engineio::{Application, Config, EngineService, Receiver, SessionHandle, proto};
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

#[tokio::main(flavor = "multi_thread")]
async fn main() -> std::io::Result<()> {
    let engine = EngineService::new(Config::default(), Echo);
    let app = Router::new()
        .route("/", get(async || "hello from axum\n"))
        // The path stays as it is …
        .route_service("/engine.io/", engine.clone())
        // … or a prefix is stripped, so that the router alone decides.
        .nest_service("/nested/engine.io", engine.mounted());
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await
}
