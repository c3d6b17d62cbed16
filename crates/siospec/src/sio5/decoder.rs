//! The packet decoder: what is an event, what closes the session.

use std::time::Duration;

use serde_json::Value;

use crate::case::{Case, Check, Failure, Group, Layer, ensure};
use crate::peer::Peer;
use crate::peer::engineio::Dialect;
use crate::peer::frame::Frame;
use crate::peer::socketio::{Packet, Socket};
use crate::peer::websocket::Received;

pub(crate) static GROUP: Group = Group {
    id: "sio5/decoder",
    title: "Decoder",
    layer: Layer::Socket,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("D1", "SIO5 5")
        .title("an event is delivered with all its arguments")
        .run(|peer| {
            echoed(
                peer,
                r#"2["message",1,"2",{"3":[true]}]"#,
                r#"2["message-back",1,"2",{"3":[true]}]"#,
            )
        }),
    Case::must("D2", "SIO5 5")
        .title("an unknown packet type closes")
        .run(|peer| {
            ["abc", "7", r#"9["x"]"#, ""]
                .into_iter()
                .try_for_each(|packet| closes(peer, packet))
        }),
    Case::must("D3", "SIO5 5")
        .title("an event that is an object closes")
        .run(|peer| closes(peer, "2{}")),
    Case::must("D4", "SIO5 5")
        .title("junk before the JSON closes")
        .run(|peer| closes(peer, r#"2abc["x"]"#)),
    Case::must("D5", "SIO5 5")
        .title("an event without a name closes")
        .run(|peer| {
            let packets = [
                "2[]",
                r#"2"x""#,
                "2null",
                "2[true]",
                "2[null]",
                r#"2[{"a":1}]"#,
            ];
            packets
                .into_iter()
                .try_for_each(|packet| closes(peer, packet))
        }),
    Case::must("D6", "SIO5 5")
        .title("an event without payload closes")
        .run(|peer| closes(peer, "2")),
    Case::should("D8", "SIO5 6.4")
        .title("reserved names close")
        .run(|peer| {
            let names = [
                "connect",
                "connect_error",
                "disconnect",
                "disconnecting",
                "newListener",
                "removeListener",
            ];
            names
                .into_iter()
                .try_for_each(|name| closes(peer, &format!(r#"2["{name}"]"#)))
        }),
    Case::should("D9", "SIO5 6.4")
        .title("error and connection are ordinary names")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.send(r#"2["error"]"#)?;
            socket.send(r#"2["connection"]"#)?;
            socket.expect_alive()
        }),
    Case::must("D10", "SIO5 5")
        .title("truncated JSON and trailing text close")
        .run(|peer| {
            let packets = [
                r#"2["message""#,
                r#"2["message"]x"#,
                r#"2["message"],"#,
                r#"2["a"]["b"]"#,
            ];
            packets
                .into_iter()
                .try_for_each(|packet| closes(peer, packet))
        }),
    Case::must("D11", "SIO5 5")
        .title("blanks inside the JSON are accepted")
        .run(|peer| echoed(peer, "2[ \"message\" ,\t1 ]", r#"2["message-back",1]"#)),
    Case::tolerant("D12", "SIO5 5")
        .title("blanks before the JSON are accepted or close")
        .run(|peer| {
            let packets = [r#"21 ["message-with-ack",1]"#, "2\t[\"message\",1]"];
            packets
                .into_iter()
                .try_for_each(|packet| tolerated(peer, packet))
        }),
    Case::should("D13", "SIO5 5")
        .title("the root namespace may be written out")
        .run(|peer| {
            echoed(peer, r#"2/,["message",1]"#, r#"2["message-back",1]"#)?;
            echoed(peer, r#"2/,5["message-with-ack",1]"#, "35[1]")
        }),
    Case::should("D14", "SIO5 5")
        .title("a namespace ends at a comma only")
        .run(|peer| closes(peer, r#"2/["message"]"#)),
    Case::tolerant("D15", "SIO5 7")
        .title("a lone surrogate is preserved or closes")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.send(r#"2["message","\ud800"]"#)?;
            match socket.transport.receive()? {
                Received::Close(_) | Received::End => Ok(()),
                Received::Text(text) if text.to_ascii_lowercase().contains(r"\ud800") => Ok(()),
                other => Err(Failure::new("the escape or the end", other.to_string())),
            }
        }),
    Case::tolerant("D16", "SIO5 7")
        .title("strange numbers and keys come back as JSON")
        .run(|peer| {
            let values = [
                "1e400",
                "123456789012345678901234567890",
                "-0",
                "1.0",
                r#"{"a":1,"a":2}"#,
                r#"{"__proto__":1}"#,
            ];
            values
                .into_iter()
                .try_for_each(|value| tolerated(peer, &format!(r#"2["message",{value}]"#)))
        }),
    Case::tolerant("D17", "SIO5 7")
        .title("10,000 nested arrays are survived")
        .run(|peer| {
            let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
            let mut socket = peer.socket()?;
            socket.send(&format!(r#"2["unheard-of",{nested}]"#))?;
            socket.send(r#"2["message","next"]"#)?;
            match socket.transport.receive()? {
                Received::Close(_) | Received::End => peer.socket()?.expect_alive(),
                Received::Text(text) if text.contains("next") => Ok(()),
                other => Err(Failure::new("an echo or the end", other.to_string())),
            }
        }),
    Case::should("D19", "SIO5 6.4")
        .title("an unknown event is ignored, with an id too")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.send(r#"2["unheard-of"]"#)?;
            socket.send(r#"21["unheard-of"]"#)?;
            socket.expect_alive()
        }),
    Case::should("D20", "SIO5 5.2")
        .title("polling: a bad packet ends the session gracefully")
        .run(|peer| {
            let session = peer.join_by_polling()?;
            session.post("4abc")?.expect_ok()?;
            let response = session.poll()?.expect_status(200)?;
            let body = response.text();
            ensure(
                body == "6\u{1e}1" || body == "1",
                "6␞1 or 1",
                response.to_string(),
            )?;
            peer.expect_unknown(Dialect::V4, session.sid())?;
            let session = peer.join_by_polling()?;
            let mut hanging = session.start_poll()?;
            hanging.expect_pending(Duration::from_millis(60))?;
            session.post("4abc")?.expect_ok()?;
            hanging
                .response()?
                .expect_status(200)?
                .expect_body("1")
                .map(drop)
        }),
    Case::must("D21", "SIO5 6.1")
        .title("an event for a namespace not joined closes")
        .run(|peer| closes(peer, r#"2/custom,["message"]"#)),
    Case::must("D22", "SIO5 6.4")
        .title("packets of one namespace are handled in order")
        .run(|peer| {
            let mut socket = interleaved(peer)?;
            let mut next = [0, 1];
            for _ in 0..BURST {
                let packet = socket.receive()?;
                let number = if packet.namespace == "/" {
                    &mut next[0]
                } else {
                    &mut next[1]
                };
                let expected = serde_json::json!(["message-back", *number]);
                let received = packet.data.clone().unwrap_or_default();
                ensure(
                    received == expected,
                    expected.to_string(),
                    packet.to_string(),
                )?;
                *number += 2;
            }
            Ok(())
        }),
    Case::should("D23", "SIO5 6.4")
        .title("packets of several namespaces are handled in order")
        .run(|peer| {
            let mut socket = interleaved(peer)?;
            (0..BURST).try_for_each(|number| {
                socket.expect(&format!(
                    r#"2{}["message-back",{number}]"#,
                    namespace_of(number)
                ))
            })
        }),
];

/// Events that [`interleaved`] sends.
const BURST: u32 = 40;

/// Even numbers go to the root, odd ones to `/custom`.
fn namespace_of(number: u32) -> &'static str {
    if number.is_multiple_of(2) {
        ""
    } else {
        "/custom,"
    }
}

/// A client that has sent a burst of numbered events to two namespaces in turn.
fn interleaved(peer: &Peer) -> Result<Socket, Failure> {
    let mut socket = peer.socket()?;
    socket.join("0/custom,", "{}")?;
    let frame = |n| Frame::text(&format!(r#"42{}["message",{n}]"#, namespace_of(n)));
    socket
        .transport
        .send_frames(&(0..BURST).map(frame).collect::<Vec<_>>())?;
    Ok(socket)
}

fn echoed(peer: &Peer, packet: &str, answer: &str) -> Check {
    let mut socket = peer.socket()?;
    socket.send(packet)?;
    socket.expect(answer)
}

fn closes(peer: &Peer, packet: &str) -> Check {
    let mut socket = peer.socket()?;
    socket.send(packet)?;
    socket.expect_closed()
}

/// An answer with valid JSON, or the end.
fn tolerated(peer: &Peer, packet: &str) -> Check {
    let mut socket = peer.socket()?;
    socket.send(packet)?;
    match socket.transport.receive()? {
        Received::Close(_) | Received::End => Ok(()),
        Received::Text(text) if is_answer(&text) => socket.expect_alive(),
        other => Err(Failure::new("valid JSON or the end", other.to_string())),
    }
}

/// Whether this is an event or ack whose JSON is well formed, however large its numbers.
fn is_answer(text: &str) -> bool {
    let json = text
        .find('[')
        .and_then(|at| text.get(at..))
        .unwrap_or_default();
    let well_formed = serde_json::from_str::<Box<serde_json::value::RawValue>>(json).is_ok();
    let parsed = text.strip_prefix('4').and_then(Packet::parse);
    well_formed && parsed.is_none_or(|packet| matches!(packet.data, Some(Value::Array(_))))
}
