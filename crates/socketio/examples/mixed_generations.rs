//! Clients of socket.io 1.x and 2.x beside those of 3.x and 4.x, in one room.
//!
//! `cargo run -p socketio --example mixed_generations [PORT]`, then connect clients of any generation to
//! it. Nothing in the handlers depends on who speaks which protocol.

use socketio::{EmitError, Event, HandlerError, Server, Socket, engineio};
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

    let port = std::env::args().nth(1).unwrap_or_else(|| "3000".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}/socket.io/", listener.local_addr()?);
    io.serve(listener, std::future::pending()).await
}

async fn introduce(socket: Socket) -> Result<(), HandlerError> {
    let generation = match socket.handshake().version() {
        engineio::proto::Version::V3 => "1.x or 2.x",
        engineio::proto::Version::V4 => "3.x or 4.x",
    };
    println!("{} is a client of {generation}", socket.id());
    socket.to("everybody").emit("came", (generation,))?;
    socket.join("everybody")?;
    Ok(())
}

async fn pass_on(socket: Socket, event: Event) -> Result<(), EmitError> {
    socket.to("everybody").emit("said", event.args())?;
    Ok(())
}
