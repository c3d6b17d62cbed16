//! Events and acks in protocol 4, and what old servers forgave.

use serde_json::Value;

use crate::case::{Case, Check, Failure, Group, Layer, ServerOption, ensure};
use crate::peer::Peer;
use crate::peer::engineio::{Dialect, Handshake, prefixed};
use crate::peer::websocket::Received;

pub(crate) static GROUP: Group = Group {
    id: "sio4/events",
    title: "Events, protocol 4",
    layer: Layer::Socket,
    needs: &[ServerOption::Eio3],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("V7", "SIO5 6.5")
        .title("events and acks go both ways")
        .run(|peer| {
            let mut socket = peer.socket_v4()?;
            socket.expect_alive()?;
            socket.send(r#"25["message-with-ack",1]"#)?;
            socket.expect("35[1]")?;
            socket.send(r#"2["emit-with-ack"]"#)?;
            let id = socket.expect_event("answer-me")?.id.unwrap_or_default();
            socket.send(&format!(r#"3{id}["yes"]"#))?;
            socket.expect(r#"2["answered","yes"]"#)
        }),
    Case::tolerant("V9", "SIO5 6.1")
        .title("an event for a namespace not joined is ignored or closes")
        .run(|peer| ignored_or_closed(peer, r#"2/custom,["message"]"#)),
    Case::tolerant("V10", "SIO5 6.4")
        .title("reserved names are ignored or close")
        .run(|peer| {
            ["connect", "disconnect", "error", "newListener"]
                .into_iter()
                .try_for_each(|name| ignored_or_closed(peer, &format!(r#"2["{name}"]"#)))
        }),
    Case::must("V11", "SIO5 6.1")
        .title("an error or a broken event is survived")
        .run(|peer| {
            for packet in [r#"4{"message":"x"}"#, r#"2"x""#] {
                ignored_or_closed(peer, packet)?;
                peer.socket_v4()?.expect_alive()?;
            }
            Ok(())
        }),
    Case::tolerant("V12", "SIO5 5")
        .title("an unknown packet type is ignored or closes")
        .run(|peer| {
            ["7", "9[]", "abc"]
                .into_iter()
                .try_for_each(|packet| ignored_or_closed(peer, packet))
        }),
    Case::must("V20", "EIO3 3.4")
        .title("events with quotes and newlines survive JSONP")
        .run(|peer| {
            let open = peer
                .get("EIO=3&transport=polling&j=0")?
                .expect_status(200)?;
            let packets = Dialect::V3.decode(script_payload(&open.text())?.as_bytes())?;
            let first = packets.first().map_or("", String::as_str);
            let sid = Handshake::parse(first)?.sid;
            let query = format!("EIO=3&transport=polling&j=0&sid={sid}");
            let event = r#"42["message","a\"b\nc\\"]"#;
            // The client doubles the backslash of each \n, so that it is not read as a newline.
            let form = prefixed(event).replace(r"\n", r"\\n");
            let post = peer.posting(&query, format!("d={}", percent_encoded(&form)));
            let post = post.header("Content-Type", "application/x-www-form-urlencoded");
            peer.request(&post)?.expect_ok()?;
            expect_echo_by_script(peer, &query)
        })
        .needs(&[ServerOption::Jsonp]),
];

/// The next event is answered, or the session has ended.
fn ignored_or_closed(peer: &Peer, packet: &str) -> Check {
    let mut socket = peer.socket_v4()?;
    socket.send(packet)?;
    socket.send(r#"2["message","next"]"#)?;
    match socket.transport.receive()? {
        Received::Close(_) | Received::End => Ok(()),
        Received::Text(text) if text == r#"42["message-back","next"]"# => Ok(()),
        other => Err(Failure::new("an echo or the end", other.to_string())),
    }
}

/// Polls until the echo has come: `40` and `auth` may come before it.
fn expect_echo_by_script(peer: &Peer, query: &str) -> Check {
    let mut packets = Vec::new();
    for _ in 0..3 {
        let response = peer.get(query)?.expect_status(200)?;
        packets.extend(Dialect::V3.decode(script_payload(&response.text())?.as_bytes())?);
        let echo = packets
            .iter()
            .find_map(|packet| packet.strip_prefix(r#"42["message-back","#));
        if let Some(echo) = echo {
            let text: Value = serde_json::from_str(echo.trim_end_matches(']')).unwrap_or_default();
            return ensure(text == "a\"b\nc\\", r#""a\"b\nc\\""#, text.to_string());
        }
    }
    Err(Failure::new("the echo", packets.join(" ")))
}

fn script_payload(script: &str) -> Result<String, Failure> {
    let json = script
        .strip_prefix("___eio[0](")
        .and_then(|rest| rest.strip_suffix(");"));
    let payload = json.and_then(|json| serde_json::from_str(json).ok());
    payload.ok_or_else(|| Failure::new("___eio[0](\"…\");", script))
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
