//! Socket.IO sockets seen from the client, over one WebSocket.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::Peer;
use super::engineio::{Dialect, Polling, shown};
use super::websocket::{Received, WebSocket};
use crate::case::{Check, Failure, ensure};

/// A packet taken apart, so that two spellings of the same JSON compare equal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Packet {
    pub(crate) kind: char,
    attachments: Option<String>,
    pub(crate) namespace: String,
    pub(crate) id: Option<String>,
    pub(crate) data: Option<Value>,
}

impl Packet {
    /// Reads `<type>[<attachments>-][<namespace>,][<id>][<JSON>]`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let kind = text
            .chars()
            .next()
            .filter(|kind| ('0'..='6').contains(kind))?;
        let mut rest = text.get(1..)?;
        let mut attachments = None;
        if matches!(kind, '5' | '6') {
            let (count, after) = rest.split_once('-')?;
            (attachments, rest) = (Some(count.to_owned()), after);
        }
        let mut namespace = "/";
        if rest.starts_with('/') {
            (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (id, json) = rest.split_at(digits);
        let id = Some(id.to_owned()).filter(|id| !id.is_empty());
        let data = match json {
            "" => None,
            json => Some(serde_json::from_str(json).ok()?),
        };
        Some(Self {
            kind,
            attachments,
            namespace: namespace.to_owned(),
            id,
            data,
        })
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "4{}", self.kind)?;
        if let Some(count) = &self.attachments {
            write!(f, "{count}-")?;
        }
        if self.namespace != "/" {
            write!(f, "{},", self.namespace)?;
        }
        write!(f, "{}", self.id.as_deref().unwrap_or_default())?;
        self.data
            .as_ref()
            .map_or(Ok(()), |data| write!(f, "{data}"))
    }
}

/// A client of the Socket.IO fixture on a WebSocket.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) transport: WebSocket,
    /// The Engine.IO session id.
    pub(crate) session: String,
    /// Socket id of the root namespace; empty on revision 3, where it is not sent.
    pub(crate) id: String,
}

impl Peer {
    /// A client of protocol 5 that has joined the root namespace.
    pub(crate) fn socket(&self) -> Result<Socket, Failure> {
        let mut socket = self.unjoined()?;
        socket.id = socket.join("0", "{}")?;
        Ok(socket)
    }

    /// A client of protocol 5 that has not joined anything.
    pub(crate) fn unjoined(&self) -> Result<Socket, Failure> {
        self.unjoined_with("")
    }

    /// As [`Self::unjoined`], with `extra` (starting with `&`) added to the query.
    pub(crate) fn unjoined_with(&self, extra: &str) -> Result<Socket, Failure> {
        let (handshake, transport) = self.open_websocket_with(Dialect::V4, extra)?;
        Ok(Socket {
            transport,
            session: handshake.sid,
            id: String::new(),
        })
    }

    /// A client of protocol 5 on the polling transport that has joined the root namespace.
    pub(crate) fn join_by_polling(&self) -> Result<Polling<'_>, Failure> {
        self.join_by_polling_with("")
    }

    /// As [`Self::join_by_polling`], with `extra` added to the query.
    pub(crate) fn join_by_polling_with(&self, extra: &str) -> Result<Polling<'_>, Failure> {
        let session = self.open_with(Dialect::V4, extra)?;
        session.send(&["40"])?;
        let mut packets = Vec::new();
        while packets.len() < 2 {
            packets.extend(session.receive()?);
        }
        let joined = packets[0].starts_with("40{") && packets[1].starts_with(r#"42["auth""#);
        ensure(joined, "CONNECT and auth", shown(&packets))?;
        Ok(session)
    }

    /// A client of protocol 4: the server joins it to the root namespace by itself.
    pub(crate) fn socket_v4(&self) -> Result<Socket, Failure> {
        self.socket_v4_with("")
    }

    /// As [`Self::socket_v4`], with `extra` added to the query.
    pub(crate) fn socket_v4_with(&self, extra: &str) -> Result<Socket, Failure> {
        let (handshake, transport) = self.open_websocket_with(Dialect::V3, extra)?;
        let mut socket = Socket {
            transport,
            session: handshake.sid,
            id: String::new(),
        };
        socket.transport.expect("40")?;
        socket.expect_event("auth")?;
        Ok(socket)
    }
}

impl Socket {
    /// Sends a Socket.IO packet in an Engine.IO message.
    pub(crate) fn send(&mut self, packet: &str) -> Check {
        self.transport.send(&format!("4{packet}"))
    }

    pub(crate) fn send_binary(&mut self, bytes: &[u8]) -> Check {
        self.transport.send_binary(bytes)
    }

    /// Sends CONNECT and returns the socket id; `auth` is what the fixture must have received.
    pub(crate) fn join(&mut self, connect: &str, auth: &str) -> Result<String, Failure> {
        self.send(connect)?;
        let id = self.expect_connect()?;
        let event = self.expect_event("auth")?;
        let auth: Value = serde_json::from_str(auth).unwrap_or_default();
        let received = event.data.as_ref().and_then(|data| data.get(1)).cloned();
        let received = received.unwrap_or_default();
        ensure(
            received == auth,
            format!("the auth object {auth}"),
            received.to_string(),
        )?;
        Ok(id)
    }

