//! A chat in rooms, mounted in an axum application.
//!
//! `cargo run -p socketio --example chat`, then connect any socket.io client to port 3000:
//! `socket.emit("join", "lobby", "ada")`, `socket.emit("say", "lobby", "ada", "hello")`.

use axum::{Router, routing::get};
use socketio::{DisconnectReason, EmitError, Event, HandlerError, Server, Socket};
use tokio::net::TcpListener;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> std::io::Result<()> {
    let io = Server::new();
    let chat = io.of("/");
    chat.on_connect(welcome);
    chat.on("join", join);
    chat.on("say", say);
    chat.on_disconnect(farewell);

    let app = Router::new()
        .route("/", get(|| async { "a chat server" }))
        .route_service("/socket.io/", io.service());
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}/", listener.local_addr()?);
    axum::serve(listener, app).await
}

async fn welcome(socket: Socket) -> Result<(), EmitError> {
    socket.emit("welcome", ("join a room, then say something",))?;
    Ok(())
}

async fn join(socket: Socket, event: Event) -> Result<(), HandlerError> {
    let (room, name): (String, String) = (event.arg(0)?, event.arg(1)?);
    socket.join(&room)?;
    socket.to(&room).emit("joined", (&room, &name))?;
    event.ack(())?;
    Ok(())
}

/// Others learn the name that the sender gives itself, never its id: of an old client that would be
/// the secret of its session.
async fn say(socket: Socket, event: Event) -> Result<(), HandlerError> {
    let room: String = event.arg(0)?;
    let (name, text): (String, String) = (event.arg(1)?, event.arg(2)?);
    socket
        .namespace()
        .to(&room)
        .emit("said", (&room, name, text))?;
    Ok(())
}

async fn farewell(socket: Socket, reason: DisconnectReason) {
    println!("{} left: {reason}", socket.id());
}
