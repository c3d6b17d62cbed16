//! Binary attachments: counts, placeholders, order.

use serde_json::{Value, json};

use crate::case::{Case, Check, Failure, Group, Layer, ServerOption, ensure};
use crate::peer::Peer;
use crate::peer::engineio::Dialect;
use crate::peer::frame::Frame;
use crate::peer::socketio::Socket;
use crate::peer::websocket::{Received, WebSocket};

pub(crate) static GROUP: Group = Group {
    id: "sio5/binary",
    title: "Binary",
    layer: Layer::Socket,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("Y1", "SIO5 5.1")
.title("attachments are echoed")
.run(|peer| {
        let packet =
            r#"52-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
        echoed(
            peer,
            packet,
            &[&[1, 2, 3], &[4]],
            json!(["message-back", "010203", "04"]),
        )
    }),
    Case::must("Y2", "SIO5 5.1")
.title("attachments are acknowledged")
.run(|peer| {
        let packet = r#"52-7["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
        let mut socket = peer.socket()?;
        send_binary(&mut socket, packet, &[&[1, 2, 3], &[4]])?;
        let answer = socket.receive_with_attachments()?;
        ensure(answer.0.starts_with("462-7["), "462-7[…]", answer.0)?;
        ensure(
            answer.1 == json!(["010203", "04"]),
            "both attachments",
            answer.1.to_string(),
        )
    }),
    Case::must("Y3", "SIO5 5.1")
.title("placeholders go by index: swapped, doubled, nested")
.run(|peer| {
            let swapped =
                r#"52-["message",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#;
            echoed(
                peer,
                swapped,
                &[&[1], &[2]],
                json!(["message-back", "02", "01"]),
            )?;
            let doubled =
                r#"51-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#;
            echoed(peer, doubled, &[&[1]], json!(["message-back", "01", "01"]))?;
            let nested = r#"51-["message",{"a":[{"b":{"_placeholder":true,"num":0}}]}]"#;
            echoed(
                peer,
                nested,
                &[&[1]],
                json!(["message-back", {"a": [{"b": "01"}]}]),
            )
        }),
    Case::must("Y4", "SIO5 5.1")
.title("a placeholder without a legal index closes")
.run(|peer| {
            for num in [r#","num":1"#, r#","num":-1"#, r#","num":"0""#, ""] {
                let packet = format!(r#"51-["message",{{"_placeholder":true{num}}}]"#);
                closes(peer, &packet, &[&[1]])?;
            }
            Ok(())
        }),
    Case::tolerant("Y5", "SIO5 5.1")
.title("a fractional index closes or means nothing")
.run(|peer| {
            tolerated(
                peer,
                r#"51-["message",{"_placeholder":true,"num":0.5}]"#,
                &[&[1]],
            )
        }),
    Case::must("Y6", "SIO5 5.1")
.title("what only looks like a placeholder is data")
.run(|peer| {
            let packet =
                r#"51-["message",{"_placeholder":false,"num":0},{"_placeholder":true,"num":0}]"#;
            let plain = json!({"_placeholder": false, "num": 0});
            echoed(peer, packet, &[&[1]], json!(["message-back", plain, "01"]))?;
            let mut socket = peer.socket()?;
            socket.send(r#"2["message",{"_placeholder":true,"num":0}]"#)?;
            socket.expect(r#"2["message-back",{"_placeholder":true,"num":0}]"#)
        }),
    Case::must("Y7", "SIO5 5.1")
.title("key order and extra keys of a placeholder are free")
.run(|peer| {
            let packet = r#"51-["message",{"x":1,"num":0,"_placeholder":true}]"#;
            echoed(peer, packet, &[&[1]], json!(["message-back", "01"]))
        }),
    Case::should("Y8", "SIO5 5.1")
.title("an unused attachment is dropped")
.run(|peer| {
            let packet = r#"52-["message",{"_placeholder":true,"num":0}]"#;
            echoed(peer, packet, &[&[1], &[2]], json!(["message-back", "01"]))
        }),
    Case::tolerant("Y9", "SIO5 5")
.title("a count of 0 closes or delivers")
.run(|peer| {
        tolerated(peer, r#"50-["message",1]"#, &[])
    }),
    Case::tolerant("Y11", "SIO5 5")
.title("counts that only JavaScript reads pass or close")
.run(|peer| {
            for count in ["01", " 1", "1e0", "0x1"] {
                let packet = format!(r#"5{count}-["message",{{"_placeholder":true,"num":0}}]"#);
                tolerated(peer, &packet, &[&[1]])?;
            }
            Ok(())
        }),
    Case::should("Y12", "SIO5 5")
.title("10 attachments pass, 11 close")
.run(|peer| {
        let attachments: [&[u8]; 10] = [&[1]; 10];
        let packet = r#"510-["message",{"_placeholder":true,"num":9}]"#;
        echoed(peer, packet, &attachments, json!(["message-back", "01"]))?;
        closes(
            peer,
            r#"511-["message",{"_placeholder":true,"num":0}]"#,
            &[],
        )
    }),
    Case::must("Y13", "SIO5 5")
.title("a huge count closes")
.run(|peer| {
        closes(peer, r#"51000000000000-["message"]"#, &[])
    }),
    Case::must("Y14", "SIO5 5.1")
.title("text while attachments are missing closes")
.run(|peer| {
            let mut socket = peer.socket()?;
            socket.send(r#"51-["message",{"_placeholder":true,"num":0}]"#)?;
            socket.send(r#"2["message"]"#)?;
            socket.expect_closed()
        }),
    Case::must("Y15", "SIO5 5.1")
.title("a heartbeat among attachments is fine")
.run(|peer| {
            let mut socket = peer.socket()?;
            socket.send(r#"51-["message",{"_placeholder":true,"num":0}]"#)?;
            socket.expect_silence(peer.target.timings.ping_interval * 5 / 4)?;
            socket.send_binary(&[1])?;
            expect_resolved(&mut socket, json!(["message-back", "01"]))
        }),
    Case::must("Y16", "SIO5 5.1")
.title("binary nobody announced closes")
.run(|peer| {
            let mut socket = peer.socket()?;
            socket.send_binary(&[1])?;
            socket.expect_closed()?;
            let mut socket = peer.socket()?;
            let packet = r#"51-["message",{"_placeholder":true,"num":0}]"#;
            send_binary(&mut socket, packet, &[&[1]])?;
            expect_resolved(&mut socket, json!(["message-back", "01"]))?;
            socket.send_binary(&[2])?;
            socket.expect_closed()
        }),
    Case::must("Y17", "SIO5 5.1")
.title("broken JSON closes before any attachment")
.run(|peer| closes(peer, r#"51-["message""#, &[])),
    Case::tolerant("Y19", "SIO5 6.1")
.title("attachments for a namespace not joined close")
.run(|peer| {
            closes(
                peer,
                r#"51-/custom,["message",{"_placeholder":true,"num":0}]"#,
                &[&[1]],
            )
        }),
    Case::must("Y20", "SIO5 5.1")
.title("an empty attachment is delivered")
.run(|peer| {
            let packet = r#"51-["message",{"_placeholder":true,"num":0}]"#;
            echoed(peer, packet, &[&[]], json!(["message-back", ""]))
        }),
    Case::tolerant("Y21", "SIO5 5")
.title("a binary event without payload is ignored or closes")
.run(|peer| tolerated(peer, "51-", &[&[1]])),
    Case::must("Y22", "SIO5 6.5")
.title("a binary ack nobody waits for is ignored")
.run(|peer| {
            let mut socket = peer.socket()?;
            send_binary(
                &mut socket,
                r#"61-999[{"_placeholder":true,"num":0}]"#,
                &[&[1]],
            )?;
            socket.expect_alive()
        }),
    Case::must("Y23", "SIO5 5.1")
.title("polling: attachments come in the same or a later POST")
.run(|peer| {
            let header = r#"451-["message",{"_placeholder":true,"num":0}]"#;
            let echo = [
                r#"451-["message-back",{"_placeholder":true,"num":0}]"#,
                "bAQIDBA==",
            ];
            let session = peer.join_by_polling()?;
            session.send(&[header, "bAQIDBA=="])?;
            session.expect(&echo)?;
            session.send(&[header])?;
            session.send(&["bAQIDBA=="])?;
            session.expect(&echo)
        }),
    Case::should("Y24", "EIO4 2.9")
.title("a base64 text frame is an attachment")
.run(|peer| {
            let mut socket = peer.socket()?;
            socket.send(r#"51-["message",{"_placeholder":true,"num":0}]"#)?;
            socket.transport.send("bAQIDBA==")?;
            expect_resolved(&mut socket, json!(["message-back", "01020304"]))
        }),
    Case::must("Y25", "SIO5 5.1")
.title("a client lost between attachments leaves nothing")
.run(|peer| {
            let mut socket = peer.socket()?;
            socket.send(r#"52-["message",{"_placeholder":true,"num":0}]"#)?;
            socket.send_binary(&[1])?;
            socket.transport.abort();
            peer.socket()?.expect_alive()
        }),
    Case::must("Y28", "SIO5 5.1")
.title("attachments follow their packet at once")
.run(|peer| {
            let mut socket = peer.socket()?;
            socket.send(r#"2["burst-binary",50]"#)?;
            for number in 0..50 {
                expect_resolved(&mut socket, json!(["item", format!("{number:02x}")]))?;
            }
            Ok(())
        }),
    Case::must("U22", "EIO4 2.10")
.title("an attachment may follow on the other transport")
.run(|peer| {
            let session = peer.join_by_polling()?;
            let mut transport = session.websocket()?;
            transport.send("2probe")?;
            transport.expect("3probe")?;
            session.send(&[r#"451-["message",{"_placeholder":true,"num":0}]"#])?;
            transport.send("5")?;
            transport.send_binary(&[1])?;
            transport.expect(r#"451-["message-back",{"_placeholder":true,"num":0}]"#)?;
            transport.expect_binary(&[1])
        }),
    Case::must("V22", "EIO4 2.10")
.title("revision 3: the same, with type bytes")
.run(|peer| {
            let session = peer.open(Dialect::V3Base64)?;
            let mut transport = session.websocket()?;
            transport.send("2probe")?;
            transport.expect("3probe")?;
            session.send(&[r#"451-["message",{"_placeholder":true,"num":0}]"#])?;
            transport.send("5")?;
            transport.send_binary(&[4, 1])?;
            skip_greeting(&mut transport)?;
            transport.expect_binary(&[4, 1])
        })
    .needs(&[ServerOption::Eio3]),
];

fn send_binary(socket: &mut Socket, packet: &str, attachments: &[&[u8]]) -> Check {
    let mut frames = vec![Frame::text(&format!("4{packet}"))];
    frames.extend(
        attachments
            .iter()
            .map(|bytes| Frame::new(Frame::BINARY, *bytes)),
    );
    socket.transport.send_frames(&frames)
}

fn echoed(peer: &Peer, packet: &str, attachments: &[&[u8]], answer: Value) -> Check {
    let mut socket = peer.socket()?;
    send_binary(&mut socket, packet, attachments)?;
    expect_resolved(&mut socket, answer)
}

/// The next packet's JSON with each attachment as hex digits in its place.
fn expect_resolved(socket: &mut Socket, expected: Value) -> Check {
    let (_, data) = socket.receive_with_attachments()?;
    ensure(data == expected, expected.to_string(), data.to_string())
}

fn closes(peer: &Peer, packet: &str, attachments: &[&[u8]]) -> Check {
    let mut socket = peer.socket()?;
    send_binary(&mut socket, packet, attachments)?;
    socket.expect_closed()
}

/// Some answer, none, or the end; the server lives on.
fn tolerated(peer: &Peer, packet: &str, attachments: &[&[u8]]) -> Check {
    let mut socket = peer.socket()?;
    send_binary(&mut socket, packet, attachments)?;
    socket.send(r#"2["message","next"]"#)?;
    loop {
        match socket.transport.receive()? {
            Received::Close(_) | Received::End => break,
            Received::Text(text) if text.contains("\"next\"") => break,
            Received::Text(_) | Received::Binary(_) => {}
            other => return Err(Failure::new("an answer or the end", other.to_string())),
        }
    }
    peer.socket()?.expect_alive()
}

/// Reads up to the header of the echo: `40` and `auth` may come before it.
fn skip_greeting(transport: &mut WebSocket) -> Check {
    for _ in 0..3 {
        match transport.receive()? {
            Received::Text(text) if text.starts_with("451-") => return Ok(()),
            Received::Text(_) => {}
            other => return Err(Failure::new("451-…", other.to_string())),
        }
    }
    Err(Failure::new("451-…", "other packets"))
}
