//! Polling by script tags: answers are scripts, bodies are forms.

use crate::case::{Case, Check, Failure, Group, Layer, ServerOption, ensure};
use crate::peer::Peer;
use crate::peer::engineio::{Dialect, Handshake, shown};
use crate::peer::response::Response;
use crate::transcript::printable;

pub(crate) static GROUP: Group = Group {
    id: "eio3/jsonp",
    title: "JSONP",
    layer: Layer::Engine,
    needs: &[ServerOption::Eio3, ServerOption::Jsonp],
    cases: CASES,
};

const CASES: &[Case] = &[
    Case::must("J1", "EIO3 3.4")
        .title("the answer is a script with the index")
        .run(|peer| {
            let script = Script::parse(&peer.get(&opening("12"))?)?;
            ensure(script.index == "12", "___eio[12]", script.index)?;
            let packets = Dialect::V3Base64.decode(script.payload.as_bytes())?;
            Handshake::parse(packets.first().map_or("", String::as_str)).map(drop)
        }),
    Case::tolerant("J2", "EIO4 2.1")
        .title("only the digits of the index are kept")
        .run(|peer| {
            for (j, index) in [("a1b2", "12"), ("", "")] {
                let response = peer.get(&opening(j))?;
                let script = Script::parse(&response)?;
                ensure(
                    script.index == index || script.index.is_empty(),
                    index,
                    script.index,
                )?;
            }
            Ok(())
        }),
    Case::tolerant("J3", "EIO4 2.1")
        .title("a later index is used or ignored")
        .run(|peer| {
            let session = Scripted::open(peer)?;
            session.post("d=6%3A4hello")?.expect_ok()?;
            let script = Script::parse(&peer.get(&session.query("7"))?)?;
            ensure(
                ["0", "7"].contains(&script.index.as_str()),
                "___eio[0] or ___eio[7]",
                script.index,
            )?;
            ensure(script.payload == "6:4hello", "6:4hello", script.payload)
        }),
    Case::must("J4", "EIO3 3.4")
        .title("a form is taken and its message echoed")
        .run(|peer| echoed(peer, "d=6%3A4hello", "4hello")),
    Case::must("J5", "EIO3 3.4")
        .title("newlines, quotes and backslashes survive both ways")
        .run(|peer| {
            // The client escapes a newline as \n and the two characters \n as \\n.
            echoed(peer, "d=7%3A4a%5Cnb%22c%27", "4a\nb\"c'")?;
            echoed(peer, "d=5%3A4a%5C%5Cnb", "4a\\nb")?;
            echoed(peer, "d=4%3A4a%5Cb", "4a\\b")
        }),
    Case::must("J6", "EIO3 3.4")
        .title("U+2028 and U+2029 are escaped in the script")
        .run(|peer| {
            let session = Scripted::open(peer)?;
            session.post("d=3%3A4%E2%80%A8%E2%80%A9")?.expect_ok()?;
            let response = peer.get(&session.query("0"))?;
            let raw = response.text().contains(['\u{2028}', '\u{2029}']);
            ensure(!raw, "escaped line separators", response.text())?;
            expect_packet(&Script::parse(&response)?, "4\u{2028}\u{2029}")
        }),
    Case::must("J7", "EIO3 3.4")
        .title("a plus in a form is a blank")
        .run(|peer| echoed(peer, "d=4%3A4a+b", "4a b")),
    Case::should("J8", "EIO3 3.4")
        .title("a form without d, or with two, is ignored")
        .run(|peer| {
            let session = Scripted::open(peer)?;
            session.post("x=1")?.expect_ok()?;
            session.post("d=6%3A4hello&d=6%3A4hello")?.expect_ok()?;
            session.post("d=2%3A4a")?.expect_ok()?;
            expect_packet(&Script::parse(&peer.get(&session.query("0"))?)?, "4a")
        }),
    Case::must("J10", "EIO3 3.4")
        .title("binary is base64 text inside the string")
        .run(|peer| echoed(peer, "d=10%3Ab4AQIDBA%3D%3D", "b4AQIDBA==")),
    Case::must("J11", "EIO3 3.4")
        .title("the close packet comes inside the script")
        .run(|peer| {
            let session = Scripted::open(peer)?;
            session.post("d=7%3A4!close")?.expect_ok()?;
            let script = Script::parse(&peer.get(&session.query("0"))?)?;
            ensure(script.payload.ends_with("1:1"), "1:1", script.payload)
        }),
];

fn opening(index: &str) -> String {
    format!("EIO=3&transport=polling&j={index}")
}

fn echoed(peer: &Peer, form: &str, packet: &str) -> Check {
    let session = Scripted::open(peer)?;
    session.post(form)?.expect_ok()?;
    expect_packet(&Script::parse(&peer.get(&session.query("0"))?)?, packet)
}

fn expect_packet(script: &Script, packet: &str) -> Check {
    let packets = Dialect::V3Base64.decode(script.payload.as_bytes())?;
    ensure(packets == [packet], shown(&[packet]), shown(&packets))
}

/// A session that polls by script tags with index 0.
struct Scripted<'peer> {
    peer: &'peer Peer,
    sid: String,
}

impl<'peer> Scripted<'peer> {
    fn open(peer: &'peer Peer) -> Result<Self, Failure> {
        let script = Script::parse(&peer.get(&opening("0"))?)?;
        let packets = Dialect::V3Base64.decode(script.payload.as_bytes())?;
        let handshake = Handshake::parse(packets.first().map_or("", String::as_str))?;
        Ok(Self {
            peer,
            sid: handshake.sid,
        })
    }

    fn query(&self, index: &str) -> String {
        format!("{}&sid={}", opening(index), self.sid)
    }

    fn post(&self, form: &str) -> Result<Response, Failure> {
        let post = self.peer.posting(&self.query("0"), form);
        self.peer
            .request(&post.header("Content-Type", "application/x-www-form-urlencoded"))
    }
}

/// `___eio[<index>](<string>);`
struct Script {
    index: String,
    payload: String,
}

impl Script {
    fn parse(response: &Response) -> Result<Self, Failure> {
        let text = response.text();
        let parts = text
            .strip_prefix("___eio[")
            .and_then(|rest| rest.split_once("]("))
            .and_then(|(index, rest)| Some((index, rest.strip_suffix(");")?)))
            .and_then(|(index, json)| Some((index, serde_json::from_str(json).ok()?)));
        let (index, payload) =
            parts.ok_or_else(|| Failure::new("___eio[…](\"…\");", printable(&response.body)))?;
        Ok(Self {
            index: index.to_owned(),
            payload,
        })
    }
}
