//! What admins are told when it happens.

use std::time::Duration;

use bytes::Bytes;
use futures_util::SinkExt;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use socketio::{Binary, Server, testing};
use tokio::net::TcpStream;
use tokio_tungstenite::{client_async, tungstenite::Message};

use super::{Console, LOGIN, admin, server};
use crate::client::{Client, serve};

#[tokio::test]
async fn clients_come_and_go() {
    let address = serve(&server(admin())).await;
    let mut console = Console::open(address).await;
    let mut client = Client::v5(address).await;
    let id = client.join("").await;
    let socket = console.expect_connected("/").await;
    assert_eq!(
        (&socket["id"], &socket["rooms"]),
        (&json!(id), &json!([id]))
    );

    client.send(r#"420["join","red"]"#).await;
    console
        .expect("event_received", json!(["/", id, ["join", "red"]]))
        .await;
    console.expect("room_joined", json!(["/", "red", id])).await;
    client.send(r#"420["leave","red"]"#).await;
    console
        .expect("event_received", json!(["/", id, ["leave", "red"]]))
        .await;
    console.expect("room_left", json!(["/", "red", id])).await;
    client.send(r#"420["join","blue"]"#).await;
    console.next("event_received").await;
    console.next("room_joined").await;

    client.send("41").await;
    let reason = "client namespace disconnect";
    console
        .expect("socket_disconnected", json!(["/", id, reason]))
        .await;
    console.expect("room_left", json!(["/", id, id])).await;
    console.expect("room_left", json!(["/", "blue", id])).await;
}

#[tokio::test]
async fn events_are_told_both_ways() {
    let server = server(admin());
    let address = serve(&server).await;
    let (mut one, mut two) = (Client::v5(address).await, Client::v5(address).await);
    let ids = [one.join("").await, two.join("").await];
    let mut console = Console::open(address).await;

    let root = server.of("/");
    let socket = root
        .sockets()
        .into_iter()
        .find(|socket| socket.id().as_str() == ids[0]);
    socket.unwrap().emit("hello", ("world", 1)).unwrap();
    console
        .expect("event_sent", json!(["/", ids[0], ["hello", "world", 1]]))
        .await;
    root.emit("all", ()).unwrap();
    for _ in &ids {
        let told = console.next("event_sent").await;
        assert!(ids.contains(&told[1].as_str().unwrap().to_owned()));
        assert_eq!(told[2], json!(["all"]));
    }
    one.send(r#"429["say",{"to":[1]}]"#).await;
    console
        .expect("event_received", json!(["/", ids[0], ["say", {"to": [1]}]]))
        .await;
}

#[tokio::test]
async fn bytes_in_events_are_told() {
    let server = server(admin());
    let address = serve(&server).await;
    let mut client = Client::v5(address).await;
    let id = client.join("").await;
    let mut console = Console::open(address).await;
    let bytes = Binary("abc".into());
    server.of("/").emit("bytes", (1, bytes)).unwrap();
    loop {
        let packet = console.client.text().await;
        if let Some(event) = packet.strip_prefix("451-/admin,") {
            let event: Value = serde_json::from_str(event).unwrap();
            let args = json!(["bytes", 1, {"_placeholder": true, "num": 0}]);
            assert_eq!(
                (&event[0], &event[2], &event[3]),
                (&json!("event_sent"), &json!(id), &args)
            );
            break;
        }
        assert!(packet.contains("server_stats"), "{packet}");
    }
    console.client.expect_binary(b"abc").await;
}

#[tokio::test]
async fn long_events_are_told_by_their_size() {
    let server = server(admin());
    let address = serve(&server).await;
    let _client = Client::joined(address).await;
    let mut console = Console::open(address).await;
    server.of("/").emit("long", ("x".repeat(20_000),)).unwrap();
    let told = console.next("event_sent").await;
    assert_eq!(told[2], json!(["long", "(20006 bytes)"]));
}

#[tokio::test]
async fn an_upgrade_is_told() {
    let server = server(admin());
    let address = serve(&server).await;
    let mut console = Console::open(address).await;
    let open = polled(&server, Method::GET, "", "").await;
    let open: Value = serde_json::from_str(&open[1..]).unwrap();
    let session = format!("&sid={}", open["sid"].as_str().unwrap());
    polled(&server, Method::POST, &session, "40").await;
    let socket = console.expect_connected("/").await;
    assert_eq!(socket["transport"], "polling");

    let stream = TcpStream::connect(address).await.unwrap();
    let url = format!("ws://test/socket.io/?EIO=4&transport=websocket{session}");
    let (mut websocket, _) = client_async(url, stream).await.unwrap();
    for packet in ["2probe", "5"] {
        websocket.send(Message::text(packet)).await.unwrap();
    }
    let told = console.next("socket_updated").await;
    let id = &socket["id"];
    assert_eq!(
        told,
        [json!({"id": id, "nsp": "/", "transport": "websocket"})]
    );
}

/// The answer to a request of a client that polls, in memory.
async fn polled(server: &Server, method: Method, session: &str, body: &'static str) -> String {
    let request = Request::builder()
        .method(method)
        .uri(format!("/?EIO=4&transport=polling{session}"))
        .header("host", "test")
        .header("content-type", "text/plain")
        .body(Full::<Bytes>::from(body))
        .unwrap();
    let answer = server.service().mounted().answer(request).await;
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.into()).unwrap()
}

#[tokio::test]
async fn admins_see_each_other_but_not_what_they_are_told() {
    let address = serve(&server(admin())).await;
    let mut first = Console::open(address).await;
    let mut second = Console::open(address).await;
    assert_eq!(first.expect_connected("/admin").await["id"], second.id);
    second.client.send("41/admin,").await;
    let reason = "client namespace disconnect";
    first
        .expect("socket_disconnected", json!(["/admin", second.id, reason]))
        .await;
}

#[tokio::test(start_paused = true)]
async fn who_falls_behind_gets_the_whole_picture_again() {
    let server = server(admin());
    let mut client = testing::Client::open(&server).await;
    client.join("/").await.unwrap();
    let mut console = testing::Client::open(&server).await;
    console.join_with("/admin", LOGIN).await.unwrap();
    while !console.next().await.unwrap().contains(r#"["all_sockets""#) {}
    // More than waits for an admin, in time for the task to notice.
    for _ in 0..100 {
        let _ = server.of("/").emit("flood", ("x".repeat(10_000),));
        client.next().await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.of("/").all().sockets_join("late");
    let mut told = 0;
    loop {
        let packet = console.next().await.unwrap();
        told += usize::from(packet.contains(r#"["event_sent""#));
        if packet.contains(r#"["all_sockets""#) {
            assert!(packet.contains(r#""late""#), "{packet}");
            break;
        }
    }
    assert!((20..40).contains(&told), "{told}");
}
