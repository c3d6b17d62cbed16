//! A Socket.IO server beside other paths of a hyper server.
//!
//! `cargo run -p socketio --example embed_in_hyper [PORT]`

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use socketio::{
    EmitError, EmitOutcome, Event, Server, Socket,
    engineio::{EngineService, WriteLimit},
};
use tokio::net::TcpListener;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> std::io::Result<()> {
    let io = Server::new();
    io.of("/").on("shout", shout);

    let port = std::env::args().nth(1).unwrap_or_else(|| "3000".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}/", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let sockets = io.service();
        tokio::spawn(async move {
            let service = service_fn(move |request| route(sockets.clone(), request));
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

async fn route(
    sockets: EngineService,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if sockets.serves(request.uri().path()) {
        return Ok(sockets.answer(request).await);
    }
    Ok(Response::new(Full::from(
        "hello from the rest of the server\n",
    )))
}

async fn shout(socket: Socket, event: Event) -> Result<EmitOutcome, EmitError> {
    let text: String = event.arg(0).unwrap_or_default();
    socket.emit("shouted", (text.to_uppercase(),))
}
