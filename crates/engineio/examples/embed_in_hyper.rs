//! An Engine.IO server beside other paths of a hyper server.
//!
//! `cargo run -p engineio --example embed_in_hyper`

use std::{convert::Infallible, io, time::Duration};

use bytes::Bytes;
use engineio::{Application, Config, EngineService, Receiver, SessionHandle, WriteLimit, proto};
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use proto::{CloseReason, Data, SendOptions};
use tokio::net::TcpListener;

pub(crate) struct Greeter;

struct Greeted(SessionHandle);

impl Application for Greeter {
    fn open(&self, session: SessionHandle) -> Box<dyn Receiver> {
        let _ = session.send(Data::Text("welcome".into()), SendOptions::default());
        Box::new(Greeted(session))
    }
}

impl Receiver for Greeted {
    fn message(&mut self, data: Data) {
        let _ = self.0.send(data, SendOptions::default());
    }

    fn closed(&mut self, _: CloseReason) {}
}

async fn route(
    engine: EngineService,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if engine.serves(request.uri().path()) {
        return Ok(engine.answer(request).await);
    }
    Ok(Response::new(Full::from(
        "hello from the rest of the server\n",
    )))
}

pub(crate) async fn serve(engine: EngineService, listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let engine = engine.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| route(engine.clone(), request));
            // hyper waits for ever for a peer that does not take its answer.
            let stream = WriteLimit::new(stream, Duration::from_secs(10));
            // The timer makes hyper's header timeout work; upgrades are what WebSocket needs.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
                .await;
        });
    }
}

#[tokio::main(flavor = "multi_thread")]
async fn main() -> io::Result<()> {
    let engine = EngineService::new(Config::default(), Greeter);
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    serve(engine, listener).await
}
