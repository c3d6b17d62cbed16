//! The heartbeat of revision 4: the server pings, the client answers.

use std::time::{Duration, Instant};

use crate::case::{Case, Check, Failure, Group, Layer, ensure};
use crate::elapsed::{SLACK, expect_elapsed};
use crate::peer::Peer;
use crate::peer::engineio::Dialect;
use crate::peer::frame::Frame;
use crate::peer::websocket::{Received, WebSocket};

pub(crate) static GROUP: Group = Group {
    id: "eio4/heartbeat",
    title: "Heartbeat",
    layer: Layer::Engine,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("B1", "EIO4 2.6")
        .title("polling: a ping every interval")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            for _ in 0..3 {
                session.poll()?.expect_status(200)?.expect_body("2")?;
                session.send(&["3"])?;
            }
            Ok(())
        }),
    Case::must("B2", "EIO4 2.6")
        .title("polling: silence ends the session")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            session.poll()?.expect_status(200)?.expect_body("2")?;
            peer.wait(peer.target.timings.ping_timeout + SLACK);
            session.poll()?.expect_status(400).map(drop)
        }),
    Case::must("B3", "EIO4 2.6")
        .title("WebSocket: a ping every interval")
        .run(|peer| {
            rounds(
                peer,
                &mut peer.open_websocket(Dialect::V4)?.showing_heartbeat(),
                "3",
            )
        }),
    Case::must("B4", "EIO4 2.6")
        .title("WebSocket: silence ends the session")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V4)?.showing_heartbeat();
            let opened = Instant::now();
            socket.expect("2")?;
            socket.expect_closed()?;
            expect_elapsed(
                opened,
                peer.target.timings.silence(),
                peer.target.timings.silence(),
            )
        }),
    Case::should("B5", "EIO4 2.6")
        .title("an unanswered ping ends the hanging GET with 1")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let opened = Instant::now();
            session.poll()?.expect_body("2")?;
            session.poll()?.expect_status(200)?.expect_body("1")?;
            expect_elapsed(
                opened,
                peer.target.timings.silence(),
                peer.target.timings.silence(),
            )
        }),
    Case::should("B6", "EIO4 2.6")
        .title("the next ping comes one interval after the pong")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V4)?.showing_heartbeat();
            socket.expect("2")?;
            peer.wait(peer.target.timings.ping_timeout / 2);
            socket.send("3")?;
            let answered = Instant::now();
            socket.expect("2")?;
            let interval = peer.target.timings.ping_interval;
            expect_elapsed(answered, interval, interval)
        }),
    Case::should("B7", "EIO4 2.6")
        .title("messages in place of pongs prolong at most once")
        .run(messages_without_pong),
    Case::should("B8", "EIO4 2.6")
        .title("early and doubled pongs are tolerated")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V4)?;
            socket.send("3")?;
            socket.send("3")?;
            socket.send("4hello")?;
            socket.expect("4hello")
        }),
    Case::must("B9", "EIO4 2.6")
        .title("no ping before the first interval has passed")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V4)?.showing_heartbeat();
            let opened = Instant::now();
            socket.expect("2")?;
            let interval = peer.target.timings.ping_interval;
            expect_elapsed(opened, interval, interval)
        }),
    Case::must("B17", "EIO4 2.6")
        .title("the heartbeat goes on after the upgrade")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            rounds(peer, &mut session.upgrade()?.showing_heartbeat(), "3")
        }),
    Case::must("B18", "EIO4 2.6")
        .title("pings get through 100 queued messages of 64 kB")
        .run(flood),
    Case::must("B19", "EIO4 2.9")
        .title("a ping frame is answered and is no heartbeat")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V4)?.showing_heartbeat();
            let opened = Instant::now();
            socket.send_frame(&Frame::new(Frame::PING, "hi"))?;
            socket.expect_received(&Received::Pong("hi".into()))?;
            socket.expect("2")?;
            let interval = peer.target.timings.ping_interval;
            expect_elapsed(opened, interval, interval)
        }),
    Case::should("B20", "EIO4 2.5")
        .title("a pong with data counts")
        .run(|peer| {
            rounds(
                peer,
                &mut peer.open_websocket(Dialect::V4)?.showing_heartbeat(),
                "3x",
            )
        }),
];

/// Three pings, each answered with `pong`, then a message.
fn rounds(peer: &Peer, socket: &mut WebSocket, pong: &str) -> Check {
    let interval = peer.target.timings.ping_interval;
    for _ in 0..3 {
        let asked = Instant::now();
        socket.expect("2")?;
        ensure(
            asked.elapsed() <= interval + SLACK,
            "a ping in time",
            "a late ping",
        )?;
        socket.send(pong)?;
    }
    socket.send("4hello")?;
    socket.expect("4hello")
}

fn messages_without_pong(peer: &Peer) -> Check {
    let mut socket = peer.open_websocket(Dialect::V4)?.showing_heartbeat();
    let opened = Instant::now();
    let latest = peer.target.timings.silence() + peer.target.timings.ping_timeout;
    while opened.elapsed() < latest + SLACK {
        socket.send("4still here")?;
        match socket.receive_until(Instant::now() + Duration::from_millis(40))? {
            Received::Close(_) | Received::End => {
                return expect_elapsed(opened, peer.target.timings.silence(), latest);
            }
            _ => peer.wait(Duration::from_millis(20)),
        }
    }
    Err(Failure::new(
        "the WebSocket to be closed",
        "an endless session without a pong",
    ))
}

fn flood(peer: &Peer) -> Check {
    let mut socket = peer.open_websocket(Dialect::V4)?;
    socket.send("4!burst 100 65536")?;
    // The first ping falls due while the socket is full.
    peer.wait(peer.target.timings.ping_interval);
    for number in 0..100 {
        let received = socket.receive()?;
        let matches = matches!(&received, Received::Text(text)
            if text.starts_with(&format!("4{number}:")) && text.len() == 65_537);
        ensure(
            matches,
            format!("message {number} of 64 kB"),
            received.to_string(),
        )?;
    }
    socket.expect_silence(peer.target.timings.silence() + SLACK)?;
    socket.send("4hello")?;
    socket.expect("4hello")
}
