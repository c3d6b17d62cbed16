//! Engine.IO sessions seen from the client: opening, polling, posting, upgrading.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::Peer;
use super::http::Exchange;
use super::response::Response;
use super::websocket::{Received, WebSocket};
use crate::case::{Check, Failure, ensure};
use crate::transcript::printable;

/// The revision spoken, together with the polling encoding that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    V4,
    /// Revision 3 with binary XHR: text or binary framing.
    V3,
    /// Revision 3 with `b64=1`: always text framing.
    V3Base64,
}

impl Dialect {
    pub(crate) fn query(self) -> &'static str {
        match self {
            Self::V4 => "EIO=4",
            Self::V3 => "EIO=3",
            Self::V3Base64 => "EIO=3&b64=1",
        }
    }

    /// Packets as one request body.
    pub(crate) fn encode(self, packets: &[&str]) -> String {
        match self {
            Self::V4 => packets.join("\u{1e}"),
            Self::V3 | Self::V3Base64 => packets.iter().map(|packet| prefixed(packet)).collect(),
        }
    }

    /// The packets of a body, as text; those of binary framing with kind 1 as `b` and hex digits.
    pub(crate) fn decode(self, body: &[u8]) -> Result<Vec<String>, Failure> {
        let broken = || Failure::new("a payload", printable(body));
        if self != Self::V4 && body.first().is_some_and(|kind| *kind <= 1) {
            return decode_binary_framing(body).ok_or_else(broken);
        }
        let text = std::str::from_utf8(body).map_err(|_| broken())?;
        match self {
            Self::V4 => Ok(text.split('\u{1e}').map(str::to_owned).collect()),
            Self::V3 | Self::V3Base64 => decode_prefixed(text).ok_or_else(broken),
        }
    }
}

/// `<length>:<packet>`, the length in UTF-16 code units.
pub(crate) fn prefixed(packet: &str) -> String {
    format!("{}:{packet}", packet.encode_utf16().count())
}

fn decode_prefixed(mut text: &str) -> Option<Vec<String>> {
    let mut packets = Vec::new();
    while !text.is_empty() {
        let (length, rest) = text.split_once(':')?;
        let (packet, remaining) = rest.split_at_checked(units(rest, length.parse().ok()?)?)?;
        packets.push(packet.to_owned());
        text = remaining;
    }
    Some(packets)
}

/// Bytes that the first `count` UTF-16 code units of `text` take; `None` if there is no such place.
fn units(text: &str, count: usize) -> Option<usize> {
    let mut left = count;
    for (at, character) in text.char_indices() {
        if left == 0 {
            return Some(at);
        }
        left = left.checked_sub(character.len_utf16())?;
    }
    (left == 0).then_some(text.len())
}

fn decode_binary_framing(mut body: &[u8]) -> Option<Vec<String>> {
    let mut packets = Vec::new();
    while let Some((kind, rest)) = body.split_first() {
        let digits = rest.iter().position(|byte| *byte == 0xff)?;
        let mut length: usize = 0;
        for digit in rest.get(..digits)? {
            length = length.checked_mul(10)?.checked_add(usize::from(*digit))?;
        }
        let (packet, remaining) = rest.get(digits + 1..)?.split_at_checked(length)?;
        packets.push(match kind {
            0 => String::from_utf8(packet.to_vec()).ok()?,
            _ => packet
                .iter()
                .fold("b".to_owned(), |text, byte| text + &format!("{byte:02x}")),
        });
        body = remaining;
    }
    Some(packets)
}

/// The open packet.
#[derive(Clone, Debug)]
pub(crate) struct Handshake {
    pub(crate) sid: String,
    /// Every key of the JSON object.
    pub(crate) fields: BTreeMap<String, Value>,
}

impl Handshake {
    /// Reads `0{…}`.
    pub(crate) fn parse(packet: &str) -> Result<Self, Failure> {
        let missing = || Failure::new("an open packet with a sid", printable(packet.as_bytes()));
        let json = packet.strip_prefix('0').ok_or_else(missing)?;
        let fields: BTreeMap<String, Value> = serde_json::from_str(json).map_err(|_| missing())?;
        let sid = fields
            .get("sid")
            .and_then(Value::as_str)
            .ok_or_else(missing)?
            .to_owned();
        Ok(Self { sid, fields })
    }

