//! Answers in both directions: to a client, from a client, and from everybody at once.
//!
//! `cargo run -p socketio --example acks`, then connect a socket.io client to port 3000 and call
//! `socket.emit("add", 1, 2, console.log)`. Listen to `question` with a callback to be asked back.

use std::time::Duration;

use socketio::{AckError, Event, HandlerError, Server, Socket};
use tokio::{net::TcpListener, time::sleep};

#[tokio::main(flavor = "multi_thread")]
async fn main() -> std::io::Result<()> {
    let io = Server::new();
    let root = io.of("/");
    root.on("add", add);
    root.on("ask me", ask);
    tokio::spawn(poll_everybody(io.clone()));

    let listener = TcpListener::bind("127.0.0.1:3000").await?;
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
        Ok(answer) => println!("{}: {}", socket.id(), answer.get::<String>(0)?),
        Err(AckError::Timeout) => println!("{} has no answer", socket.id()),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

async fn poll_everybody(io: Server) {
    loop {
        sleep(Duration::from_secs(10)).await;
        let asking = io.of("/").all().timeout(Duration::from_secs(2));
        let Ok(mut answers) = asking.emit_with_acks("question", ("still there?",)) else {
            return;
        };
        let received = answers.rest().await.len();
        println!("{received} of {} answered", answers.expected());
    }
}
