//! The upgrade from polling to WebSocket: its order, its races, its failures.

use std::time::{Duration, Instant};

use crate::case::{Case, Check, Failure, Group, Layer, ServerOption, ensure};
use crate::peer::Peer;
use crate::peer::engineio::{Dialect, Polling, shown};
use crate::peer::frame::Frame;
use crate::peer::websocket::{Received, WebSocket};

pub(crate) static GROUP: Group = Group {
    id: "eio4/upgrade",
    title: "Upgrade",
    layer: Layer::Engine,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("U1", "EIO4 2.10")
        .title("probe, noop, upgrade, message")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut socket = probed(&session)?;
            session.poll()?.expect_status(200)?.expect_body("6")?;
            socket.send("5")?;
            expect_echo(&mut socket, "4hello")
        }),
    Case::must("U2", "EIO4 2.10")
        .title("a GET that hangs at the probe is released")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut hanging = session.start_poll()?;
            hanging.expect_pending(REGISTERED)?;
            let _socket = probed(&session)?;
            let probed = Instant::now();
            hanging.response()?.expect_status(200)?.expect_body("6")?;
            expect_prompt(probed)
        }),
    Case::must("U3", "EIO4 2.10")
        .title("every GET before the upgrade packet is released")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut socket = probed(&session)?;
            // A third would run into the first ping.
            for _ in 0..2 {
                let asked = Instant::now();
                session.poll()?.expect_status(200)?.expect_body("6")?;
                expect_prompt(asked)?;
            }
            socket.send("5")?;
            expect_echo(&mut socket, "4hello")
        }),
    Case::must("U4", "EIO4 2.10")
        .title("probe, upgrade and message may be pipelined")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut socket = session.websocket()?;
            socket.send_frames(&["2probe", "5", "4hello"].map(Frame::text))?;
            socket.expect("3probe")?;
            socket.expect("4hello")?;
            session.poll()?.expect_status(400).map(drop)
        }),
    Case::must("U5", "EIO4 2.10")
        .title("polling after the upgrade is code 3, session unharmed")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut socket = session.upgrade()?;
            expect_echo(&mut socket, "4a")?;
            session.poll()?.expect_code(3)?;
            session.post("4hello")?.expect_code(3)?;
            expect_echo(&mut socket, "4b")
        }),
    Case::tolerant("U6", "EIO4 2.10")
        .title("an upgrade packet without probe upgrades or is refused")
        .run(unprobed_upgrade),
    Case::should("U7", "EIO4 2.10")
        .title("an upgrade packet may carry data")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut socket = probed(&session)?;
            socket.send("52")?;
            expect_echo(&mut socket, "4hello")
        }),
    Case::should("U8", "EIO4 2.10")
        .title("two probes get two answers")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut socket = probed(&session)?;
            socket.send("2probe")?;
            socket.expect("3probe")?;
            socket.send("5")?;
            expect_echo(&mut socket, "4hello")
        }),
    Case::must("U9", "EIO4 2.10")
        .title("anything else on the WebSocket ends only the WebSocket")
        .run(failed_probes),
    Case::must("U11", "EIO4 2.10")
        .title("a probe without upgrade times out, polling lives on")
        .run(abandoned_probe),
    Case::must("U12", "EIO4 2.10")
        .title("a second WebSocket during the upgrade is closed")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut first = probed(&session)?;
            expect_turned_away(&session)?;
            first.send("5")?;
            expect_echo(&mut first, "4hello")
        }),
    Case::must("U13", "EIO4 2.10")
        .title("a second WebSocket after the upgrade is closed")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut first = session.upgrade()?;
            expect_echo(&mut first, "4a")?;
            expect_turned_away(&session)?;
            expect_echo(&mut first, "4b")
        }),
    Case::must("U14", "EIO4 2.10")
        .title("a session born on WebSocket takes no second one")
        .run(|peer| {
            let (handshake, mut first) = peer.open_websocket_with(Dialect::V4, "")?;
            let query = format!("EIO=4&transport=websocket&sid={}", handshake.sid);
            let (response, mut second) = peer.switch(&peer.upgrading(&query))?;
            if response.status == 101 {
                second.send("2probe")?;
                second.expect_closed()?;
            }
            expect_echo(&mut first, "4hello")
        }),
    Case::must("U15", "EIO4 2.10")
        .title("messages during the upgrade arrive once and in order")
        .run(messages_during_upgrade),
    Case::must("U16", "EIO4 2.10")
        .title("what is buffered at the upgrade goes out first")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut socket = probed(&session)?;
            session.send(&["4buffered"])?;
            socket.send("5")?;
            socket.send("4next")?;
            socket.expect("4buffered")?;
            socket.expect("4next")
        }),
    Case::must("U17", "EIO4 2.10")
        .title("a close packet by polling ends session and WebSocket")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut socket = probed(&session)?;
            session.send(&["1"])?;
            socket.expect_closed()?;
            peer.expect_unknown(Dialect::V4, session.sid())
        }),
    Case::should("U19", "EIO4 2.10")
        .title("another EIO is 400, session unharmed")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let query = format!("EIO=3&transport=websocket&sid={}", session.sid());
            peer.switch(&peer.upgrading(&query))?.0.expect_status(400)?;
            session.expect_alive()
        })
        .needs(&[ServerOption::Eio3]),
    Case::must("U20", "EIO4 2.10")
        .title("noops stay on polling")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut socket = probed(&session)?;
            socket.expect_silence(Duration::from_millis(150))?;
            session.poll()?.expect_body("6")?;
            socket.send("5")?;
            socket.expect_silence(Duration::from_millis(150))?;
            expect_echo(&mut socket, "4hello")
        }),
    Case::must("U21", "EIO4 2.10")
        .title("the session ends with its WebSocket")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut socket = session.upgrade()?;
            expect_echo(&mut socket, "4hello")?;
            socket.send_frame(&Frame::close(1000))?;
            socket.expect_closed()?;
            drop(socket);
            peer.wait(REGISTERED);
            peer.expect_unknown(Dialect::V4, session.sid())
        }),
    Case::must("U23", "EIO4 2.10")
        .title("an upload during the upgrade completes")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let post = peer.posting(&session.query(), "4he").declaring(6);
            let mut upload = peer.start(&post)?;
            upload.expect_pending(REGISTERED)?;
            let mut socket = probed(&session)?;
            upload.write(b"llo")?;
            upload.response()?.expect_ok()?;
            socket.send("5")?;
            socket.expect("4hello")?;
            expect_echo(&mut socket, "4next")
        }),
];