    pub(crate) fn field(&self, name: &str) -> &Value {
        self.fields.get(name).unwrap_or(&Value::Null)
    }
}

/// A session on the polling transport.
#[derive(Debug)]
pub(crate) struct Polling<'peer> {
    pub(crate) peer: &'peer Peer,
    pub(crate) dialect: Dialect,
    pub(crate) handshake: Handshake,
    /// Packets that came in the first payload after the open packet.
    pub(crate) first: Vec<String>,
}

impl Peer {
    /// Opens a polling session.
    pub(crate) fn open(&self, dialect: Dialect) -> Result<Polling<'_>, Failure> {
        self.open_with(dialect, "")
    }

    /// Opens a polling session with `extra` (starting with `&`) added to the query.
    pub(crate) fn open_with(&self, dialect: Dialect, extra: &str) -> Result<Polling<'_>, Failure> {
        let query = format!("{}&transport=polling{extra}", dialect.query());
        let response = self.get(&query)?.expect_status(200)?;
        let mut first = dialect.decode(&response.body)?;
        let handshake = Handshake::parse(first.first().map_or("", String::as_str))?;
        first.remove(0);
        Ok(Polling {
            peer: self,
            dialect,
            handshake,
            first,
        })
    }

    /// Opens a session on a WebSocket and reads its open packet.
    pub(crate) fn open_websocket(&self, dialect: Dialect) -> Result<WebSocket, Failure> {
        Ok(self.open_websocket_with(dialect, "")?.1)
    }

    /// As [`Self::open_websocket`], with `extra` added to the query.
    pub(crate) fn open_websocket_with(
        &self,
        dialect: Dialect,
        extra: &str,
    ) -> Result<(Handshake, WebSocket), Failure> {
        let revision = if dialect == Dialect::V4 {
            "EIO=4"
        } else {
            "EIO=3"
        };
        let mut socket = self.websocket(&format!("{revision}&transport=websocket{extra}"))?;
        match socket.receive()? {
            Received::Text(packet) => Ok((Handshake::parse(&packet)?, socket)),
            other => Err(Failure::new("an open packet", other.to_string())),
        }
    }

    /// What the application was told by `!note <key> …` in any session; waited for, since a server
    /// may answer a POST before its application has seen the messages.
    pub(crate) fn expect_notes(&self, key: &str, notes: &str) -> Check {
        let mut received = String::new();
        let session = self.open(Dialect::V4)?;
        for _ in 0..10 {
            session.send(&[&format!("4!notes {key}")])?;
            received = session.receive()?.concat();
            if received == format!("4{notes}") {
                return Ok(());
            }
            self.wait(Duration::from_millis(20));
        }
        Err(Failure::new(
            format!("the application to have seen \"{notes}\""),
            received,
        ))
    }

    /// No session has this sid.
    pub(crate) fn expect_unknown(&self, dialect: Dialect, sid: &str) -> Check {
        let query = format!("{}&transport=polling&sid={sid}", dialect.query());
        self.get(&query)?.expect_code(1).map(drop)
    }
}

impl<'peer> Polling<'peer> {
    pub(crate) fn sid(&self) -> &str {
        &self.handshake.sid
    }

    /// The query of every later request on the polling transport.
    pub(crate) fn query(&self) -> String {
        format!(
            "{}&transport=polling&sid={}",
            self.dialect.query(),
            self.sid()
        )
    }

    /// The query of an upgrade.
    pub(crate) fn websocket_query(&self) -> String {
        let revision = if self.dialect == Dialect::V4 {
            "EIO=4"
        } else {
            "EIO=3"
        };
        format!("{revision}&transport=websocket&sid={}", self.sid())
    }

    /// Sends a GET and leaves it hanging.
    pub(crate) fn start_poll(&self) -> Result<Exchange, Failure> {
        self.peer.start(&self.peer.getting(&self.query()))
    }

    /// Sends a GET and waits for its answer.
    pub(crate) fn poll(&self) -> Result<Response, Failure> {
        self.start_poll()?.response()
    }

    /// Posts `body` as it stands.
    pub(crate) fn post(&self, body: impl Into<Vec<u8>>) -> Result<Response, Failure> {
        self.peer.request(&self.peer.posting(&self.query(), body))
    }