    /// The answer to a CONNECT that was accepted; returns the socket id.
    pub(crate) fn expect_connect(&mut self) -> Result<String, Failure> {
        let packet = self.receive()?;
        let id = packet
            .data
            .as_ref()
            .and_then(|data| data.get("sid"))
            .and_then(Value::as_str);
        match id {
            Some(id) if packet.kind == '0' => Ok(id.to_owned()),
            _ => Err(Failure::new("CONNECT with a sid", packet.to_string())),
        }
    }

    /// The next packet, which has to be an event of this name.
    pub(crate) fn expect_event(&mut self, name: &str) -> Result<Packet, Failure> {
        let packet = self.receive()?;
        let first = packet
            .data
            .as_ref()
            .and_then(|data| data.get(0))
            .and_then(Value::as_str);
        let matches = matches!(packet.kind, '2' | '5') && first == Some(name);
        ensure(matches, format!("the event {name}"), packet.to_string())?;
        Ok(packet)
    }

    /// The next packet, which has to equal this one but for the spelling of its JSON.
    pub(crate) fn expect(&mut self, packet: &str) -> Check {
        let received = self.receive()?;
        let matches = Packet::parse(packet).is_some_and(|expected| expected == received);
        ensure(
            matches,
            format!("the packet 4{packet}"),
            received.to_string(),
        )
    }

    pub(crate) fn expect_binary(&mut self, bytes: &[u8]) -> Check {
        self.transport.expect_binary(bytes)
    }

    /// The next text message as a packet.
    pub(crate) fn receive(&mut self) -> Result<Packet, Failure> {
        let received = self.transport.receive()?;
        let packet = match &received {
            Received::Text(text) => text.strip_prefix('4').and_then(Packet::parse),
            _ => None,
        };
        packet.ok_or_else(|| Failure::new("a Socket.IO packet", received.to_string()))
    }

    /// The next packet as text, and its JSON with the attachments that follow it as hex digits in
    /// the places of their placeholders.
    pub(crate) fn receive_with_attachments(&mut self) -> Result<(String, Value), Failure> {
        let received = self.transport.receive()?;
        let broken = || Failure::new("a packet with attachments", received.to_string());
        let Received::Text(text) = &received else {
            return Err(broken());
        };
        let packet = text
            .strip_prefix('4')
            .and_then(Packet::parse)
            .ok_or_else(broken)?;
        let count = packet
            .attachments
            .map_or(Ok(0), |count| count.parse::<usize>());
        let mut attachments = Vec::new();
        for _ in 0..count.map_err(|_| broken())? {
            match self.transport.receive()? {
                Received::Binary(bytes) => attachments.push(bytes),
                other => return Err(Failure::new("an attachment", other.to_string())),
            }
        }
        Ok((
            text.clone(),
            resolved(packet.data.unwrap_or_default(), &attachments),
        ))
    }

    /// The server ends the session.
    pub(crate) fn expect_closed(&mut self) -> Check {
        self.transport.expect_closed().map(drop)
    }

    pub(crate) fn expect_silence(&mut self, duration: Duration) -> Check {
        self.transport.expect_silence(duration)
    }

    /// The root namespace works: an event comes back, with nothing before it.
    pub(crate) fn expect_alive(&mut self) -> Check {
        self.send(r#"2["message","still here"]"#)?;
        self.expect(r#"2["message-back","still here"]"#)
    }
}

/// Replaces each placeholder that has an attachment by its hex digits.
fn resolved(value: Value, attachments: &[Vec<u8>]) -> Value {
    match value {
        Value::Array(list) => list
            .into_iter()
            .map(|item| resolved(item, attachments))
            .collect(),
        Value::Object(map) if map.get("_placeholder") == Some(&Value::Bool(true)) => {
            let num = map
                .get("num")
                .and_then(Value::as_u64)
                .map(|num| num as usize);
            match num.and_then(|num| attachments.get(num)) {
                Some(bytes) => bytes
                    .iter()
                    .map(|b| format!("{b:02x}"))
                    .collect::<String>()
                    .into(),
                None => Value::Object(map),
            }
        }
        Value::Object(map) => map
            .into_iter()
            .map(|(key, item)| (key, resolved(item, attachments)))
            .collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_taken_apart() {
        let packet = Packet::parse(r#"52-/custom,17["x",{"_placeholder":true,"num":0}]"#).unwrap();
        assert_eq!(packet.kind, '5');
        assert_eq!(packet.attachments.as_deref(), Some("2"));
        assert_eq!(
            (packet.namespace.as_str(), packet.id.as_deref()),
            ("/custom", Some("17"))
        );
        assert!(packet.data.unwrap().is_array());
    }

    #[test]
    fn spelling_of_json_does_not_matter() {
        assert_eq!(
            Packet::parse(r#"2["a",{"b":1}]"#),
            Packet::parse(r#"2[ "a", {"b" : 1}]"#)
        );
        assert_ne!(Packet::parse(r#"2["a"]"#), Packet::parse(r#"20["a"]"#));
        assert_eq!(Packet::parse("0/custom"), Packet::parse("0/custom,"));
    }

    #[test]
    fn placeholders_are_resolved() {
        let value = serde_json::json!([{"a": {"_placeholder": true, "num": 0}}, {"num": 0}]);
        let expected = serde_json::json!([{"a": "01ff"}, {"num": 0}]);
        assert_eq!(resolved(value, &[vec![1, 0xff]]), expected);
    }

    #[test]
    fn broken_packets_are_refused() {
        for text in ["", "7", "2[", "51[]", "abc"] {
            assert_eq!(Packet::parse(text), None, "{text}");
        }
    }
}
