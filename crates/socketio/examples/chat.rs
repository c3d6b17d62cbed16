//! A chat in rooms, mounted in an axum application.
//!
//! `cargo run -p socketio --example chat [PORT]`, then connect any socket.io client to it:
//! `socket.emit("join", "lobby", "ada")`, `socket.emit("say", "lobby", "ada", "hello")`. It is the program
//! of the workspace's README, with a page beside it.

use axum::{Router, routing::get};
use socketio::{DisconnectReason, EmitError, Event, HandlerError, Server, Socket};
use tokio::net::TcpListener;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> std::io::Result<()> {
    let io = server();
    let app = Router::new()
        .route("/", get(|| async { "a chat server" }))
        .route_service("/socket.io/", io.service());
    let port = std::env::args().nth(1).unwrap_or_else(|| "3000".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}/", listener.local_addr()?);
    axum::serve(listener, app).await
}

fn server() -> Server {
    let io = Server::new();
    let chat = io.of("/");
    chat.on_connect(welcome);
    chat.on("join", join);
    chat.on("say", say);
    chat.on_disconnect(farewell);
    io
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
    // The name and the text, as they came.
    let said = socket.to(&room).emit("said", event.args())?;
    event.ack((said.queued,))?;
    Ok(())
}

async fn farewell(socket: Socket, reason: DisconnectReason) {
    println!("{} left: {reason}", socket.id());
}

#[cfg(test)]
mod tests {
    use socketio::testing::Client;

    use super::*;

    /// Somebody in the lobby who has been welcomed.
    async fn in_the_lobby(mut client: Client, name: &str) -> Client {
        client.join("/").await.expect("everybody gets in");
        assert_eq!(client.event().await.expect("an event").name, "welcome");
        let joined = client.emit_with_ack("/", "join", ("lobby", name)).await;
        assert!(joined.expect("an answer").is_empty());
        client
    }

    #[tokio::test(start_paused = true)]
    async fn old_and_new_clients_hear_each_other() -> Result<(), HandlerError> {
        let io = server();
        let mut ada = in_the_lobby(Client::open(&io).await, "ada").await;
        let mut bob = in_the_lobby(Client::open_v4(&io).await, "bob").await;
        let joined = ada.event().await.expect("an event");
        assert_eq!(joined.name, "joined");
        assert_eq!(joined.args.get::<String>(1)?, "bob");

        let said = ("lobby", "bob", "hello");
        let heard = bob.emit_with_ack("/", "say", said).await;
        assert_eq!(heard.expect("an answer").get::<usize>(0)?, 1);
        let said = ada.event().await.expect("an event");
        assert_eq!(
            (said.name.as_str(), said.args.get::<String>(2)?),
            ("said", "hello".into())
        );
        Ok(())
    }
}
