//! Too much of something: random bytes, handshakes, frames, silence.

use std::time::{Duration, Instant};

use crate::case::{Case, Check, Failure, Group, Layer, ensure};
use crate::elapsed::SLACK;
use crate::peer::Peer;
use crate::peer::engineio::{Dialect, Handshake};
use crate::peer::frame::Frame;
use crate::peer::websocket::Received;

pub(crate) static GROUP: Group = Group {
    id: "robust/flood",
    title: "Floods and trickles",
    layer: Layer::Engine,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("Z1", "EIO4 2.7")
        .title("200 random bodies and frames leave the server working")
        .run(|peer| {
            let mut random = Random(0x5eed);
            for _ in 0..100 {
                let session = peer.open(Dialect::V4)?;
                let body = random.bytes();
                session.post(body)?.expect_status_among(&[200, 400, 413])?;
                let mut socket = peer.open_websocket(Dialect::V4)?;
                socket.send_bytes(&random.bytes())?;
            }
            bystander(peer)
        })
        .alone(),
    Case::must("Z2", "EIO4 2.6")
        .title("a body of one byte at a time does not live for ever")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut upload = peer.start(&peer.posting(&session.query(), "4").declaring(100_000))?;
            let started = Instant::now();
            // Body limits are 10 s at most; the heartbeat ends the session long before.
            while started.elapsed() < Duration::from_secs(12) {
                upload.write(b"x")?;
                if upload.expect_pending(Duration::from_millis(200)).is_err() {
                    break;
                }
            }
            ensure(
                started.elapsed() < Duration::from_secs(12),
                "an end",
                "an endless upload",
            )?;
            bystander(peer)
        }),
    Case::must("Z3", "EIO4 2.6")
        .title("2,000 unused sessions are freed in time")
        .run(|peer| {
            let mut exchange = peer.start(&peer.getting(OPEN))?;
            let again = peer.getting(OPEN).encode(&peer.target.authority);
            let mut last = String::new();
            for _ in 0..2000 {
                let response = exchange
                    .next_response()?
                    .expect_status_among(&[200, 429, 503])?;
                if response.status == 200 {
                    last = Handshake::parse(&response.text())?.sid;
                }
                exchange.write(&again)?;
            }
            bystander(peer)?;
            peer.wait(peer.target.timings.silence() + SLACK);
            peer.expect_unknown(Dialect::V4, &last)
        })
        .alone(),
    Case::must("Z4", "EIO4 2.6")
        .title("who never reads is dropped, others do not notice")
        .run(|peer| {
            let (handshake, mut deaf) = peer.open_websocket_with(Dialect::V4, "")?;
            for _ in 0..4 {
                deaf.send("4!burst 100 65536")?;
                bystander(peer)?;
            }
            peer.wait(peer.target.timings.silence() * 2);
            bystander(peer)?;
            peer.expect_unknown(Dialect::V4, &handshake.sid)
        })
        .alone(),
    Case::must("Z5", "EIO4 2.5")
        .title("10,000 empty messages are answered or end the session")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V4)?;
            let frames = vec![Frame::text("4"); 100];
            let mut echoes = 0;
            for _ in 0..100 {
                socket.send_frames(&frames)?;
                for _ in 0..100 {
                    match socket.receive()? {
                        Received::Text(text) if text == "4" => echoes += 1,
                        Received::Close(_) | Received::End => return bystander(peer),
                        other => return Err(Failure::new("an echo or the end", other.to_string())),
                    }
                }
            }
            ensure(echoes == 10_000, "10,000 echoes", echoes.to_string())?;
            bystander(peer)
        })
        .alone(),
    Case::must("Z6", "EIO4 2.7")
        .title("of many polls on one sid only the first is served")
        .run(|peer| {
            let session = peer.open(Dialect::V4)?;
            let mut first = session.start_poll()?;
            first.expect_pending(Duration::from_millis(60))?;
            let others = (0..10).map(|_| session.start_poll());
            for other in others.collect::<Result<Vec<_>, _>>()? {
                other.response()?.expect_status(400)?;
            }
            first.response()?.expect_status(200)?;
            session.expect_gone()
        }),
    Case::should("S44", "EIO4 2.6")
        .title("5,000 pongs nobody asked for do no harm")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V4)?;
            for _ in 0..50 {
                socket.send_frames(&vec![Frame::text("3"); 100])?;
            }
            socket.send("4hello")?;
            match socket.receive()? {
                Received::Text(text) if text == "4hello" => bystander(peer),
                Received::Close(_) | Received::End => bystander(peer),
                other => Err(Failure::new("an echo or the end", other.to_string())),
            }
        })
        .alone(),
];

const OPEN: &str = "EIO=4&transport=polling";

/// Somebody else's message comes back, and soon.
pub(super) fn bystander(peer: &Peer) -> Check {
    let asked = Instant::now();
    let mut socket = peer.open_websocket(Dialect::V4)?;
    socket.send("4bystander")?;
    socket.expect("4bystander")?;
    let elapsed = asked.elapsed().as_millis();
    ensure(
        elapsed < 1000,
        "an echo within a second",
        format!("one after {elapsed} ms"),
    )
}

/// A fixed sequence: a failure is the same tomorrow.
struct Random(u64);

impl Random {
    /// Up to 64 bytes, half of them from the alphabet of the protocol.
    fn bytes(&mut self) -> Vec<u8> {
        let length = self.next() % 64;
        (0..length).map(|_| self.byte()).collect()
    }

    fn byte(&mut self) -> u8 {
        let alphabet = b"0123456:b[]{}\"\x1e\xff\x00\x81";
        let pick = self.next();
        match alphabet.get(usize::from(pick as u8 & 31)) {
            Some(byte) => *byte,
            None => (pick >> 8) as u8,
        }
    }

    /// Knuth's linear congruential generator.
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        self.0 >> 33
    }
}
