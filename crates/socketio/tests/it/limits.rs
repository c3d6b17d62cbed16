//! What one client can make the server keep or do, and what the application and its metrics see when
//! it tries more.

use std::{collections::BTreeSet, time::Duration};

use socketio::{AckError, EmitError, JoinError, Parser, Refusal, Room, Server, Socket, proto};
use tokio::{sync::mpsc, time::timeout};

use crate::client::{Client, PATIENCE, answer_silence, planted_panic, serve};

/// What a client says, and the name of the violation that ends it.
struct Case {
    name: &'static str,
    server: Server,
    stage: Stage,
    says: Vec<String>,
    sends: &'static [u8],
}

/// Where the client is when it says it.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Open,
    Joined,
}

/// The defaults, with what would be large made small.
fn limits() -> proto::Config {
    let mut limits = proto::Config::default();
    limits.max_attachment_bytes = 100;
    limits.max_namespaces = 2;
    limits.max_refusals = 1;
    limits
}

fn says(name: &'static str, text: impl Into<String>) -> Case {
    Case {
        name,
        server: Server::builder().protocol(limits()).build(),
        stage: Stage::Joined,
        says: vec![text.into()],
        sends: b"",
    }
}

/// A client that has not joined, of a server with other settings.
fn open(name: &'static str, server: Server, says: &[&str]) -> Case {
    Case {
        name,
        server,
        stage: Stage::Open,
        says: says.iter().map(|&text| text.into()).collect(),
        sends: b"",
    }
}

