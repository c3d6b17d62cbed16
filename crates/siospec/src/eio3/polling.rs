//! The handshake and the text framing of revision 3: `<length>:<packet>`, lengths in UTF-16 units.

use std::time::Duration;

use crate::case::{Case, Check, Failure, Group, Layer, ServerOption, ensure};
use crate::peer::Peer;
use crate::peer::engineio::{Dialect, Handshake, prefixed};

pub(crate) static GROUP: Group = Group {
    id: "eio3/polling",
    title: "Polling payloads, text framing",
    layer: Layer::Engine,
    needs: &[ServerOption::Eio3],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("H9", "EIO4 2.3")
        .title("the open packet comes with its length")
        .run(open_packet),
    Case::must("Q1", "EIO4 2.8")
        .title("a message is echoed")
        .run(|p| echoed(p, &["4hello"])),
    Case::must("Q2", "EIO4 2.8")
        .title("packets are echoed in order")
        .run(|peer| echoed(peer, &["4a", "4bb", "4ccc"])),
    Case::must("Q3", "EIO4 2.8")
        .title("text and base64 keep their kinds")
        .run(|peer| {
            let session = peer.open(Dialect::V3Base64)?;
            session.post("6:4hello10:b4AQIDBA==")?.expect_ok()?;
            session
                .poll()?
                .expect_status(200)?
                .expect_body("6:4hello10:b4AQIDBA==")
                .map(drop)
        }),
    Case::must("Q5", "EIO4 2.7")
        .title("a body that is no payload closes")
        .run(|p| closes(p, "abc")),
    Case::must("Q6", "EIO3 3.1")
        .title("a character of the basic plane counts 1")
        .run(|peer| {
            echoed(peer, &["4€"])?;
            echoed(peer, &["4é"])
        }),
    Case::must("Q7", "EIO3 3.1")
        .title("a character beyond it counts 2")
        .run(|peer| echoed(peer, &["4😀"])),
    Case::should("Q9", "EIO3 3.1")
        .title("an empty packet is skipped")
        .run(|peer| {
            let session = peer.open(Dialect::V3Base64)?;
            session.post("0:")?.expect_ok()?;
            session.post("0:6:4hello")?.expect_ok()?;
            session.expect(&["4hello"])
        }),
    Case::must("Q10", "EIO3 3.1")
        .title("wrong lengths close the session")
        .run(|peer| {
            let bodies = [
                ":4hello",
                "-1:4hello",
                "abc:4hello",
                "9:4hello",
                "5:4hello",
                "6",
                "6:4hello\n",
            ];
            bodies.into_iter().try_for_each(|body| closes(peer, body))
        }),
    Case::should("Q11", "EIO3 3.1")
        .title("leading zeros are accepted")
        .run(|peer| {
            let session = peer.open(Dialect::V3Base64)?;
            session.post("06:4hello")?.expect_ok()?;
            session.expect(&["4hello"])
        }),
    Case::tolerant("Q12", "EIO3 3.1")
        .title("lengths that only JavaScript reads pass or close")
        .run(|peer| {
            let bodies = [
                "+6:4hello",
                "0x6:4hello",
                "6e0:4hello",
                "6.0:4hello",
                "6 :4hello",
            ];
            bodies
                .into_iter()
                .try_for_each(|body| echoes_or_closes(peer, body, &["4hello"]))
        }),
    Case::must("Q13", "EIO3 3.1")
        .title("colons, digits and separators inside data are data")
        .run(|peer| echoed(peer, &["4a:b", "4\n\u{1e}", "412:34:56"])),
    Case::tolerant("Q20", "EIO3 3.2")
        .title("base64 packets without data are ignored or close")
        .run(|peer| {
            tolerated(peer, "1:b")?;
            echoes_or_closes(peer, "2:b4", &["b4"])
        }),
    Case::tolerant("Q21", "EIO3 3.2")
        .title("base64 packets of other types are tolerated")
        .run(|peer| {
            tolerated(peer, "4:b2AA")?;
            tolerated(peer, "6:b9AQID")
        }),
    Case::should("Q22", "EIO4 2.1")
        .title("b64 of the handshake counts, not its absence later")
        .run(|peer| {
            let session = peer.open(Dialect::V3Base64)?;
            session.post("10:b4AQIDBA==")?.expect_ok()?;
            let query = format!("EIO=3&transport=polling&sid={}", session.sid());
            peer.get(&query)?.expect_body("10:b4AQIDBA==").map(drop)
        }),
    Case::should("Q24", "EIO4 2.1")
        .title("b64=0 counts as set, an empty b64 does not")
        .run(b64_values),
    Case::tolerant("Q27", "EIO3 3.6")
        .title("doubly encoded text arrives right or unchanged")
        .run(|peer| {
            // What a 1.x client posts for "é€😀": each UTF-8 byte as a character of its own.
            let sent: String = "é€😀".bytes().map(char::from).collect();
            let session = peer.open(Dialect::V3Base64)?;
            session.post(prefixed(&format!("4{sent}")))?.expect_ok()?;
            let received = session.receive()?.concat();
            let known = [format!("4{sent}"), "4é€😀".to_owned()];
            ensure(
                known.contains(&received),
                "the text in either form",
                received,
            )
        }),
    Case::must("L3", "EIO4 2.7")
        .title("a second GET ends the first with 1:1")
        .run(|peer| {
            let session = peer.open(Dialect::V3Base64)?;
            let mut first = session.start_poll()?;
            first.expect_pending(Duration::from_millis(60))?;
            session.poll()?.expect_status_among(&[400, 500])?;
            first.response()?.expect_status(200)?.expect_body("1:1")?;
            peer.expect_unknown(Dialect::V3Base64, session.sid())
        }),
];

