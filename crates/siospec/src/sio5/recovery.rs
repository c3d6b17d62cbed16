//! Connection state recovery: a client that comes back gets what it missed.

use std::time::Duration;

use serde_json::{Value, json};

use crate::case::{Case, Check, Failure, Group, Layer, ServerOption, ensure};
use crate::peer::Peer;
use crate::peer::socketio::{Packet, Socket};

pub(crate) static GROUP: Group = Group {
    id: "sio5/recovery",
    title: "State recovery",
    layer: Layer::Socket,
    needs: &[ServerOption::Recovery],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("R2", "SIO5 6.7")
        .title("CONNECT is answered with a sid and a pid")
        .run(|peer| Member::join(peer).map(drop)),
    Case::should("R3", "SIO5 6.7")
        .title("events carry an offset; acks and asking events do not")
        .run(|peer| {
            let mut member = Member::join(peer)?;
            member.socket.send(r#"2["message",1]"#)?;
            let data = member
                .socket
                .expect_event("message-back")?
                .data
                .unwrap_or_default();
            let offset = data
                .as_array()
                .filter(|args| args.len() == 3)
                .and_then(|args| args[2].as_str());
            ensure(
                offset.is_some(),
                "the argument and an offset",
                data.to_string(),
            )?;
            member.socket.send(r#"21["message-with-ack",1]"#)?;
            member.socket.expect("31[1]")?;
            member.socket.send(r#"2["emit-with-ack"]"#)?;
            let data = member
                .socket
                .expect_event("answer-me")?
                .data
                .unwrap_or_default();
            ensure(data == json!(["answer-me"]), "no offset", data.to_string())
        }),
    Case::should("R4", "SIO5 6.7")
        .title("what was missed comes first, then the old ids; rooms too")
        .run(comes_back),
    Case::must("R5", "SIO5 6.7")
        .title("what cannot be recovered is a new connection")
        .run(|peer| {
            let member = Member::join(peer)?;
            // The session is live, so its pid is not to be had.
            let live = json!({"pid": member.pid, "offset": member.offset});
            let unknown = json!({"pid": "unknown", "offset": "unknown"});
            for auth in [live, unknown, json!({"pid": 1, "offset": []})] {
                let mut socket = peer.unjoined()?;
                socket.send(&format!("0{auth}"))?;
                let ids = ids(&socket.receive()?)?;
                ensure(
                    ids.0 != member.sid && ids.1 != member.pid,
                    "new ids",
                    format!("{ids:?}"),
                )?;
            }
            Ok(())
        }),
];

/// A socket with what it needs to come back.
struct Member {
    socket: Socket,
    sid: String,
    pid: String,
    offset: String,
}

impl Member {
    fn join(peer: &Peer) -> Result<Self, Failure> {
        let mut socket = peer.unjoined()?;
        socket.send("0")?;
        let (sid, pid) = ids(&socket.receive()?)?;
        let offset = offset(&socket.expect_event("auth")?)?;
        Ok(Self {
            socket,
            sid,
            pid,
            offset,
        })
    }
}

fn comes_back(peer: &Peer) -> Check {
    let mut member = Member::join(peer)?;
    let mut other = Member::join(peer)?.socket;
    let room = member.sid.clone() + " room";
    member.socket.send(&format!(r#"21["join","{room}"]"#))?;
    member.socket.send(r#"22["message-with-ack"]"#)?;
    member.socket.expect("32[]")?;
    member.socket.transport.abort();
    peer.wait(Duration::from_millis(60));
    other.send(&format!(r#"2["to-room","{room}","missed"]"#))?;
    other.send(r#"22["message-with-ack"]"#)?;
    other.expect("32[]")?;

    let mut socket = peer.unjoined()?;
    socket.send(&format!(
        "0{}",
        json!({"pid": member.pid, "offset": member.offset})
    ))?;
    expect_news(&mut socket, "missed")?;
    let ids = ids(&socket.receive()?)?;
    let expected = (member.sid, member.pid);
    ensure(ids == expected, format!("{expected:?}"), format!("{ids:?}"))?;
    socket.expect_event("auth")?;
    other.send(&format!(r#"2["to-room","{room}","live"]"#))?;
    expect_news(&mut socket, "live")
}

fn expect_news(socket: &mut Socket, word: &str) -> Check {
    let packet = socket.expect_event("news")?;
    let received = packet
        .data
        .as_ref()
        .and_then(|data| data.get(1))
        .and_then(Value::as_str);
    ensure(
        received == Some(word),
        format!("news {word}"),
        packet.to_string(),
    )
}

/// Sid and pid of an answer to CONNECT.
fn ids(packet: &Packet) -> Result<(String, String), Failure> {
    let key = |name: &str| Some(packet.data.as_ref()?.get(name)?.as_str()?.to_owned());
    match (packet.kind, key("sid"), key("pid")) {
        ('0', Some(sid), Some(pid)) => Ok((sid, pid)),
        _ => Err(Failure::new("CONNECT with sid and pid", packet.to_string())),
    }
}

/// The offset is the last argument.
fn offset(packet: &Packet) -> Result<String, Failure> {
    let last = packet
        .data
        .as_ref()
        .and_then(Value::as_array)
        .and_then(|args| args.last());
    let offset = last.and_then(Value::as_str).map(str::to_owned);
    offset.ok_or_else(|| Failure::new("an event with an offset", packet.to_string()))
}
