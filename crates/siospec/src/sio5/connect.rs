//! Joining namespaces: who gets in, who is refused, what closes the session.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::case::{Case, Check, Failure, Group, Layer, ensure};
use crate::elapsed::expect_elapsed;
use crate::peer::Peer;
use crate::peer::socketio::Socket;
use crate::peer::websocket::Received;

pub(crate) static GROUP: Group = Group {
    id: "sio5/connect",
    title: "Connection",
    layer: Layer::Socket,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("N1", "SIO5 6.1")
        .title("CONNECT is answered with exactly a sid")
        .run(|peer| {
            let mut socket = peer.unjoined()?;
            socket.send("0")?;
            let packet = socket.receive()?;
            let keys = packet.data.as_ref().and_then(Value::as_object);
            let keys: Vec<&str> = keys
                .iter()
                .flat_map(|o| o.keys())
                .map(String::as_str)
                .collect();
            ensure(
                packet.kind == '0' && keys == ["sid"],
                "40{\"sid\":…}",
                packet.to_string(),
            )
        }),
    Case::must("N2", "SIO5 6.1")
        .title("the auth object reaches the application")
        .run(|peer| {
            let mut socket = peer.unjoined()?;
            socket
                .join(r#"0{"token":"1"}"#, r#"{"token":"1"}"#)
                .map(drop)
        }),
    Case::must("N3", "SIO5 6.1")
        .title("a namespace is joined")
        .run(|peer| joined(peer, "0/custom,", "{}")),
    Case::must("N4", "SIO5 6.1")
        .title("a namespace is joined with an auth object")
        .run(|peer| joined(peer, r#"0/custom,{"token":"1"}"#, r#"{"token":"1"}"#)),
    Case::must("N5", "SIO5 6.1")
        .title("the comma behind a namespace may be missing")
        .run(|peer| joined(peer, "0/custom", "{}")),
    Case::must("N6", "SIO5 6.1")
        .title("an unknown namespace is refused, the session stays")
        .run(|peer| refused(peer, "/random")),
    Case::must("N7", "SIO5 6.1")
        .title("garbage as first packet closes the session")
        .run(|peer| closes_unjoined(peer, "abc")),
    Case::must("N8", "SIO5 6.1")
        .title("a client that joins nothing is closed in time")
        .run(|peer| {
            let mut socket = peer.unjoined()?;
            expect_connect_timeout(peer, &mut socket, Instant::now())
        }),
    Case::must("N9", "SIO5 6.1")
        .title("anything before CONNECT closes the session")
        .run(|peer| {
            let packets = [r#"2["message"]"#, "30[]", "1", r#"4{"message":"x"}"#];
            packets
                .into_iter()
                .try_for_each(|packet| closes_unjoined(peer, packet))
        }),
    Case::must("N10", "SIO5 6.1")
        .title("joining twice closes the session")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.send("0")?;
            socket.expect_closed()
        }),
    Case::must("N11", "SIO5 5")
        .title("CONNECT with anything but an object closes")
        .run(|peer| {
            let packets = ["0[]", "0null", r#"0"x""#, r#"0{"a":1"#];
            packets
                .into_iter()
                .try_for_each(|packet| closes_unjoined(peer, packet))
        }),
    Case::should("N12", "SIO5 5")
        .title("the root namespace may be written out")
        .run(|peer| {
            peer.unjoined()?.join("0/,", "{}")?;
            peer.unjoined()?.join("0/", "{}").map(drop)
        }),
    Case::tolerant("N14", "SIO5 5")
        .title("an ack id on CONNECT is ignored or closes")
        .run(|peer| {
            for packet in ["01", "0/custom,5{}"] {
                let mut socket = peer.unjoined()?;
                socket.send(packet)?;
                match socket.transport.receive()? {
                    Received::Close(_) | Received::End => {}
                    Received::Text(text) if text.starts_with("40") => {}
                    other => return Err(Failure::new("CONNECT or the end", other.to_string())),
                }
            }
            Ok(())
        }),
    Case::should("N15", "SIO5 6.2")
        .title("names are compared to the letter")
        .run(|peer| {
            ["/custom/", "/Custom", "//custom"]
                .into_iter()
                .try_for_each(|name| refused(peer, name))
        }),
    Case::should("N16", "SIO5 6.2")
        .title("a query is part of the name")
        .run(|peer| refused(peer, "/custom?a=b")),
    Case::must("N17", "SIO5 6.1")
        .title("session id and socket ids are all different")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.send("0/custom,")?;
            let custom = socket.expect_connect()?;
            let ids = [&socket.session, &socket.id, &custom];
            let distinct = ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2];
            ensure(distinct, "three different ids", format!("{ids:?}"))
        }),
    Case::must("N18", "SIO5 6.1")
        .title("CONNECT precedes what the handler emits")
        .run(|peer| {
            let mut socket = peer.unjoined()?;
            socket.send("0")?;
            socket.expect_connect()?;
            socket.expect_event("auth").map(drop)
        }),
    Case::must("N19", "SIO5 6.1")
        .title("a refusal tells its message, and its data if any")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.send("0/refused,")?;
            socket.expect(r#"4/refused,{"message":"not authorized"}"#)?;
            socket.send("0/refused-with-data,")?;
            let data = r#"{"message":"not authorized","data":{"retry":false}}"#;
            socket.expect(&format!("4/refused-with-data,{data}"))?;
            socket.expect_alive()
        }),
    Case::should("N20", "SIO5 6.1")
        .title("an event for a refused namespace closes")
        .run(|peer| {
            for name in ["/random", "/refused"] {
                let mut socket = peer.socket()?;
                socket.send(&format!("0{name},"))?;
                socket.receive()?;
                socket.send(&format!(r#"2{name},["message"]"#))?;
                socket.expect_closed()?;
            }
            Ok(())
        }),
    Case::should("N21", "SIO5 6.1")
        .title("an event before the answer to CONNECT closes")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.send("0/slow,")?;
            socket.send(r#"2/slow,["message"]"#)?;
            socket.expect_closed()
        }),
    Case::tolerant("N23", "SIO5 6.1")
        .title("two CONNECTs at once never make two sockets")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.send("0/slow,")?;
            socket.send("0/slow,")?;
            let until = Instant::now() + MIDDLEWARE * 3;
            let mut joined = 0;
            loop {
                match socket.transport.receive_until(until)? {
                    Received::Text(text) if text.starts_with("40/slow,") => joined += 1,
                    Received::Text(_) => {}
                    _ => return ensure(joined <= 1, "one socket at most", joined.to_string()),
                }
            }
        }),
    Case::must("N24", "SIO5 6.1")
        .title("who leaves before being let in was never there")
        .run(|peer| {
            let mut socket = peer.unjoined()?;
            let tag = socket.session.clone();
            socket.send(&format!(r#"0/slow,{{"tag":"{tag}"}}"#))?;
            socket.transport.abort();
            peer.wait(MIDDLEWARE * 2);
            let mut other = peer.socket()?;
            other.send(&format!(r#"2["journal","{tag}"]"#))?;
            other.expect(r#"2["journal",[]]"#)
        }),
    Case::should("N25", "SIO5 6.1")
        .title("a refused CONNECT does not stop the connect timeout")
        .run(|peer| {
            let mut socket = peer.unjoined()?;
            let opened = Instant::now();
            socket.send("0/refused,")?;
            socket.receive()?;
            expect_connect_timeout(peer, &mut socket, opened)
        }),
    Case::must("N26", "SIO5 6.1")
        .title("a dynamic namespace is joined if its name matches")
        .run(|peer| {
            joined(peer, "0/dynamic-101,", "{}")?;
            refused(peer, "/dynamic-x")
        }),
    Case::must("N37", "SIO5 6.1")
        .title("the handshake is that of the first request")
        .run(handshake),
    Case::tolerant("N38", "SIO5 6.2")
        .title("strange namespaces are refused or close")
        .run(|peer| {
            let long = format!("/{}", "x".repeat(10_000));
            for name in ["/é€😀", r#"/"quoted""#, &long] {
                let mut socket = peer.socket()?;
                socket.send(&format!("0{name},"))?;
                match socket.transport.receive()? {
                    Received::Close(_) | Received::End => {}
                    Received::Text(text) if text.contains("Invalid namespace") => {
                        socket.expect_alive()?;
                    }
                    other => return Err(Failure::new("a refusal or the end", other.to_string())),
                }
            }
            Ok(())
        }),
    Case::must("R1", "SIO5 6.7")
        .title("recovery that is off changes nothing")
        .run(|peer| {
            let mut socket = peer.unjoined()?;
            let auth = r#"{"pid":"unknown","offset":"unknown"}"#;
            socket.join(&format!("0{auth}"), auth)?;
            socket.expect_alive()
        }),
];

/// How long the fixture's `/slow` thinks.
const MIDDLEWARE: Duration = Duration::from_millis(200);

fn joined(peer: &Peer, connect: &str, auth: &str) -> Check {
    let mut socket = peer.unjoined()?;
    socket.join(connect, auth).map(drop)
}

/// The namespace is unknown, and the session stays.
fn refused(peer: &Peer, name: &str) -> Check {
    let mut socket = peer.socket()?;
    socket.send(&format!("0{name},"))?;
    socket.expect(&format!(r#"4{name},{{"message":"Invalid namespace"}}"#))?;
    socket.expect_alive()
}

fn closes_unjoined(peer: &Peer, packet: &str) -> Check {
    let mut socket = peer.unjoined()?;
    socket.send(packet)?;
    socket.expect_closed()
}

fn expect_connect_timeout(peer: &Peer, socket: &mut Socket, opened: Instant) -> Check {
    socket.expect_closed()?;
    expect_elapsed(opened, Duration::ZERO, peer.target.timings.connect_timeout)
}

fn handshake(peer: &Peer) -> Check {
    let session = peer.join_by_polling_with("&first=1")?;
    session.send(&[r#"42["handshake"]"#])?;
    expect_handshake(&session.receive()?.concat())?;
    let mut socket = peer.websocket(&(session.websocket_query() + "&first=2&later=1"))?;
    socket.send("2probe")?;
    socket.expect("3probe")?;
    socket.send("5")?;
    socket.send(r#"42["handshake"]"#)?;
    match socket.receive()? {
        Received::Text(text) => expect_handshake(&text),
        other => Err(Failure::new("the handshake event", other.to_string())),
    }
}

/// `42["handshake",{query, headers, address}]` as the first request of this case had them.
fn expect_handshake(packet: &str) -> Check {
    let json: Value = packet
        .strip_prefix("42")
        .map(serde_json::from_str)
        .and_then(Result::ok)
        .unwrap_or_default();
    let handshake = &json[1];
    let query = &handshake["query"];
    let as_first = query["first"] == "1" && query["EIO"] == "4" && query["later"] == Value::Null;
    ensure(
        as_first,
        json!({"EIO": "4", "first": "1"}).to_string(),
        query.to_string(),
    )?;
    let host = &handshake["headers"]["host"];
    ensure(
        host.is_string(),
        "the header host",
        handshake["headers"].to_string(),
    )?;
    let address = handshake["address"].as_str().unwrap_or_default();
    ensure(!address.is_empty(), "the client's address", address)
}
