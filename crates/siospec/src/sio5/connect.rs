//! Joining namespaces: who gets in, who is refused, what closes the session.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::case::{Case, Check, Failure, Group, Layer, ensure};
use crate::peer::Peer;
use crate::peer::websocket::Received;

pub(crate) static GROUP: Group = Group {
    id: "sio5/connect",
    title: "Connection",
    layer: Layer::Socket,
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must(
        "N1",
        "SIO5 6.1",
        "CONNECT is answered with exactly a sid",
        |peer| {
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
        },
    ),
    Case::must(
        "N2",
        "SIO5 6.1",
        "the auth object reaches the application",
        |peer| {
            let mut socket = peer.unjoined()?;
            socket
                .join(r#"0{"token":"1"}"#, r#"{"token":"1"}"#)
                .map(drop)
        },
    ),
    Case::must("N3", "SIO5 6.1", "a namespace is joined", |peer| {
        joined(peer, "0/custom,", "{}")
    }),
    Case::must(
        "N4",
        "SIO5 6.1",
        "a namespace is joined with an auth object",
        |peer| joined(peer, r#"0/custom,{"token":"1"}"#, r#"{"token":"1"}"#),
    ),
    Case::must(
        "N5",
        "SIO5 6.1",
        "the comma behind a namespace may be missing",
        |peer| joined(peer, "0/custom", "{}"),
    ),
    Case::must(
        "N6",
        "SIO5 6.1",
        "an unknown namespace is refused, the session stays",
        |peer| refused(peer, "/random"),
    ),
    Case::must(
        "N7",
        "SIO5 6.1",
        "garbage as first packet closes the session",
        |peer| closes_unjoined(peer, "abc"),
    ),
    Case::must(
        "N8",
        "SIO5 6.1",
        "a client that joins nothing is closed in time",
        |peer| {
            let mut socket = peer.unjoined()?;
            expect_connect_timeout(peer, &mut socket, Instant::now())
        },
    ),
    Case::must(
        "N9",
        "SIO5 6.1",
        "anything before CONNECT closes the session",
        |peer| {
            let packets = [r#"2["message"]"#, "30[]", "1", r#"4{"message":"x"}"#];
            packets
                .into_iter()
                .try_for_each(|packet| closes_unjoined(peer, packet))
        },
    ),
    Case::must(
        "N10",
        "SIO5 6.1",
        "joining twice closes the session",
        |peer| {
            let mut socket = peer.socket()?;
            socket.send("0")?;
            socket.expect_closed()
        },
    ),
    Case::must(
        "N11",
        "SIO5 5",
        "CONNECT with anything but an object closes",
        |peer| {
            let packets = ["0[]", "0null", r#"0"x""#, r#"0{"a":1"#];
            packets
                .into_iter()
                .try_for_each(|packet| closes_unjoined(peer, packet))
        },
    ),
    Case::should(
        "N12",
        "SIO5 5",
        "the root namespace may be written out",
        |peer| {
            peer.unjoined()?.join("0/,", "{}")?;
            peer.unjoined()?.join("0/", "{}").map(drop)
        },
    ),
    Case::tolerant(
        "N14",
        "SIO5 5",
        "an ack id on CONNECT is ignored or closes",
        |peer| {
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
        },
    ),
    Case::should(
        "N15",
        "SIO5 6.2",
        "names are compared to the letter",
        |peer| {
            ["/custom/", "/Custom", "//custom"]
                .into_iter()
                .try_for_each(|name| refused(peer, name))
        },
    ),
    Case::should("N16", "SIO5 6.2", "a query is part of the name", |peer| {
        refused(peer, "/custom?a=b")
    }),
    Case::must(
        "N17",
        "SIO5 6.1",
        "session id and socket ids are all different",
        |peer| {
            let mut socket = peer.socket()?;
            socket.send("0/custom,")?;
            let custom = socket.expect_connect()?;
            let ids = [&socket.session, &socket.id, &custom];
            let distinct = ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2];
            ensure(distinct, "three different ids", format!("{ids:?}"))
        },
    ),
    Case::must(
        "N18",
        "SIO5 6.1",
        "CONNECT precedes what the handler emits",
        |peer| {
            let mut socket = peer.unjoined()?;
            socket.send("0")?;
            socket.expect_connect()?;
            socket.expect_event("auth").map(drop)
        },
    ),
    Case::must(
        "N19",
        "SIO5 6.1",
        "a refusal tells its message, and its data if any",
        |peer| {
            let mut socket = peer.socket()?;
            socket.send("0/refused,")?;
            socket.expect(r#"4/refused,{"message":"not authorized"}"#)?;
            socket.send("0/refused-with-data,")?;
            let data = r#"{"message":"not authorized","data":{"retry":false}}"#;
            socket.expect(&format!("4/refused-with-data,{data}"))?;
            socket.expect_alive()
        },
    ),
    Case::should(
        "N20",
        "SIO5 6.1",
        "an event for a refused namespace closes",
        |peer| {
            for name in ["/random", "/refused"] {
                let mut socket = peer.socket()?;
                socket.send(&format!("0{name},"))?;
                socket.receive()?;
                socket.send(&format!(r#"2{name},["message"]"#))?;
                socket.expect_closed()?;
            }
            Ok(())
        },
    ),
    Case::should(
        "N21",
        "SIO5 6.1",
        "an event before the answer to CONNECT closes",
        |peer| {
            let mut socket = peer.socket()?;
            socket.send("0/slow,")?;
            socket.send(r#"2/slow,["message"]"#)?;
            socket.expect_closed()
        },
    ),
    Case::tolerant(
        "N23",
        "SIO5 6.1",
        "two CONNECTs at once never make two sockets",
        |peer| {
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
        },
    ),
    Case::must(
        "N24",
        "SIO5 6.1",
        "who leaves before being let in was never there",
        |peer| {
            let mut socket = peer.unjoined()?;
            let tag = socket.session.clone();
            socket.send(&format!(r#"0/slow,{{"tag":"{tag}"}}"#))?;
            socket.transport.abort();
            peer.wait(MIDDLEWARE * 2);
            let mut other = peer.socket()?;
            other.send(&format!(r#"2["journal","{tag}"]"#))?;
            other.expect(r#"2["journal",[]]"#)
        },
    ),
    Case::should(
        "N25",
        "SIO5 6.1",
        "a refused CONNECT does not stop the connect timeout",
        |peer| {
            let mut socket = peer.unjoined()?;
            let opened = Instant::now();
            socket.send("0/refused,")?;
            socket.receive()?;
            expect_connect_timeout(peer, &mut socket, opened)
        },
    ),
    Case::must(
        "N26",
        "SIO5 6.1",
        "a dynamic namespace is joined if its name matches",
        |peer| {
            joined(peer, "0/dynamic-101,", "{}")?;
            refused(peer, "/dynamic-x")
        },
    ),
    Case::must(
        "N37",
        "SIO5 6.1",
        "the handshake is that of the first request",
        handshake,
    ),
    Case::tolerant(
        "N38",
        "SIO5 6.2",
        "strange namespaces are refused or close",
        |peer| {
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
        },
    ),
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

fn expect_connect_timeout(
    peer: &Peer,
    socket: &mut crate::peer::socketio::Socket,
    opened: Instant,
) -> Check {
    socket.expect_closed()?;
    let latest = peer.target.timings.connect_timeout + Duration::from_millis(300);
    let elapsed = opened.elapsed();
    let expected = format!("the end within {} ms", latest.as_millis());
    ensure(
        elapsed <= latest,
        expected,
        format!("{} ms", elapsed.as_millis()),
    )
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
