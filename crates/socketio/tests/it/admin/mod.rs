//! What the user interface for admins is told, and what it may do.

use std::net::SocketAddr;

use serde_json::{Value, json};
use socketio::{
    Event, HandlerError, Server, Socket,
    admin::{Admin, Credentials},
};

use crate::client::{Client, answer_silence};

mod commands;
mod entering;
mod events;
mod overview;

const LOGIN: &str = r#"{"username":"ops","password":"rosebud"}"#;

fn admin() -> Admin {
    Admin::new(Credentials::password("ops", "rosebud"))
}

/// A server with rooms, an echo, and something for admins.
fn server(options: Admin) -> Server {
    let server = Server::new();
    let root = server.of("/");
    root.on("join", |socket: Socket, event: Event| async move {
        socket.join(event.arg::<String>(0)?)?;
        event.ack(())?;
        Ok::<_, HandlerError>(())
    });
    root.on("leave", |socket: Socket, event: Event| async move {
        socket.leave(event.arg::<String>(0)?);
        event.ack(())?;
        Ok::<_, HandlerError>(())
    });
    answer_silence(&server);
    server.admin(options);
    server
}

/// An admin who has got in. The statistics are read past unless they are asked for.
struct Console {
    client: Client,
    id: String,
}

impl Console {
    /// Logs in and reads what every admin is told first.
    async fn open(address: SocketAddr) -> Self {
        let mut console = Self::enter(address, LOGIN).await;
        console.next("session").await;
        console.next("config").await;
        console.next("all_sockets").await;
        console
    }

    async fn enter(address: SocketAddr, auth: &str) -> Self {
        let mut client = Client::v5(address).await;
        client.send(&format!("40/admin,{auth}")).await;
        let answer = client.text().await;
        let answer = answer.strip_prefix("40/admin,").expect("to be let in");
        let answer: Value = serde_json::from_str(answer).unwrap();
        let id = answer["sid"].as_str().unwrap().into();
        Self { client, id }
    }

    async fn send(&mut self, command: Value) {
        self.client.send(&format!("42/admin,{command}")).await;
    }

    /// The arguments of the next event, which has this name.
    async fn next(&mut self, name: &str) -> Vec<Value> {
        loop {
            let packet = self.client.text().await;
            let event = packet.strip_prefix("42/admin,").expect(&packet);
            let mut event: Vec<Value> = serde_json::from_str(event).unwrap();
            let found = event.remove(0);
            if found == name {
                return event;
            }
            assert_eq!(found, "server_stats", "{event:?}");
        }
    }

    /// The next event has this name and these arguments, and behind them the time.
    async fn expect(&mut self, name: &str, args: Value) {
        let mut found = self.next(name).await;
        let time = found.pop().unwrap();
        assert_eq!(Value::from(found), args, "{name}");
        let time = time.as_str().unwrap();
        assert_eq!((time.len(), &time[10..11], &time[23..]), (24, "T", "Z"));
    }

    /// Reads what is told of a client who joins a namespace: its record.
    async fn expect_connected(&mut self, namespace: &str) -> Value {
        let joined = self.next("room_joined").await;
        assert_eq!((&joined[0], &joined[1]), (&json!(namespace), &joined[2]));
        let mut connected = self.next("socket_connected").await;
        assert_eq!(connected[0]["id"], joined[2]);
        connected.remove(0)
    }
}
