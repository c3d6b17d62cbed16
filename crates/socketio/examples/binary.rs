//! Bytes in arguments, at any depth, in both directions.
//!
//! `cargo run -p socketio --example binary [PORT]`, then connect a socket.io client to it and call
//! `socket.emit("store", { name: "a.bin", content: new Uint8Array([1, 2, 3]) }, console.log)`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use socketio::{Event, HandlerError, Server, Socket};
use tokio::net::TcpListener;

/// A file as a client sends it and gets it back.
#[derive(Serialize, Deserialize)]
struct File {
    name: String,
    content: socketio::Binary,
}

#[tokio::main(flavor = "multi_thread")]
async fn main() -> std::io::Result<()> {
    let io = Server::new();
    io.of("/").on("store", store);

    let port = std::env::args().nth(1).unwrap_or_else(|| "3000".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}/socket.io/", listener.local_addr()?);
    io.serve(listener, std::future::pending()).await
}

async fn store(socket: Socket, event: Event) -> Result<(), HandlerError> {
    let file: File = event.arg(0)?;
    let content: &Bytes = &file.content.0;
    println!("{} has {} bytes", file.name, content.len());
    event.ack((content.len(),))?;
    // Everybody else gets the file: its bytes are shared, not copied.
    socket.broadcast().emit("stored", (file,))?;
    Ok(())
}
