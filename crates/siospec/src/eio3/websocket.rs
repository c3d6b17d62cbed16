//! WebSocket, upgrade and close in revision 3: binary frames carry a type byte.

use std::time::{Duration, Instant};

use crate::case::{Case, Check, Failure, Group, Layer, ServerOption};
use crate::elapsed::expect_elapsed;
use crate::peer::Peer;
use crate::peer::engineio::Dialect;
use crate::peer::websocket::Received;

pub(crate) static GROUP: Group = Group {
    id: "eio3/websocket",
    title: "WebSocket, upgrade, close",
    layer: Layer::Engine,
    needs: &[ServerOption::Eio3],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::should("W12", "EIO4 2.9")
        .title("text that starts with b4 is binary")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V3)?;
            socket.send("b4AQIDBA==")?;
            socket.expect_binary(&[4, 1, 2, 3, 4])
        }),
    Case::must("W14", "EIO3 3.5")
        .title("binary frames carry the type 4 both ways")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V3)?;
            socket.send_binary(&[4, 1, 2, 3, 4])?;
            socket.expect_binary(&[4, 1, 2, 3, 4])?;
            socket.send_binary(&[4])?;
            socket.expect_binary(&[4])
        }),
    Case::tolerant("W15", "EIO4 2.9")
        .title("binary frames of other types are tolerated")
        .run(other_types),
    Case::must("U24", "EIO4 2.10")
        .title("the hanging GET is released with 1:6")
        .run(|peer| {
            let session = peer.open(Dialect::V3Base64)?;
            let hanging = session.start_poll()?;
            let mut socket = session.websocket()?;
            socket.send("2probe")?;
            socket.expect("3probe")?;
            hanging.response()?.expect_status(200)?.expect_body("1:6")?;
            socket.send("5")?;
            socket.send("4hello")?;
            socket.expect("4hello")
        }),
    Case::must("B16", "EIO4 2.6")
        .title("a client that falls silent after its upgrade is closed")
        .run(|peer| {
            let session = peer.open(Dialect::V3Base64)?;
            let mut socket = session.upgrade()?;
            let upgraded = Instant::now();
            socket.expect_closed()?;
            expect_elapsed(upgraded, Duration::ZERO, peer.target.timings.silence())
        }),
    Case::must("C3", "EIO4 2.5")
        .title("a close packet releases the hanging GET with 1:6")
        .run(|peer| {
            let session = peer.open(Dialect::V3Base64)?;
            let mut hanging = session.start_poll()?;
            hanging.expect_pending(Duration::from_millis(60))?;
            session.post("1:1")?.expect_ok()?;
            hanging.response()?.expect_status(200)?.expect_body("1:6")?;
            peer.expect_unknown(Dialect::V3Base64, session.sid())
        }),
];

fn other_types(peer: &Peer) -> Check {
    for frame in [&[2][..], &[9, 1], &[]] {
        let mut socket = peer.open_websocket(Dialect::V3)?;
        socket.send_binary(frame)?;
        socket.send("4hello")?;
        match socket.receive()? {
            // The type 2 is a ping.
            Received::Text(text) if text == "3" => socket.expect("4hello")?,
            Received::Text(text) if text == "4hello" => {}
            Received::Close(_) | Received::End => {}
            other => return Err(Failure::new("an echo or the end", other.to_string())),
        }
    }
    Ok(())
}
