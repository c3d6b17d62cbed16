//! The msgpack parser: a whole packet is one binary message with a map.

use serde_json::{Value, json};

use crate::case::{Case, Check, Failure, Group, Layer, ServerOption, ensure};
use crate::peer::Peer;
use crate::peer::engineio::{Dialect, shown};
use crate::peer::msgpack::{decode, encode};
use crate::peer::websocket::{Received, WebSocket};

pub(crate) static GROUP: Group = Group {
    id: "sio5/msgpack",
    title: "msgpack parser",
    layer: Layer::Socket,
    needs: &[ServerOption::Msgpack],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("M1", "SIO5 6.8")
        .title("CONNECT, events and acks are maps in binary messages")
        .run(|peer| {
            let mut socket = joined(peer)?;
            send(
                &mut socket,
                &json!({"type": 2, "nsp": "/", "data": ["message", 1, {"a": "b"}]}),
            )?;
            let event = receive(&mut socket)?;
            ensure(
                event["type"] == 2 && event["nsp"] == "/",
                "an event of /",
                event.to_string(),
            )?;
            let data = json!(["message-back", 1, {"a": "b"}]);
            ensure(event["data"] == data, data.to_string(), event.to_string())?;
            let asking = json!({"type": 2, "nsp": "/", "id": 7, "data": ["message-with-ack", 1]});
            send(&mut socket, &asking)?;
            let ack = receive(&mut socket)?;
            let matches = ack["type"] == 3 && ack["id"] == 7 && ack["data"] == json!([1]);
            ensure(matches, "an ack with id 7 and [1]", ack.to_string())
        }),
    Case::must("M2", "SIO5 6.8")
        .title("packets of other shapes close")
        .run(|peer| {
            for packet in [
                json!({"type": 5, "nsp": "/", "data": ["message"]}),
                json!({"type": 6, "nsp": "/", "data": []}),
                json!({"type": 7, "nsp": "/"}),
                json!({"type": 2, "data": ["message"]}),
                json!({"type": 2, "nsp": "/", "id": "7", "data": ["message"]}),
                json!(["no", "map"]),
            ] {
                let mut socket = joined(peer)?;
                send(&mut socket, &packet)?;
                socket.expect_closed()?;
            }
            let mut socket = joined(peer)?;
            socket.send_binary(&[0xc1, 0xff])?;
            socket.expect_closed()?;
            let mut socket = joined(peer)?;
            socket.send(r#"42["message"]"#)?;
            socket.expect_closed().map(drop)
        }),
    Case::should("M3", "SIO5 6.8")
        .title("undefined from JavaScript is nothing")
        .run(|peer| {
            let mut socket = joined(peer)?;
            let mut packet = encode(&json!({"type": 2, "nsp": "/", "data": ["message", null]}));
            let null = packet
                .iter()
                .position(|byte| *byte == 0xc0)
                .unwrap_or_default();
            packet.splice(null..=null, [0xd4, 0, 0]);
            socket.send_binary(&packet)?;
            let event = receive(&mut socket)?;
            let data = json!(["message-back", null]);
            ensure(event["data"] == data, data.to_string(), event.to_string())
        }),
    Case::must("M4", "SIO5 6.8")
        .title("polling: packets are base64")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            // {"type":0,"nsp":"/"}
            session.send(&["bgqR0eXBlAKNuc3ChLw=="])?;
            let packets = session.receive()?;
            let binary = packets.iter().all(|packet| packet.starts_with('b'));
            ensure(
                binary && !packets.is_empty(),
                "base64 packets",
                shown(&packets),
            )
        }),
];

/// A WebSocket that has joined the root namespace.
fn joined(peer: &Peer) -> Result<WebSocket, Failure> {
    let mut socket = peer.open_websocket(Dialect::V4)?;
    send(&mut socket, &json!({"type": 0, "nsp": "/"}))?;
    let connect = receive(&mut socket)?;
    let joined = connect["type"] == 0 && connect["data"]["sid"].is_string();
    ensure(joined, "CONNECT with a sid", connect.to_string())?;
    let auth = receive(&mut socket)?;
    ensure(
        auth["data"][0] == "auth",
        "the event auth",
        auth.to_string(),
    )?;
    Ok(socket)
}

fn send(socket: &mut WebSocket, packet: &Value) -> Check {
    socket.send_binary(&encode(packet))
}

fn receive(socket: &mut WebSocket) -> Result<Value, Failure> {
    let received = socket.receive()?;
    let packet = match &received {
        Received::Binary(bytes) => decode(bytes),
        _ => None,
    };
    packet.ok_or_else(|| Failure::new("a map in a binary message", received.to_string()))
}
