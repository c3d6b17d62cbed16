//! Middleware that checks a token and gives every socket a typed state.
//!
//! `cargo run -p socketio --example auth`, then
//! `io("http://127.0.0.1:3000/members", { auth: { token: "open sesame" } })`. Clients of socket.io 2.x
//! bring the token in the namespace's query: `io("…/members?token=open%20sesame")`.

use serde::Deserialize;
use serde_json::json;
use socketio::{ConnectRequest, EmitError, EmitOutcome, Event, Refusal, Server, Socket};
use tokio::net::TcpListener;

/// What the middleware finds out about a client; every handler has it at hand.
struct Member {
    name: String,
}

#[derive(Deserialize)]
struct Credentials {
    token: String,
    name: Option<String>,
}

#[tokio::main(flavor = "multi_thread")]
async fn main() -> std::io::Result<()> {
    let io = Server::new();
    let members = io.namespace("/members", admit);
    members.on("who am I", who_am_i);

    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}/socket.io/", listener.local_addr()?);
    io.serve(listener, std::future::pending()).await
}

async fn admit(request: ConnectRequest) -> Result<Member, Refusal> {
    let refusal = Refusal::new("not authorized");
    let Ok(credentials) = request.auth::<Credentials>() else {
        return Err(refusal.with_data(json!({ "missing": "token" })));
    };
    // A real server compares hashes, in constant time.
    if credentials.token != "open sesame" {
        return Err(refusal);
    }
    let name = credentials.name.unwrap_or_else(|| "somebody".into());
    Ok(Member { name })
}

async fn who_am_i(socket: Socket<Member>, _: Event) -> Result<EmitOutcome, EmitError> {
    socket.emit("you are", (&socket.state().name,))
}
