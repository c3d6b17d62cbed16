//! The heartbeat of revision 3: the client pings, the server answers.

use std::time::{Duration, Instant};

use crate::case::{Case, Check, Failure, Group, Layer, ServerOption, ensure};
use crate::elapsed::{SLACK, expect_elapsed};
use crate::peer::engineio::Dialect;
use crate::peer::websocket::{Received, WebSocket};

pub(crate) static GROUP: Group = Group {
    id: "eio3/heartbeat",
    title: "Heartbeat",
    layer: Layer::Engine,
    needs: &[ServerOption::Eio3],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("B10", "EIO4 2.6")
        .title("polling: a ping is answered")
        .run(|peer| {
            let session = peer.open(Dialect::V3Base64)?;
            session.post("1:2")?.expect_ok()?;
            session
                .poll()?
                .expect_status(200)?
                .expect_body("1:3")
                .map(drop)
        }),
    Case::must("B11", "EIO4 2.6")
        .title("a silent client is closed at interval and timeout")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V3)?;
            let opened = Instant::now();
            socket.expect_closed()?;
            let due = peer.target.timings.silence();
            expect_elapsed(opened, due, due)
        }),
    Case::must("B12", "EIO4 2.6")
        .title("WebSocket: a ping is answered")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V3)?;
            socket.send("2")?;
            socket.expect("3")
        }),
    Case::tolerant("B13", "EIO4 2.5")
        .title("a probe outside an upgrade is answered as a ping")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V3)?;
            socket.send("2probe")?;
            let received = socket.receive()?;
            let known = ["3", "3probe"].map(|text| Received::Text(text.into()));
            ensure(
                known.contains(&received),
                "3 or 3probe",
                received.to_string(),
            )
        }),
    Case::tolerant("B14", "EIO4 2.6")
        .title("messages without pings keep alive or do not")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V3)?;
            let opened = Instant::now();
            while opened.elapsed() < peer.target.timings.silence() + SLACK {
                socket.send("4hello")?;
                match socket.receive()? {
                    Received::Text(text) if text == "4hello" => {
                        peer.wait(Duration::from_millis(50))
                    }
                    Received::Close(_) | Received::End => return Ok(()),
                    other => return Err(Failure::new("an echo or the end", other.to_string())),
                }
            }
            Ok(())
        }),
    Case::tolerant("B15", "EIO4 2.5")
        .title("a pong of the client is ignored or closes")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V3)?;
            socket.send("3")?;
            echo_or_end(&mut socket)
        }),
];

fn echo_or_end(socket: &mut WebSocket) -> Check {
    socket.send("4hello")?;
    match socket.receive()? {
        Received::Text(text) if text == "4hello" => Ok(()),
        Received::Close(_) | Received::End => Ok(()),
        other => Err(Failure::new("an echo or the end", other.to_string())),
    }
}
