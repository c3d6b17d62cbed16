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
/// kind and length.
pub fn connection(data: &[u8]) {
    let Some((first, mut rest)) = data.split_first() else {
        return;
    };
    let now = now();
    let protocol = protocol(*first);
    let mut connection = Connection::open(now, protocol, Arc::new(Config::default()));
    let mut closed = settle(&mut connection, first & 2 == 0);
    while let Some((next, tail)) = message(rest) {
        let head = rest[0];
        rest = tail;
        connection.handle_message(now, next);
        assert!(
            !closed || connection.poll_output().is_none(),
            "nothing follows a close"
        );
        closed |= settle(&mut connection, head & 2 == 0);
    }
    assert!(!closed || connection.poll_timeout().is_none());
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

/// Drains the outputs, answering every CONNECT; true if the connection has closed.
fn settle(connection: &mut Connection, accept: bool) -> bool {
    let mut closed = false;
    while let Some(output) = connection.poll_output() {
        assert!(!closed, "nothing follows a close");
        match output {
            Output::Close(_) => closed = true,
            Output::Event(Event::Connect { namespace, .. }) => {
                answer(connection, &namespace, accept);
            }
            Output::Event(Event::Event { args, .. }) => {
                assert!(args.len_in_bytes() <= Config::default().max_attachment_bytes + 4096);
            }
            _ => {}
        }
    }
    closed
}

fn answer(connection: &mut Connection, namespace: &NamespaceName, accept: bool) {
    if accept {
        connection.accept(namespace, "id").expect("it asks");
    } else {
        connection.refuse(namespace, "no", None);
    }
}
