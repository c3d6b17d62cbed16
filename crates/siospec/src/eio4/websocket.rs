//! The WebSocket transport of revision 4.

use std::time::Duration;

use serde_json::json;

use crate::case::{Case, Check, Group, Layer, ServerOption, ensure};
use crate::peer::Peer;
use crate::peer::engineio::Dialect;
use crate::peer::frame::Frame;
use crate::peer::http::{Exchange, Request};
use crate::peer::websocket::Received;

pub(crate) static GROUP: Group = Group {
    id: "eio4/websocket",
    title: "WebSocket",
    layer: Layer::Engine,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("W1", "EIO4 2.9")
        .title("the first frame is the open packet, no upgrades")
        .run(|peer| {
            let (handshake, _socket) = peer.open_websocket_with(Dialect::V4, "")?;
            let upgrades = handshake.field("upgrades");
            ensure(*upgrades == json!([]), "upgrades []", upgrades.to_string())
        }),
    Case::must("W2", "EIO4 2.1")
        .title("a missing or unknown EIO is refused")
        .run(|peer| {
            refused_or_closed(peer, &peer.upgrading("transport=websocket"))?;
            refused_or_closed(peer, &peer.upgrading("EIO=abc&transport=websocket"))
        }),
    Case::must("W3", "EIO4 2.2")
        .title("a missing or unknown transport is 400")
        .run(|peer| {
            expect_refused(peer, &peer.upgrading("EIO=4"), &[400])?;
            expect_refused(peer, &peer.upgrading("EIO=4&transport=abc"), &[400])
        }),
    Case::should("W4", "EIO4 2.2")
        .title("an unknown sid is 400 before the 101")
        .run(|peer| {
            let query = "EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAAAAAA";
            let (response, _) = peer.switch(&peer.upgrading(query))?;
            let response = response.expect_status(400)?;
            let told = response.text().contains("Session ID unknown");
            ensure(told, "the text \"Session ID unknown\"", response.text())
        }),
    Case::must("W5", "EIO4 2.9")
        .title("text is echoed")
        .run(|peer| echoed(peer, "4hello")),
    Case::must("W6", "EIO4 2.9")
        .title("binary is echoed as raw bytes")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V4)?;
            socket.send_binary(&[1, 2, 3, 4])?;
            socket.expect_binary(&[1, 2, 3, 4])
        }),
    Case::must("W7", "EIO4 2.9")
        .title("garbage closes the session")
        .run(|peer| closes(peer, "abc")),
    Case::must("W8", "EIO4 2.5")
        .title("an empty frame and an unknown type close the session")
        .run(|peer| {
            closes(peer, "")?;
            closes(peer, "7")
        }),
    Case::tolerant("W9", "EIO4 2.5")
        .title("stray open, upgrade and noop are ignored or close")
        .run(stray),
    Case::must("W10", "EIO4 2.5")
        .title("a close packet closes at once")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V4)?.showing_heartbeat();
            socket.send("1")?;
            let received = socket.receive()?;
            let closed = matches!(received, Received::Close(_) | Received::End);
            ensure(closed, "the WebSocket to be closed", received.to_string())
        }),
    Case::should("W11", "EIO4 2.9")
        .title("text that starts with b is binary")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V4)?;
            socket.send("bAQIDBA==")?;
            socket.expect_binary(&[1, 2, 3, 4])
        }),
    Case::must("W13", "EIO4 2.4")
        .title("an empty binary frame is an empty message")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V4)?;
            socket.send_binary(&[])?;
            socket.expect_binary(&[])
        }),
    Case::must("W16", "EIO4 2.9")
        .title("a separator inside a text frame is data")
        .run(|peer| echoed(peer, "4a\u{1e}4b")),
    Case::must("W17", "EIO4 2.9")
        .title("a fragmented message is one message")
        .run(|peer| {
            // A pong in between would itself be a broken message.
            let mut socket = peer.open_websocket(Dialect::V4)?.showing_heartbeat();
            socket.send_frame(&Frame::text("4he").unfinished())?;
            socket.send_frame(&Frame::new(Frame::CONTINUATION, "l").unfinished())?;
            socket.send_frame(&Frame::new(Frame::PING, ""))?;
            socket.expect_received(&Received::Pong(Vec::new()))?;
            socket.send_frame(&Frame::new(Frame::CONTINUATION, "lo"))?;
            socket.expect("4hello")
        }),
    Case::must("W18", "EIO4 2.9")
        .title("maxPayload bytes pass, one more is close code 1009")
        .run(limit),
    Case::must("W20", "RFC 6455 8.1")
        .title("invalid UTF-8 is close code 1007")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V4)?;
            socket.send_frame(&Frame::new(Frame::TEXT, *b"4a\xff"))?;
            socket.expect_close_code(1007)
        }),
    Case::must("W22", "EIO4 2.9")
        .title("a missing key or another version is refused")
        .run(bad_handshakes),
    Case::must("W23", "EIO4 2.9")
        .title("a POST with Upgrade is 400")
        .run(|peer| {
            let post = peer
                .posting("EIO=4&transport=websocket", "")
                .header("Connection", "Upgrade")
                .header("Upgrade", "websocket")
                .header("Sec-WebSocket-Version", "13")
                .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
            expect_refused(peer, &post, &[400])
        }),
    Case::tolerant("W24", "EIO4 2.9")
        .title("transport=polling with Upgrade is refused or closed")
        .run(polling_with_upgrade),
    Case::must("W25", "EIO4 2.9")
        .title("garbage behind the handshake only drops the connection")
        .run(garbage_behind_handshake),
    Case::must("W26", "EIO4 2.9")
        .title("50 messages at once keep their order")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V4)?;
            let frames: Vec<Frame> = (0..50).map(|n| Frame::text(&format!("4{n}"))).collect();
            socket.send_frames(&frames)?;
            (0..50).try_for_each(|n| socket.expect(&format!("4{n}")))
        }),
    Case::should("W27", "EIO4 2.9")
        .title("an offered subprotocol is ignored")
        .run(|peer| {
            let offer = peer
                .upgrading(OPEN)
                .header("Sec-WebSocket-Protocol", "chat");
            peer.switch(&offer)?.0.expect_status(101).map(drop)
        }),
    Case::must("W28", "EIO4 2.9")
        .title("compression that is off is not negotiated")
        .run(|peer| {
            let offer = peer.upgrading(OPEN);
            let offer = offer.header("Sec-WebSocket-Extensions", "permessage-deflate");
            let (response, _socket) = peer.switch(&offer)?;
            response
                .expect_status(101)?
                .expect_no_header("Sec-WebSocket-Extensions")
                .map(drop)
        }),
    Case::should("W30", "EIO4 2.9")
        .title("an upgrade on another path belongs to the host")
        .run(|peer| {
            let elsewhere = Request::new("GET", "/elsewhere/")
                .header("Connection", "Upgrade")
                .header("Upgrade", "websocket")
                .header("Sec-WebSocket-Version", "13")
                .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
            let answer = peer.start(&elsewhere)?.response_or_end()?;
            let status = answer.map(|answer| answer.status);
            ensure(status != Some(101), "no WebSocket", format!("{status:?}"))
        }),
    Case::should("W31", "EIO4 2.11")
        .title("header hooks reach the 101")
        .run(|peer| {
            let (response, _socket) = peer.switch(&peer.upgrading(OPEN))?;
            response
                .expect_status(101)?
                .expect_header("X-Every", "1")
                .map(drop)
        })
        .needs(&[ServerOption::HeaderHooks]),
];

