//! The common scenario with rust_socketio, against the Socket.IO fixture of siospec.
//!
//! `client CLIENT_FOLDER SERVER_URL polling|websocket|upgrade STEP…`; what the fixture's events do is
//! written in crates/siospec/README.md, and what this client cannot do is in ../cannot.tsv. `POST /cut` at
//! the server's address cuts all connections, and `POST /mend` lets new ones through.

mod client;

use std::{
    error::Error,
    process::{self, Command},
    time::Instant,
};

use rust_socketio::TransportType;
use serde_json::{Value, json};

use crate::client::{DEADLINE, Server, equal, unique};

const WORDS: [&str; 4] = ["hello", "", "20,5 °C – 多云 😀", "é\u{2028}\u{10ffff}"];

type Outcome = Result<(), Box<dyn Error>>;
type Step = fn(&Server) -> Outcome;

const STEPS: [(&str, Step); 10] = [
    ("connect", connect),
    ("auth", auth),
    ("namespaces", namespaces),
    ("refusal", refusal),
    ("events", events),
    ("binary", binary),
    ("acks", acks),
    ("rooms", rooms),
    ("leaving", leaving),
    ("reconnect", reconnect),
];

fn connect(server: &Server) -> Outcome {
    server.open("/", json!({})).map(drop)
}

fn auth(server: &Server) -> Outcome {
    let mut client = server.start("/custom", json!({ "tag": "ada" }))?;
    equal(client.next("auth")?, [json!({ "tag": "ada" })])
}

/// One namespace is all that a connection of this client has.
fn namespaces(server: &Server) -> Outcome {
    let mut root = server.open("/", json!({}))?;
    let mut custom = server.open("/custom", json!({}))?;
    custom.echo(&[json!("in /custom")])?;
    root.echo(&[json!("in /")])
}

fn refusal(server: &Server) -> Outcome {
    for (namespace, reason) in [
        ("/refused", "not authorized"),
        ("/nowhere", "Invalid namespace"),
    ] {
        let mut client = server.start(namespace, json!({}))?;
        let error = client.next("error")?;
        let text = error[0].to_string();
        if !text.contains(reason) {
            return Err(format!("expected {reason}, got {text}").into());
        }
    }
    Ok(())
}

fn events(server: &Server) -> Outcome {
    let mut client = server.open("/", json!({}))?;
    let mut words = WORDS.map(Value::from).to_vec();
    words.push(json!({ "nested": WORDS }));
    client.echo(&words)?;

    // An echo cannot tell that both ways garble alike; a socket on WebSocket, whose text is exact, can.
    let room = unique();
    let mut other = server.with(TransportType::Websocket).open("/", json!({}))?;
    other.join(&room)?;
    client.emit("to-room", vec![json!(room), json!(WORDS[2])])?;
    equal(other.next("news")?, [json!(WORDS[2])])
}

/// One attachment and nothing beside it is all that this client reads and writes.
fn binary(server: &Server) -> Outcome {
    let mut client = server.open("/", json!({}))?;
    let every_byte: Vec<u8> = (0..=255).collect();
    client.emit("message", every_byte.clone())?;
    equal(client.next("message-back")?, [json!(every_byte)])
}

fn acks(server: &Server) -> Outcome {
    let client = server.open("/", json!({}))?;
    let arguments = vec![json!(1), json!("多云"), json!({ "three": [null] })];
    let answer = client.ask("message-with-ack", arguments.clone())?;
    // It gives the arguments of an answer as one.
    equal(answer, [Value::from(arguments)])
}

fn rooms(server: &Server) -> Outcome {
    let room = unique();
    let mut inside = server.open("/", json!({}))?;
    let mut outside = server.open("/", json!({}))?;
    inside.join(&room)?;
    outside.emit("to-room", vec![json!(room), json!("for members")])?;
    equal(inside.next("news")?, [json!("for members")])?;
    outside.echo(&[json!("a fence")])?;
    equal(outside.waiting("news"), 0)
}

/// What the server sees.
fn leaving(server: &Server) -> Outcome {
    let tag = unique();
    server.open("/custom", json!({ "tag": tag }))?.leave()?;
    journal_has(server, &tag, "client namespace disconnect")?;

    let tag = unique();
    let mut thrown_out = server.open("/custom", json!({ "tag": tag }))?;
    thrown_out.emit("leave-namespace", vec![json!(null)])?;
    thrown_out.next("close")?;
    journal_has(server, &tag, "server namespace disconnect")
}

/// Leaving is no answer to anything, so the journal is asked again until it tells.
fn journal_has(server: &Server, tag: &str, entry: &str) -> Outcome {
    let mut reader = server.open("/", json!({}))?;
    let deadline = Instant::now() + DEADLINE;
    loop {
        reader.emit("journal", vec![json!(tag)])?;
        let entries = reader.next("journal")?;
        if entries[0].as_array().is_some_and(|list| list.len() == 2) || Instant::now() > deadline {
            return equal(
                entries,
                [json!([["/custom", "connect"], ["/custom", entry]])],
            );
        }
    }
}

fn reconnect(server: &Server) -> Outcome {
    let mut client = server.open("/", json!({}))?;
    client.echo(&[json!("before")])?;
    server.line("cut")?;
    client.next("error")?;
    server.line("mend")?;
    client.next("open")?;
    client.echo(&[json!("after")])
}

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, url, transport, steps @ ..] = &arguments[..] else {
        return Err("CLIENT_FOLDER SERVER_URL polling|websocket|upgrade STEP…".into());
    };
    if let [step] = steps {
        let server = Server::new(url, named(transport));
        println!("{}", outcome(&server, step));
        // Its threads end with the process.
        process::exit(0);
    }
    // The threads of clients that have left keep a processor busy each, so a step has a process of its own.
    for step in steps {
        let mut alone = Command::new(std::env::current_exe()?);
        alone.args([folder, url, transport, step]).status()?;
    }
    Ok(())
}

fn named(transport: &str) -> TransportType {
    match transport {
        "polling" => TransportType::Polling,
        "websocket" => TransportType::Websocket,
        _ => TransportType::WebsocketUpgrade,
    }
}

fn outcome(server: &Server, name: &str) -> Value {
    let step = STEPS.iter().find(|(known, _)| *known == name);
    let result = match step {
        Some((_, step)) => step(server).map_err(|error| error.to_string()),
        None => Err("there is no such step".into()),
    };
    match result {
        Ok(()) => json!({ "scenario": name, "ok": true }),
        Err(reason) => json!({ "scenario": name, "ok": false, "reason": reason }),
    }
}
