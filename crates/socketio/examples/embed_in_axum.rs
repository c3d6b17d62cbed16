//! A Socket.IO server in an axum application, with what axum leaves to its host: the peer's address,
//! peers that do not take their answers, and an end that every client learns of.
//!
//! `cargo run -p socketio --example embed_in_axum [PORT]`, and Ctrl-C.

use std::{future::Future, io, net::SocketAddr, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, Request, connect_info::Connected},
    middleware::{self, Next},
    response::Response,
    routing::get,
    serve::{IncomingStream, Listener},
};
use socketio::{
    EmitError, Event, Server, Socket,
    engineio::{PeerAddr, WriteLimit},
};
use tokio::net::TcpListener;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "3000".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}/", listener.local_addr()?);
    let ctrl_c = async {
        // Without a handler for the signal it ends the process by itself.
        let _ = tokio::signal::ctrl_c().await;
    };
    serve(Server::new(), listener, ctrl_c).await
}

pub(crate) async fn serve(
    io: Server,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    io.of("/").on("where am I", where_am_i);
    let app = Router::new()
        .route("/", get(async || "hello from axum\n"))
        .route_service("/socket.io/", io.service())
        .layer(middleware::from_fn(tell_peer))
        .into_make_service_with_connect_info::<Peer>();
    axum::serve(Guarded(listener), app)
        .with_graceful_shutdown(async move {
            shutdown.await;
            // Inside of this future, while axum still answers: what sessions are sent at their end
            // needs polls and sockets that go on.
            io.close().await;
        })
        .await
}

async fn where_am_i(socket: Socket, event: Event) -> Result<(), EmitError> {
    let peer = socket.handshake().peer();
    event.ack((peer.map(|peer| peer.to_string()),))
}

/// Tells sockets, and the limits per address, what axum knows of the connection.
async fn tell_peer(
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    request.extensions_mut().insert(PeerAddr(peer));
    next.run(request).await
}

#[derive(Clone)]
struct Peer(SocketAddr);

impl Connected<IncomingStream<'_, Guarded>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Guarded>) -> Self {
        Self(*stream.remote_addr())
    }
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
