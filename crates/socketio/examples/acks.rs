//! Answers in both directions: to a client, from a client, and from everybody at once.
//!
//! `cargo run -p socketio --example acks [PORT]`, then connect a socket.io client to it and call
//! `socket.emit("add", 1, 2, console.log)`. Listen to `question` with a callback and emit `ask me`, or
//! `ask everybody` with a callback.

use std::time::Duration;

use socketio::{AckError, Event, HandlerError, Server, Socket};
use tokio::net::TcpListener;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> std::io::Result<()> {
    let io = Server::new();
    let root = io.of("/");
    root.on("add", add);
    root.on("ask me", ask);
    root.on("ask everybody", ask_everybody);

    let port = std::env::args().nth(1).unwrap_or_else(|| "3000".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}/socket.io/", listener.local_addr()?);
    io.serve(listener, std::future::pending()).await
}

async fn add(_: Socket, event: Event) -> Result<(), HandlerError> {
    let (a, b): (f64, f64) = (event.arg(0)?, event.arg(1)?);
    event.ack((a + b,))?;
    Ok(())
}

/// A handler may wait for an answer: answers do not queue behind events.
async fn ask(socket: Socket, _: Event) -> Result<(), HandlerError> {
    let question = socket.timeout(Duration::from_secs(5));
    match question.emit_with_ack("question", ("how are you?",)).await {
        Ok(answer) => drop(socket.emit("thanks for", answer)?),
        Err(AckError::Timeout) => println!("{} has no answer", socket.id()),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Tells how many have answered, of how many. Clients that have left are not waited for.
async fn ask_everybody(socket: Socket, event: Event) -> Result<(), HandlerError> {
    let everybody = socket.namespace().all().timeout(Duration::from_secs(5));
    let mut answers = everybody.emit_with_acks("question", ("are you there?",))?;
    let received = answers.rest().await.len();
    event.ack((received, answers.expected()))?;
    Ok(())
}
