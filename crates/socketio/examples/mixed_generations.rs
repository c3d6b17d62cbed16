//! Clients of socket.io 1.x and 2.x beside those of 3.x and 4.x, in the same rooms.
//!
//! `cargo run -p socketio --example mixed_generations`, then connect clients of any generation to
//! port 3000. Nothing in the handlers depends on who speaks which protocol.

use socketio::{EmitError, Event, Server, Socket, engineio};
use tokio::net::TcpListener;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> std::io::Result<()> {
    let mut engine = engineio::Config::default();
    // Devices that send no `EIO`, and browsers that only know JSONP.
    engine.protocol.legacy_eio = true;
    engine.protocol.jsonp = true;
    let io = Server::builder().engine(engine).build();
    io.of("/").on_connect(introduce);
    io.of("/").on("say", pass_on);

    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}/socket.io/", listener.local_addr()?);
    io.serve(listener, std::future::pending()).await
}

async fn introduce(socket: Socket) -> Result<(), EmitError> {
    let generation = match socket.handshake().version() {
        engineio::proto::Version::V3 => "1.x or 2.x",
        engineio::proto::Version::V4 => "3.x or 4.x",
    };
    println!("{} is a client of {generation}", socket.id());
    socket.broadcast().emit("came", (generation,))?;
    Ok(())
}

async fn pass_on(socket: Socket, event: Event) -> Result<(), EmitError> {
    socket.broadcast().emit("said", event.args().clone())?;
    Ok(())
}