    /// Posts packets, which have to be taken.
    pub(crate) fn send(&self, packets: &[&str]) -> Check {
        self.post(self.dialect.encode(packets))?
            .expect_ok()
            .map(drop)
    }

    /// Polls until as many packets as expected have come and compares them. Pings are answered and
    /// not counted: they may fall into any payload.
    pub(crate) fn expect(&self, packets: &[&str]) -> Check {
        let mut received = Vec::new();
        while received.len() < packets.len() {
            received.extend(self.receive()?);
        }
        ensure(received == packets, shown(packets), shown(&received))
    }

    /// The packets of one GET, pings answered and left out.
    pub(crate) fn receive(&self) -> Result<Vec<String>, Failure> {
        let response = self.poll()?.expect_status(200)?;
        let mut packets = self.dialect.decode(&response.body)?;
        let before = packets.len();
        packets.retain(|packet| !(self.dialect == Dialect::V4 && packet == "2"));
        if packets.len() < before {
            self.send(&["3"])?;
        }
        Ok(packets)
    }

    /// Opens a WebSocket for this session.
    pub(crate) fn websocket(&self) -> Result<WebSocket, Failure> {
        self.peer.websocket(&self.websocket_query())
    }

    /// Upgrades the session: probe, answer, a noop for the hanging GET, `5`.
    pub(crate) fn upgrade(&self) -> Result<WebSocket, Failure> {
        let hanging = self.start_poll()?;
        let mut socket = self.websocket()?;
        socket.send("2probe")?;
        socket.expect("3probe")?;
        hanging.response()?.expect_status(200)?;
        socket.send("5")?;
        Ok(socket)
    }

    /// The session works: a message comes back.
    pub(crate) fn expect_alive(&self) -> Check {
        self.send(&["4still here"])?;
        self.expect(&["4still here"])
    }

    /// The session is gone: code 1, at most after the noop and close packets of a graceful end.
    pub(crate) fn expect_gone(&self) -> Check {
        for _ in 0..3 {
            let response = self.poll()?;
            if response.status != 200 {
                return response.expect_code(1).map(drop);
            }
            let packets = self.dialect.decode(&response.body)?;
            let ending = packets.iter().all(|packet| packet == "6" || packet == "1");
            ensure(ending, "the end of the session", response.to_string())?;
        }
        Err(Failure::new(
            "status 400, code 1",
            "one close packet after the other",
        ))
    }
}

/// A list of packets for a message.
pub(crate) fn shown(packets: &[impl AsRef<str>]) -> String {
    let packets: Vec<String> = packets
        .iter()
        .map(|packet| printable(packet.as_ref().as_bytes()))
        .collect();
    format!("the packets [{}]", packets.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revision_4_separates_packets() {
        assert_eq!(Dialect::V4.encode(&["4a", "4b"]), "4a\u{1e}4b");
        assert_eq!(Dialect::V4.decode(b"4a\x1e4b").unwrap(), ["4a", "4b"]);
    }

    #[test]
    fn revision_3_counts_utf16_units() {
        let body = Dialect::V3Base64.encode(&["4€", "4😀", "4a"]);
        assert_eq!(body, "2:4€3:4😀2:4a");
        assert_eq!(
            Dialect::V3.decode(body.as_bytes()).unwrap(),
            ["4€", "4😀", "4a"]
        );
        assert!(Dialect::V3.decode("2:4😀".as_bytes()).is_err());
        assert!(Dialect::V3.decode(b"9:4a").is_err());
    }

    #[test]
    fn revision_3_binary_framing() {
        let body = b"\x00\x04\xff4\xe2\x82\xac\x01\x05\xff\x04\x01\x02\x03\x04";
        assert_eq!(Dialect::V3.decode(body).unwrap(), ["4€", "b0401020304"]);
        assert!(Dialect::V3.decode(&body[..body.len() - 1]).is_err());
    }

    #[test]
    fn an_open_packet_needs_a_sid() {
        assert_eq!(
            Handshake::parse(r#"0{"sid":"x","upgrades":[]}"#)
                .unwrap()
                .sid,
            "x"
        );
        assert!(Handshake::parse("0{}").is_err());
        assert!(Handshake::parse("4hello").is_err());
    }
}
