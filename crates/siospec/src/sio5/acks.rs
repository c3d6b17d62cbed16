//! Acknowledgements in both directions.

use std::time::Duration;

use crate::case::{Case, Check, Failure, Group, Layer, ensure};
use crate::peer::Peer;
use crate::peer::socketio::Socket;
use crate::peer::websocket::Received;

pub(crate) static GROUP: Group = Group {
    id: "sio5/acks",
    title: "Acknowledgements",
    layer: Layer::Socket,
    needs: &[],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("A1", "SIO5 6.5")
        .title("an event with an id is answered with its id")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.send(r#"2456["message-with-ack",1,"2",{"3":[false]}]"#)?;
            socket.expect(r#"3456[1,"2",{"3":[false]}]"#)
        }),
    Case::must("A2", "SIO5 6.5")
        .title("id 0 is an id; leading zeros do not matter")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.send(r#"20["message-with-ack","x"]"#)?;
            socket.expect(r#"30["x"]"#)?;
            socket.send(r#"2007["message-with-ack","x"]"#)?;
            socket.expect(r#"37["x"]"#)
        }),
    Case::tolerant("A3", "SIO5 5")
        .title("large ids come back exact or rounded, or close")
        .run(|peer| {
            for (id, rounded) in [
                ("9007199254740993", "9007199254740992"),
                ("12345678901234567890", "12345678901234567000"),
            ] {
                let mut socket = peer.socket()?;
                socket.send(&format!(r#"2{id}["message-with-ack"]"#))?;
                match socket.transport.receive()? {
                    Received::Close(_) | Received::End => {}
                    Received::Text(text)
                        if [id, rounded].map(|id| format!("43{id}[]")).contains(&text) => {}
                    other => return Err(Failure::new(format!("43{id}[]"), other.to_string())),
                }
            }
            Ok(())
        }),
    Case::must("A4", "SIO5 5")
        .title("negative and fractional ids close")
        .run(|peer| {
            closes(peer, r#"2-1["message-with-ack"]"#)?;
            closes(peer, r#"21.5["message-with-ack"]"#)
        }),
    Case::must("A6", "SIO5 6.5")
        .title("a handler that acks twice answers once")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.send(r#"21["ack-twice"]"#)?;
            socket.expect(r#"31["first"]"#)?;
            socket.expect_alive()
        }),
    Case::must("A7", "SIO5 6.5")
        .title("of two answers to the server only the first counts")
        .run(|peer| {
            let mut socket = peer.socket()?;
            let id = asked(&mut socket)?;
            socket.send(&format!(r#"3{id}["yes",1]"#))?;
            socket.expect(r#"2["answered","yes",1]"#)?;
            socket.send(&format!(r#"3{id}["no"]"#))?;
            socket.expect_alive()
        }),
    Case::must("A8", "SIO5 6.5")
        .title("an ack nobody waits for is ignored")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.send(r#"3999["x"]"#)?;
            socket.send("3[]")?;
            socket.expect_alive()
        }),
    Case::must("A9", "SIO5 5")
        .title("an ack that is no array closes")
        .run(|peer| {
            closes(peer, "30{}")?;
            closes(peer, r#"30"x""#)
        }),
    Case::tolerant("A10", "SIO5 5")
        .title("an ack without payload is ignored or closes")
        .run(|peer| {
            let mut socket = peer.socket()?;
            let id = asked(&mut socket)?;
            socket.send(&format!("3{id}"))?;
            socket.send(r#"2["message"]"#)?;
            match socket.transport.receive()? {
                Received::Close(_) | Received::End => Ok(()),
                Received::Text(text) if text == r#"42["answered"]"# => {
                    socket.expect(r#"2["message-back"]"#)
                }
                Received::Text(text) if text == r#"42["message-back"]"# => Ok(()),
                other => Err(Failure::new("an echo or the end", other.to_string())),
            }
        }),
    Case::must("A11", "SIO5 6.5")
        .title("an ack in another namespace does not count")
        .run(|peer| {
            let mut socket = peer.socket()?;
            socket.join("0/custom,", "{}")?;
            let id = asked(&mut socket)?;
            socket.send(&format!(r#"3/custom,{id}["wrong"]"#))?;
            socket.expect_silence(Duration::from_millis(60))?;
            socket.send(&format!(r#"3{id}["right"]"#))?;
            socket.expect(r#"2["answered","right"]"#)
        }),
    Case::must("A12", "SIO5 6.5")
        .title("the server's pending ids are unique")
        .run(|peer| {
            let mut socket = peer.socket()?;
            let (first, second) = (asked(&mut socket)?, asked(&mut socket)?);
            ensure(first != second, "two ids", format!("{first} twice"))?;
            socket.send(&format!(r#"3{second}["second"]"#))?;
            socket.expect(r#"2["answered","second"]"#)?;
            socket.send(&format!(r#"3{first}["first"]"#))?;
            socket.expect(r#"2["answered","first"]"#)
        }),
    Case::should("A14", "SIO5 6.5")
        .title("a broadcast collects what comes in time")
        .run(|peer| {
            let (mut one, mut two) = (peer.socket()?, peer.socket()?);
            let room = one.session.clone();
            for socket in [&mut one, &mut two] {
                socket.send(&format!(r#"2["join","{room}"]"#))?;
                socket.expect_alive()?;
            }
            one.send(&format!(r#"2["ask-room","{room}",200]"#))?;
            let ids = [
                one.expect_event("answer-me")?.id,
                two.expect_event("answer-me")?.id,
            ];
            ensure(
                ids[0].is_some() && ids[0] == ids[1],
                "one id for both",
                format!("{ids:?}"),
            )?;
            let [id, _] = ids.map(Option::unwrap_or_default);
            two.send(&format!(r#"3{id}["from two"]"#))?;
            one.expect(r#"2["answers",true,["from two"]]"#)
        }),
];

/// Has the server ask for an ack and returns the id it chose.
fn asked(socket: &mut Socket) -> Result<String, Failure> {
    socket.send(r#"2["emit-with-ack"]"#)?;
    let id = socket.expect_event("answer-me")?.id;
    id.ok_or_else(|| Failure::new("an ack id", "none"))
}

fn closes(peer: &Peer, packet: &str) -> Check {
    let mut socket = peer.socket()?;
    socket.send(packet)?;
    socket.expect_closed()
}