fn cases() -> Vec<Case> {
    let placeholder = r#"{"_placeholder":true,"num":0}"#;
    let packet = format!(r#"451-["x",{placeholder}]"#);
    let short = Duration::from_millis(50);
    let (mut hasty, mut impatient, mut poor) = (limits(), limits(), limits());
    hasty.attachment_timeout = short;
    impatient.connect_timeout = short;
    poor.attachment_budget = proto::AttachmentBudget::new(150);
    let server = |limits| Server::builder().protocol(limits).build();
    let msgpack = Server::builder().parser(Parser::MessagePack).build();
    vec![
        says("attachment_count", format!(r#"4511-["x",{placeholder}]"#)),
        says("attachment_bytes", &packet).sends(&[0; 101]),
        says(
            "attachment_expansion",
            format!(r#"451-["x"{}]"#, format!(",{placeholder}").repeat(4)),
        )
        .sends(&[0; 100]),
        says("attachment_timeout", &packet).of(server(hasty)),
        says("attachment_budget", &packet)
            .of(server(poor))
            .sends(&[0; 50]),
        says("placeholder", r#"451-["x",{"_placeholder":true,"num":1}]"#),
        says("text_for_attachment", &packet).and(r#"42["y"]"#),
        says("stray_attachment", r#"42["y"]"#).sends(b"stray"),
        says("too_many_namespaces", "40/a,").and("40/b,"),
        says("too_many_refusals", "40/nowhere,"),
        says("namespace_length", format!("40/{},", "x".repeat(256))),
        says(
            "auth_bytes",
            format!(r#"40/a,{{"token":"{}"}}"#, "x".repeat(16 * 1024)),
        ),
        says("event_name", format!(r#"42["{}"]"#, "x".repeat(257))),
        says("event_name", "42[true]"),
        says("reserved_name", r#"42["connect"]"#),
        says(
            "json_depth",
            format!(r#"42["x",{}1{}]"#, "[".repeat(64), "]".repeat(64)),
        ),
        says("json", r#"42["x""#),
        says("payload", "40/a,[]"),
        says("ack_id", r#"42123456789012345678901["x"]"#),
        says("not_connected", r#"42/a,["x"]"#),
        says("connect_twice", "40"),
        says("connect_error", "44{}"),
        says("unknown_type", "49"),
        open("connect_timeout", server(impatient), &[]),
        open("text_message", msgpack, &["40"]),
    ]
}

impl Case {
    fn of(mut self, server: Server) -> Self {
        self.server = server;
        self
    }

    fn and(mut self, text: &str) -> Self {
        self.says.push(text.into());
        self
    }

    fn sends(mut self, bytes: &'static [u8]) -> Self {
        self.sends = bytes;
        self
    }
}

#[test]
fn every_violation_is_provoked() {
    let provoked: BTreeSet<_> = cases().iter().map(|case| case.name).collect();
    let all: BTreeSet<_> = proto::Violation::all()
        .map(proto::Violation::name)
        .collect();
    assert_eq!(provoked, all);
}

#[tokio::test]
async fn what_ends_a_session_is_told_by_name() {
    for case in cases() {
        let server = &case.server;
        server.of("/a");
        server.of("/b");
        let (sender, mut left) = mpsc::unbounded_channel();
        server.of("/").on_disconnect(move |_: Socket, reason| {
            let _ = sender.send((reason.name(), reason.to_string()));
            async {}
        });
        let mut client = Client::v5(serve(server).await).await;
        if case.stage == Stage::Joined {
            client.join("").await;
        }
        for text in &case.says {
            client.send(text).await;
        }
        if !case.sends.is_empty() {
            client.send_binary(case.sends).await;
        }
        if case.stage == Stage::Joined {
            let reason = timeout(PATIENCE, left.recv()).await.expect(case.name);
            let reason = reason.unwrap();
            assert_eq!(reason, (case.name, "forced server close".into()));
            assert!(server.stats().left.keys().eq([&case.name]));
        } else {
            client.expect_closed().await;
        }
        let stats = server.stats();
        assert_eq!(stats.violations, [(case.name, 1)].into(), "{:?}", case.says);
    }
}

#[tokio::test]
async fn what_is_just_within_the_limits_passes() {
    let server = Server::new();
    let echo = |socket: Socket, event: socketio::Event| async move {
        socket.emit("back", (event.args().len(),))
    };
    server.of("/").on_any(echo);
    let mut client = Client::joined(serve(&server).await).await;
    client.send(&format!(r#"42["{}"]"#, "x".repeat(256))).await;
    client.expect(r#"42["back",0]"#).await;
    let deep = format!(r#"42["x",{}1{}]"#, "[".repeat(63), "]".repeat(63));
    client.send(&deep).await;
    client.expect(r#"42["back",1]"#).await;
    client.send(r#"4218446744073709551615["x"]"#).await;
    client.expect(r#"42["back",0]"#).await;
    let placeholders: Vec<String> = (0..10)
        .map(|number| format!(r#"{{"_placeholder":true,"num":{number}}}"#))
        .collect();
    client
        .send(&format!(r#"4510-["x",{}]"#, placeholders.join(",")))
        .await;
    for _ in 0..10 {
        client.send_binary(b"bytes").await;
    }
    client.expect(r#"42["back",10]"#).await;
}

#[tokio::test]
async fn a_socket_is_in_so_many_rooms() {
    let server = Server::builder().max_rooms(2).build();
    answer_silence(&server);
    let mut client = Client::joined(serve(&server).await).await;
    client.expect_silence().await;
    let socket = server.of("/").sockets().remove(0);
    socket.join("red").unwrap();
    socket.join("blue").unwrap();
    socket.join("red").unwrap();
    assert_eq!(socket.join("green"), Err(JoinError::TooManyRooms));
    server.of("/").all().sockets_join("green");
    assert_eq!(
        server.of("/").to("green").emit("news", ()).unwrap().queued,
        0
    );
    assert_eq!(server.stats().refused, [("too_many_rooms", 2)].into());
    socket.leave("red");
    socket.join("green").unwrap();
}

#[tokio::test]
async fn the_name_of_a_room_is_bounded() {
    let server = Server::new();
    let _client = Client::joined(serve(&server).await).await;
    let socket = server.of("/").sockets().remove(0);
    let long = "x".repeat(Room::MAX_LEN);
    socket.join(long.as_str()).unwrap();
    assert_eq!(socket.join(long + "x"), Err(JoinError::NameTooLong));
    assert_eq!(server.stats().refused, [("room_name_too_long", 1)].into());
}

#[tokio::test]
async fn so_many_answers_of_one_socket_are_awaited() {
    let server = Server::builder().max_open_acks(1).build();
    let mut client = Client::joined(serve(&server).await).await;
    let socket = server.of("/").sockets().remove(0);
    let first = socket.emit_with_ack("first", ());
    let second = socket.emit_with_ack("second", ()).await;
    assert!(matches!(
        second,
        Err(AckError::Emit(EmitError::TooManyAcks))
    ));
    assert_eq!(server.stats().refused, [("too_many_acks", 1)].into());
    client.expect(r#"420["first"]"#).await;
    client.send("430[]").await;
    first.await.unwrap();
    drop(socket.emit_with_ack("third", ()));
    client.expect(r#"422["third"]"#).await;
}

#[tokio::test]
async fn refused_joins_are_counted_by_name() {
    let server = Server::new();
    let _closed = server.namespace::<(), _>("/closed", |_| async { Err(Refusal::new("no")) });
    let _broken = server.namespace("/broken", |_| async {
        planted_panic();
        Ok(())
    });
    let mut client = Client::v5(serve(&server).await).await;
    for namespace in ["/nowhere", "/closed", "/broken", "/closed"] {
        client.send(&format!("40{namespace},")).await;
        assert!(client.text().await.starts_with(&format!("44{namespace},")));
    }
    assert_eq!(
        server.stats().refused,
        [
            ("middleware", 2),
            ("middleware_panic", 1),
            ("unknown_namespace", 1)
        ]
        .into()
    );
}

#[tokio::test]
async fn joins_and_events_are_counted() {
    let server = Server::new();
    answer_silence(&server);
    server.of("/").on("echo", |socket: Socket, _| async move {
        socket.emit("back", ())?;
        socket.volatile().emit("dropped", ())?;
        socket.namespace().emit("all", ())
    });
    server.of("/").on("mute", |_, _: socketio::Event| async {});
    let address = serve(&server).await;
    let (mut one, two) = (Client::joined(address).await, Client::joined(address).await);
    one.send(r#"42["echo"]"#).await;
    one.send(r#"427["mute"]"#).await;
    one.expect(r#"42["back"]"#).await;
    one.expect(r#"42["all"]"#).await;
    one.expect_silence().await;
    drop(two);
    while server.of("/").len() > 1 {
        tokio::task::yield_now().await;
    }
    let stats = server.stats();
    assert_eq!((stats.joined, stats.received, stats.unanswered), (2, 3, 1));
    assert_eq!((stats.sent.queued, stats.sent.dropped), (3, 1));
    assert_eq!(stats.left, [("transport_close", 1)].into());
    assert_eq!(stats.engine.opened, 2);
}