const OPEN: &str = "EIO=4&transport=websocket";

fn echoed(peer: &Peer, packet: &str) -> Check {
    let mut socket = peer.open_websocket(Dialect::V4)?;
    socket.send(packet)?;
    socket.expect(packet)
}

fn closes(peer: &Peer, packet: &str) -> Check {
    let mut socket = peer.open_websocket(Dialect::V4)?;
    socket.send(packet)?;
    socket.expect_closed().map(drop)
}

fn expect_refused(peer: &Peer, request: &Request, statuses: &[u16]) -> Check {
    peer.switch(request)?
        .0
        .expect_status_among(statuses)
        .map(drop)
}

/// An HTTP error, or a WebSocket that is closed without having been a session.
fn refused_or_closed(peer: &Peer, request: &Request) -> Check {
    let (response, mut socket) = peer.switch(request)?;
    match response.status {
        101 => socket.expect_closed().map(drop),
        _ => response.expect_status(400).map(drop),
    }
}

fn stray(peer: &Peer) -> Check {
    for packet in ["0", "5", "6"] {
        let mut socket = peer.open_websocket(Dialect::V4)?;
        socket.send(packet)?;
        socket.send("4hello")?;
        let received = socket.receive()?;
        let known = [
            Received::Text("4hello".into()),
            Received::Close(None),
            Received::End,
        ];
        let closed = matches!(received, Received::Close(_));
        ensure(
            closed || known.contains(&received),
            "an echo or the end",
            received.to_string(),
        )?;
    }
    Ok(())
}

fn limit(peer: &Peer) -> Check {
    let longest = format!("4{}", "x".repeat(peer.target.max_payload - 1));
    let mut socket = peer.open_websocket(Dialect::V4)?;
    socket.send(&longest)?;
    socket.expect(&longest)?;
    socket.send(&(longest.clone() + "x"))?;
    socket.expect_close_code(1009)?;
    // The limit holds for the message, not for each frame.
    let mut socket = peer.open_websocket(Dialect::V4)?;
    socket.send_frame(&Frame::text(&longest).unfinished())?;
    socket.send_frame(&Frame::new(Frame::CONTINUATION, "x"))?;
    socket.expect_close_code(1009)
}

fn bad_handshakes(peer: &Peer) -> Check {
    expect_refused(
        peer,
        &peer.upgrading(OPEN).without("Sec-WebSocket-Key"),
        &[400],
    )?;
    let old = peer.upgrading(OPEN).header("Sec-WebSocket-Version", "12");
    let (response, _) = peer.switch(&old)?;
    let response = response.expect_status_among(&[400, 426])?;
    let offered = response
        .header("Sec-WebSocket-Version")
        .unwrap_or("nothing");
    ensure(offered.contains("13"), "Sec-WebSocket-Version: 13", offered)
}

fn polling_with_upgrade(peer: &Peer) -> Check {
    refused_or_closed(peer, &peer.upgrading("EIO=4&transport=polling"))?;
    let session = peer.open(Dialect::V4)?;
    let query = format!("EIO=4&transport=polling&sid={}", session.sid());
    refused_or_closed(peer, &peer.upgrading(&query))?;
    session.expect_alive()
}

fn garbage_behind_handshake(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V4)?;
    for query in [OPEN.to_owned(), session.websocket_query()] {
        let mut bytes = peer.upgrading(&query).encode(&peer.target.authority);
        bytes.extend([0xff; 40]);
        let mut connection = peer.connect()?;
        connection.write(&bytes)?;
        if let Some(response) = Exchange::new(connection, "GET").response_or_end()? {
            response.expect_status_among(&[101, 400])?;
        }
    }
    peer.wait(Duration::from_millis(50));
    session.expect_alive()?;
    echoed(peer, "4hello")
}
