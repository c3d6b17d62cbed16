//! Middleware that checks a token and gives every socket a typed state, by which it joins a room.
//!
//! `cargo run -p socketio --example auth [PORT]`, then
//! `io("http://127.0.0.1:3000/members", { auth: { token: "open sesame", name: "ada", team: "red" } })`.
//! Clients of socket.io 2.x bring the same in the namespace's query:
//! `io("…/members?token=open%20sesame&name=ada&team=red")`.

use serde::Deserialize;
use serde_json::json;
use socketio::{
    ConnectRequest, Delivery, EmitError, EmitOutcome, Event, HandlerError, JoinError, Refusal,
    Server, Socket,
};
use tokio::net::TcpListener;

/// What the middleware finds out about a client; every handler has it at hand.
struct Member {
    name: String,
    team: String,
}

#[derive(Deserialize)]
struct Credentials {
    token: String,
    name: Option<String>,
    team: String,
}

#[tokio::main(flavor = "multi_thread")]
async fn main() -> std::io::Result<()> {
    let io = Server::new();
    let members = io.namespace("/members", admit);
    members.on_connect(join_team);
    members.on("who am I", who_am_i);
    members.on("tell my team", tell_team);

    let port = std::env::args().nth(1).unwrap_or_else(|| "3000".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
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
    let team = credentials.team;
    Ok(Member { name, team })
}

async fn join_team(socket: Socket<Member>) -> Result<(), JoinError> {
    socket.join(socket.state().team.as_str())
}

async fn who_am_i(socket: Socket<Member>, _: Event) -> Result<EmitOutcome, EmitError> {
    socket.emit("you are", (&socket.state().name,))
}

/// The room comes from the state, so nobody reaches another team.
async fn tell_team(socket: Socket<Member>, event: Event) -> Result<Delivery, HandlerError> {
    let Member { name, team } = socket.state();
    let text: String = event.arg(0)?;
    Ok(socket.to(team.as_str()).emit("told", (name, text))?)
}