/// Time a server gets to notice a request before the next connection is used.
const REGISTERED: Duration = Duration::from_millis(60);

/// Opens a WebSocket for the session and has its probe answered.
fn probed(session: &Polling<'_>) -> Result<WebSocket, Failure> {
    let mut socket = session.websocket()?;
    socket.send("2probe")?;
    socket.expect("3probe")?;
    Ok(socket)
}

fn expect_echo(socket: &mut WebSocket, packet: &str) -> Check {
    socket.send(packet)?;
    socket.expect(packet)
}

/// A noop is due within 100 ms; a busy machine gets as much again.
fn expect_prompt(since: Instant) -> Check {
    let elapsed = since.elapsed().as_millis();
    ensure(
        elapsed <= 200,
        "a noop within 100 ms",
        format!("one after {elapsed} ms"),
    )
}

/// Another WebSocket for this session is refused, or closed right after the 101.
fn expect_turned_away(session: &Polling<'_>) -> Check {
    let (response, mut second) = session
        .peer
        .switch(&session.peer.upgrading(&session.websocket_query()))?;
    match response.status {
        101 => second.expect_closed().map(drop),
        _ => response.expect_status(400).map(drop),
    }
}

fn unprobed_upgrade(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V4)?;
    let mut socket = session.websocket()?;
    socket.send("5")?;
    socket.send("4hello")?;
    match socket.receive()? {
        Received::Text(text) if text == "4hello" => session.poll()?.expect_code(3).map(drop),
        Received::Close(_) | Received::End => session.expect_alive(),
        other => Err(Failure::new("an echo or the end", other.to_string())),
    }
}

fn failed_probes(peer: &Peer) -> Check {
    let text = ["4hello", "2", "1", "garbage"].map(Frame::text);
    let binary = Frame::new(Frame::BINARY, [1, 2, 3]);
    for frame in text.iter().chain([&binary]) {
        let session = peer.open(Dialect::V4)?;
        let mut unprobed = session.websocket()?;
        unprobed.send_frame(frame)?;
        unprobed.expect_closed()?;
        session.expect_alive()?;
        let mut socket = probed(&session)?;
        socket.send_frame(frame)?;
        socket.expect_closed()?;
        session.expect_alive()?;
        // A failed attempt does not stand in the way of the next.
        let mut socket = probed(&session)?;
        socket.send("5")?;
        expect_echo(&mut socket, "4hello")?;
    }
    Ok(())
}

fn abandoned_probe(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V4)?;
    let mut socket = probed(&session)?;
    let latest = Instant::now() + peer.target.timings.upgrade_timeout * 2;
    loop {
        session.receive()?;
        match socket.receive_until(Instant::now() + Duration::from_millis(10))? {
            Received::Close(_) | Received::End => return session.expect_alive(),
            Received::Silence if Instant::now() < latest => {}
            other => {
                return Err(Failure::new(
                    "the WebSocket to be closed",
                    other.to_string(),
                ));
            }
        }
    }
}

fn messages_during_upgrade(peer: &Peer) -> Check {
    let session = peer.open(Dialect::V4)?;
    let messages: Vec<String> = (0..50).map(|n| format!("4{n}")).collect();
    let sent: Vec<&str> = messages.iter().map(String::as_str).collect();
    let mut post = sent.chunks(10);
    let mut send = || post.next().map_or(Ok(()), |packets| session.send(packets));
    let mut received = Vec::new();
    send()?;
    let mut socket = session.websocket()?;
    send()?;
    socket.send("2probe")?;
    send()?;
    socket.expect("3probe")?;
    received.extend(session.receive()?);
    send()?;
    socket.send("5")?;
    for packet in sent.iter().skip(40) {
        socket.send(packet)?;
    }
    received.retain(|packet| packet != "6");
    while received.len() < sent.len() {
        match socket.receive()? {
            Received::Text(text) => received.push(text),
            other => return Err(Failure::new(shown(&sent), other.to_string())),
        }
    }
    ensure(received == sent, shown(&sent), shown(&received))?;
    socket.expect_silence(REGISTERED)
}
