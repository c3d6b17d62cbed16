//! What one client can make the server keep or do, and what the application and its metrics see when
//! it tries more.

use std::time::Duration;

use socketio::{AckError, EmitError, JoinError, Refusal, Room, Server, Socket, proto};
use tokio::sync::mpsc;

use crate::client::{Client, answer_silence, planted_panic, serve};

/// What a joined client says, and the name of the violation that ends it.
struct Case {
    name: &'static str,
    says: Vec<String>,
    sends: &'static [u8],
}

/// The defaults, with what would take long or be large made small.
fn limits() -> proto::Config {
    let mut limits = proto::Config::default();
    limits.attachment_timeout = Duration::from_millis(50);
    limits.max_attachment_bytes = 10;
    limits.max_namespaces = 2;
    limits.max_refusals = 1;
    limits
}

fn says(name: &'static str, text: impl Into<String>) -> Case {
    Case {
        name,
        says: vec![text.into()],
        sends: b"",
    }
}

fn cases() -> Vec<Case> {
    let placeholder = r#"["x",{"_placeholder":true,"num":0}]"#;
    vec![
        says("attachment_count", format!("4511-{placeholder}")),
        Case {
            sends: b"eleven bytes",
            ..says("attachment_bytes", format!("451-{placeholder}"))
        },
        says("attachment_timeout", format!("451-{placeholder}")),
        says("text_for_attachment", format!("451-{placeholder}")).and(r#"42["y"]"#),
        Case {
            sends: b"stray",
            ..says("stray_attachment", r#"42["y"]"#)
        },
        says("too_many_namespaces", "40/a,").and("40/b,"),
        says("too_many_refusals", "40/nowhere,"),
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
        says("ack_id", r#"42123456789012345678901["x"]"#),
        says("not_connected", r#"42/a,["x"]"#),
        says("connect_twice", "40"),
        says("connect_error", "44{}"),
        says("unknown_type", "49"),
    ]
}

impl Case {
    fn and(mut self, text: &str) -> Self {
        self.says.push(text.into());
        self
    }
}

#[tokio::test]
async fn what_ends_a_session_is_told_by_name() {
    for case in cases() {
        let server = Server::builder().protocol(limits()).build();
        server.of("/a");
        server.of("/b");
        let (sender, mut left) = mpsc::unbounded_channel();
        server.of("/").on_disconnect(move |_: Socket, reason| {
            let _ = sender.send((reason.name(), reason.to_string()));
            async {}
        });
        let mut client = Client::joined(serve(&server).await).await;
        for text in &case.says {
            client.send(text).await;
        }
        if !case.sends.is_empty() {
            client.send_binary(case.sends).await;
        }
        let reason = left.recv().await.unwrap();
        assert_eq!(reason, (case.name, "forced server close".into()));
        let stats = server.stats();
        assert_eq!(stats.violations, [(case.name, 1)].into(), "{:?}", case.says);
        assert!(stats.left.keys().eq([&case.name]));
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
