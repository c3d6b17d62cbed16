//! The bodies of the fuzz targets. Each takes arbitrary bytes and panics if a promise is broken.
//!
//! They are functions here so that the stable test run replays them, too.

mod attachments;
mod receiver;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use engineio_proto::{Data, Text};

use crate::{
    Args, Body, Config, Connection, Event, NamespaceName, Output, Packet, Protocol, encode_ack,
    encode_event, json, msgpack,
};

pub use attachments::attachments;

/// The text of a packet: what is read is written and read again the same.
pub fn packet(data: &[u8]) {
    let Ok(text) = Text::from_utf8(Bytes::copy_from_slice(data)) else {
        return;
    };
    for protocol in [Protocol::V4, Protocol::V5] {
        let Ok(packet) = Packet::decode(protocol, &text) else {
            continue;
        };
        let written = match &packet.body {
            Body::Event { name, args, ack } => {
                encode_event(&packet.namespace, name.as_str(), args, *ack).ok()
            }
            Body::Ack {
                id: Some(id),
                args: Some(args),
            } => Some(encode_ack(&packet.namespace, *id, args)),
            _ => None,
        };
        let Some(Data::Text(text)) = written.map(|entry| entry.head().clone()) else {
            continue;
        };
        let again = Packet::decode(protocol, &text).expect("what was written reads");
        assert!(same(&again.body, &packet.body), "{again:?} {packet:?}");
    }
}

/// Blanks around arguments may go, their texts may not change.
fn same(one: &Body, other: &Body) -> bool {
    let args = |body: &Body| match body {
        Body::Event { args, .. }
        | Body::Ack {
            args: Some(args), ..
        } => args.clone(),
        _ => Args::default(),
    };
    args(one).iter().eq(args(other).iter())
}

/// Raw JSON: agrees with serde_json on what is JSON, up to the depth limit and what only raw values
/// may hold.
pub fn json_scan(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let ours = json::check(text);
    let value = serde_json::from_str::<serde_json::Value>(text);
    if value.is_ok() && ours != Err(crate::PacketError::Depth) {
        assert!(ours.is_ok(), "{text:?}");
    }
    if ours.is_ok() {
        let raw = serde_json::from_str::<&serde_json::value::RawValue>(text);
        assert!(raw.is_ok() || value.is_ok(), "{text:?}");
    }
}

/// A message of the msgpack parser: its translation is JSON, and translating back and forth again
/// changes nothing.
pub fn msgpack_message(data: &[u8]) {
    let Ok(packet) = msgpack::decode(&Bytes::copy_from_slice(data)) else {
        return;
    };
    let written = msgpack::encode(&packet).expect("what was read is written");
    assert_eq!(msgpack::decode(&written).as_ref(), Ok(&packet));
    let Data::Text(text) = packet.head() else {
        panic!("packets are text");
    };
    let read = Packet::decode(Protocol::V5, text);
    assert_ne!(read, Err(crate::PacketError::Json), "{text:?}");
}

/// A whole connection, driven by messages that the bytes describe: the first byte of each names its
/// kind and length, the first of all the protocol and whether the application takes its time.
pub fn connection(data: &[u8]) {
    let Some((first, mut rest)) = data.split_first() else {
        return;
    };
    let now = now();
    let connection = Connection::open(now, protocol(*first), Arc::new(Config::default()));
    let mut host = Host {
        connection,
        asked: Vec::new(),
        pace: if first & 4 == 0 {
            Pace::AtOnce
        } else {
            Pace::Late
        },
        closed: false,
    };
    host.settle(*first);
    while let Some((next, tail)) = message(rest) {
        let head = rest[0];
        rest = tail;
        host.connection.handle_message(now, next);
        host.settle(head);
    }
    assert!(!host.closed || host.connection.poll_timeout().is_none());
}

/// What a driver and its application do.
struct Host {
    connection: Connection,
    /// Namespaces that the client asks for, to be answered.
    asked: Vec<NamespaceName>,
    pace: Pace,
    closed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// Every question is answered before the next message.
    AtOnce,
    /// The client may take its question back, and ask again.
    Late,
}

impl Host {
    /// Drains the outputs and answers what is asked, as a bit of the message's first byte says.
    fn settle(&mut self, head: u8) {
        let choice = head & 2 == 0;
        self.drain();
        while self.pace == Pace::AtOnce || choice {
            let Some(namespace) = self.asked.pop() else {
                return;
            };
            self.answer(&namespace, choice);
            self.drain();
        }
    }

    fn answer(&mut self, namespace: &NamespaceName, accept: bool) {
        if !accept {
            return self.connection.refuse(namespace, "no", None);
        }
        let accepted = self.connection.accept(namespace, "id");
        assert!(accepted.is_ok() || self.pace == Pace::Late, "it asks");
    }

    fn drain(&mut self) {
        while let Some(output) = self.connection.poll_output() {
            assert!(!self.closed, "nothing follows a close");
            match output {
                Output::Close(_) => {
                    self.closed = true;
                    self.asked.clear();
                }
                Output::Event(Event::Connect { namespace, .. }) => {
                    assert!(!self.asked.contains(&namespace), "asked twice");
                    self.asked.push(namespace);
                }
                Output::Event(Event::Event { args, .. }) => {
                    assert!(args.len_in_bytes() <= Config::default().max_attachment_bytes + 4096);
                }
                _ => {}
            }
        }
    }
}

/// The first message that bytes describe, and the bytes behind it.
fn message(data: &[u8]) -> Option<(Data, &[u8])> {
    let (head, tail) = data.split_first()?;
    let (body, tail) = tail.split_at(tail.len().min(usize::from(head >> 1)));
    let body = Bytes::copy_from_slice(body);
    let message = match Text::from_utf8(body.clone()) {
        Ok(text) if head & 1 == 0 => Data::Text(text),
        _ => Data::Binary(body),
    };
    Some((message, tail))
}

fn protocol(choice: u8) -> Protocol {
    if choice & 1 == 0 {
        Protocol::V4
    } else {
        Protocol::V5
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "any instant will do; it moves only as the target says"
)]
fn now() -> Instant {
    Instant::now()
}
