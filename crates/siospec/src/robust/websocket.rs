//! Frames that RFC 6455 forbids, and handshakes that lead nowhere.

use crate::case::{Case, Check, Failure, Group, Layer, ensure};
use crate::peer::Peer;
use crate::peer::engineio::Dialect;
use crate::peer::frame::Frame;
use crate::peer::http::Exchange;
use crate::peer::websocket::{Received, WebSocket};

use super::flood::bystander;

pub(crate) static GROUP: Group = Group {
    id: "robust/websocket",
    title: "Broken frames",
    layer: Layer::Engine,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("S30", "RFC 6455 5.2")
        .title("a huge announced length closes before the body")
        .run(|peer| {
            for length in [1 << 62, 1 << 63] {
                let huge = Frame::new(Frame::BINARY, []).declaring(length);
                closes(peer, &[huge], &[1009, 1002])?;
            }
            Ok(())
        }),
    Case::should("S32", "RFC 6455 5.4")
        .title("20,000 one-byte fragments without end close")
        .run(|peer| endless_fragments(peer, "x"))
        .alone(),
    Case::should("S33", "RFC 6455 5.4")
        .title("20,000 empty fragments close")
        .run(|peer| endless_fragments(peer, ""))
        .alone(),
    Case::must("S34", "RFC 6455 5.1")
        .title("every broken frame closes with 1002")
        .run(|peer| {
            let fragment = || Frame::text("4a").unfinished();
            let broken: [&[Frame]; 9] = [
                &[Frame::text("4a").unmasked()],
                &[Frame::text("4a").reserved(1)],
                &[Frame::text("4a").reserved(4)],
                &[Frame::new(3, "4a")],
                &[Frame::new(11, "4a")],
                &[Frame::new(Frame::CONTINUATION, "4a")],
                &[fragment(), Frame::text("4b")],
                &[Frame::new(Frame::PING, [0; 126])],
                &[Frame::new(Frame::PING, "a").unfinished()],
            ];
            broken
                .into_iter()
                .try_for_each(|frames| closes(peer, frames, &[1002]))
        }),
    Case::must("S35", "RFC 6455 8.1")
        .title("bad UTF-8 in any form closes with 1007")
        .run(|peer| {
            let texts: [&[u8]; 4] = [b"4\xff", b"4\xc0\xaf", b"4\xed\xa0\x80", b"4\xe2\x82"];
            for text in texts {
                closes(peer, &[Frame::new(Frame::TEXT, text)], &[1007])?;
            }
            let start = Frame::new(Frame::TEXT, *b"4\xe2").unfinished();
            closes(
                peer,
                &[start, Frame::new(Frame::CONTINUATION, *b"\xff")],
                &[1007],
            )
        }),
    Case::must("S36", "RFC 6455 7.4")
        .title("illegal close codes are 1002, legal ones come back")
        .run(|peer| {
            closes(peer, &[Frame::new(Frame::CLOSE, [3])], &[1002])?;
            for code in [999, 1005, 1006, 1015, 5000] {
                closes(peer, &[Frame::close(code)], &[1002])?;
            }
            let reason = Frame::new(Frame::CLOSE, *b"\x03\xe8\xff");
            closes(peer, &[reason], &[1007, 1002])?;
            closes(peer, &[Frame::close(1000)], &[1000])
        }),
    Case::must("S37", "RFC 6455 5.5")
        .title("10,000 pings without reading do no harm")
        .run(|peer| {
            let mut socket = peer.open_websocket(Dialect::V4)?;
            for _ in 0..100 {
                socket.send_frames(&vec![Frame::new(Frame::PING, [7; 100]); 100])?;
            }
            bystander(peer)?;
            socket.send("4hello")?;
            skip_pongs(&mut socket)
        })
        .alone(),
    Case::must("S40", "EIO4 2.2")
        .title("300 refused upgrades and resets leave nothing")
        .run(|peer| {
            let query = "EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAAAAAA";
            for _ in 0..300 {
                peer.start(&peer.upgrading(query))?.abort();
            }
            bystander(peer)
        })
        .alone(),
    Case::must("S42", "EIO4 2.2")
        .title("strange queries on an upgrade are refused")
        .run(|peer| {
            let many = format!("EIO=4&transport=abc{}", "&a=b".repeat(1000));
            let queries = [
                "EIO=4&transport=constructor",
                "EIO=4&transport=%00",
                "EIO=4&transport=%zz",
                "EIO=4",
                &many,
            ];
            for query in queries {
                let (response, _) = peer.switch(&peer.upgrading(query))?;
                response.expect_status_among(&[400, 414])?;
            }
            bystander(peer)
        }),
    Case::must("S39", "EIO4 2.9")
        .title("a broken frame in the segment of the handshake is 1002")
        .run(|peer| {
            let mut bytes = peer
                .upgrading("EIO=4&transport=websocket")
                .encode(&peer.target.authority);
            bytes.extend(Frame::text("4a").reserved(7).encode());
            let mut connection = peer.connect()?;
            connection.write(&bytes)?;
            let (response, connection) = Exchange::new(connection, "GET").switch()?;
            response.expect_status(101)?;
            let mut socket = WebSocket::over(connection);
            match socket.receive()? {
                Received::Close(Some(1002)) => Ok(()),
                // The open packet may have been on its way.
                _ => socket.expect_close_code(1002),
            }
        }),
];

/// The frames end the WebSocket with one of these codes.
fn closes(peer: &Peer, frames: &[Frame], codes: &[u16]) -> Check {
    let mut socket = peer.open_websocket(Dialect::V4)?;
    socket.send_frames(frames)?;
    let received = socket.receive()?;
    let matches = matches!(&received, Received::Close(Some(code)) if codes.contains(code));
    ensure(
        matches,
        format!("close code {codes:?}"),
        received.to_string(),
    )
}

fn endless_fragments(peer: &Peer, payload: &str) -> Check {
    let mut socket = peer.open_websocket(Dialect::V4)?;
    socket.send_frame(&Frame::text("4").unfinished())?;
    let fragment = Frame::new(Frame::CONTINUATION, payload).unfinished();
    for _ in 0..20 {
        socket.send_frames(&vec![fragment.clone(); 1000])?;
    }
    match socket.receive()? {
        Received::Close(Some(1008 | 1009)) | Received::End => bystander(peer),
        other => Err(Failure::new("close code 1008 or 1009", other.to_string())),
    }
}

fn skip_pongs(socket: &mut WebSocket) -> Check {
    loop {
        match socket.receive()? {
            Received::Pong(_) => {}
            Received::Text(text) if text == "4hello" => return Ok(()),
            Received::Close(_) | Received::End => return Ok(()),
            other => return Err(Failure::new("an echo or the end", other.to_string())),
        }
    }
}