fn open_packet(peer: &Peer) -> Check {
    let body = peer
        .get("EIO=3&transport=polling&b64=1")?
        .expect_status(200)?;
    let text = body.text();
    let packets = Dialect::V3Base64.decode(&body.body)?;
    let first = packets.first().map_or("", String::as_str);
    let handshake = Handshake::parse(first)?;
    ensure(text.starts_with(&prefixed(first)), prefixed(first), text)?;
    let known = [
        "maxPayload",
        "pingInterval",
        "pingTimeout",
        "sid",
        "upgrades",
    ];
    let strange = handshake
        .fields
        .keys()
        .find(|key| !known.contains(&key.as_str()));
    strange.map_or(Ok(()), |key| {
        Err(Failure::new(format!("keys among {known:?}"), key))
    })
}

fn echoed(peer: &Peer, packets: &[&str]) -> Check {
    let session = peer.open(Dialect::V3Base64)?;
    session.send(packets)?;
    session.expect(packets)
}

fn closes(peer: &Peer, body: &str) -> Check {
    let session = peer.open(Dialect::V3Base64)?;
    session.post(body)?.expect_status_among(&[200, 400])?;
    session.expect_gone()
}

fn echoes_or_closes(peer: &Peer, body: &str, echo: &[&str]) -> Check {
    let session = peer.open(Dialect::V3Base64)?;
    session.post(body)?.expect_status_among(&[200, 400])?;
    session.expect(echo).or_else(|_| session.expect_gone())
}

/// The session answers the next message, after a pong at most, or it is gone.
fn tolerated(peer: &Peer, body: &str) -> Check {
    let session = peer.open(Dialect::V3Base64)?;
    if session.post(body)?.expect_status_among(&[200, 400])?.status == 400 {
        return session.expect_gone();
    }
    if session.post("6:4hello")?.status == 400 {
        return session.expect_gone();
    }
    let mut packets = session.receive()?;
    packets.retain(|packet| !packet.starts_with('3'));
    ensure(packets == ["4hello"], "4hello", packets.concat())
}

fn b64_values(peer: &Peer) -> Check {
    for (value, echo) in [("0", "b4AQIDBA=="), ("", "b0401020304")] {
        let session = peer.open_with(Dialect::V3, &format!("&b64={value}"))?;
        session.post("10:b4AQIDBA==")?.expect_ok()?;
        session.expect(&[echo])?;
    }
    Ok(())
}
