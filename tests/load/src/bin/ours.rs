//! The benchmark application on the `socketio` crate: rooms, publishes, echoes, nothing else.
//!
//! Prints the address it listens on; the argument is the port, 0 for a free one.
#![forbid(unsafe_code)]

use std::time::Duration;

use socketio::{Event, HandlerError, Server, Socket, proto::Args};
use tokio::net::TcpListener;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "0".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/socket.io/", listener.local_addr()?);
    server().serve(listener, std::future::pending()).await
}

fn server() -> Server {
    let mut engine = engineio::Config::default();
    // Idle clients of a long run do not answer pings; connects are not limited by a test machine.
    engine.protocol.ping_interval = Duration::from_secs(300);
    engine.protocol.limits.max_sessions = 1_000_000;
    engine.protocol.limits.max_sessions_per_address = usize::MAX;
    engine.protocol.limits.max_connections = usize::MAX;
    let io = Server::builder().engine(engine).build();
    let root = io.of("/");
    root.on("join", async |socket: Socket, event: Event| {
        socket.join(&event.arg::<String>(0)?)?;
        event.ack(())?;
        Ok::<_, HandlerError>(())
    });
    root.on("echo", async |_: Socket, event: Event| {
        event.ack(event.args().clone())?;
        Ok::<_, HandlerError>(())
    });
    let rooms = root.clone();
    root.on("publish", move |_: Socket, event: Event| {
        let rooms = rooms.clone();
        async move {
            let payload = event.args().raw(1).unwrap_or("null");
            let delivery = rooms
                .to(&event.arg::<String>(0)?)
                .emit("m", Args::from_raw([payload])?)?;
            debug_assert_eq!(delivery.refused, 0);
            Ok::<_, HandlerError>(())
        }
    });
    io
}
