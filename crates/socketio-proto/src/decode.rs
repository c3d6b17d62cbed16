//! From the text of a packet to what it says: the rules for the payload of each type (SIO5 5).
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use engineio_proto::Text;

use crate::{
    Args, Body, EventName, NamespaceName, Packet, PacketError, PacketType, Protocol,
    grammar::{self, Header},
    json,
    packet::RESERVED,
};

impl Packet {
    /// Reads a packet that has no attachments.
    ///
    /// # Errors
    ///
    /// [`PacketError`] for whatever breaks the grammar, and [`PacketError::AttachmentCount`] for a
    /// packet with attachments, which take a [`Connection`](crate::Connection).
    pub fn decode(protocol: Protocol, text: &Text) -> Result<Self, PacketError> {
        let header = grammar::packet(text)?;
        let namespace = header.namespace;
        let namespace = NamespaceName::parse(namespace).map_err(|_| PacketError::Namespace)?;
        let body = body(protocol, text, &header)?;
        match header.attachments {
            0 => Ok(Self { namespace, body }),
            _ => Err(PacketError::AttachmentCount),
        }
    }
}

/// Reads the payload of a packet whose header is known, without the attachments that it announces.
/// `text` is the whole packet.
pub(crate) fn body(
    protocol: Protocol,
    text: &Text,
    header: &Header<'_>,
) -> Result<Body, PacketError> {
    let payload = header.payload;
    match header.kind {
        PacketType::Connect => Ok(Body::Connect(connect(protocol, text, payload)?)),
        PacketType::Disconnect => disconnect(protocol, payload),
        PacketType::ConnectError => Ok(Body::ConnectError(slice(text, payload))),
        PacketType::Event | PacketType::BinaryEvent => event(protocol, text, header),
        PacketType::Ack | PacketType::BinaryAck => ack(text, header),
    }
}

/// Absent or an object; protocol 4 puts its data into the namespace and ignores a payload.
fn connect(protocol: Protocol, text: &Text, payload: &str) -> Result<Option<Text>, PacketError> {
    if protocol == Protocol::V4 || payload.is_empty() {
        return Ok(None);
    }
    json::check(payload)?;
    match payload.trim_ascii_start().starts_with('{') {
        true => Ok(slice(text, payload)),
        false => Err(PacketError::Payload),
    }
}

fn disconnect(protocol: Protocol, payload: &str) -> Result<Body, PacketError> {
    match protocol {
        Protocol::V5 if !payload.is_empty() => Err(PacketError::Payload),
        _ => Ok(Body::Disconnect),
    }
}

/// An array that begins with a name. A missing payload is an error (SIO5 11).
fn event(protocol: Protocol, text: &Text, header: &Header<'_>) -> Result<Body, PacketError> {
    if header.payload.is_empty() {
        return Err(PacketError::Payload);
    }
    let array = json::array(header.payload)?;
    let name = event_name(text, array.first.ok_or(PacketError::Payload)?)?;
    if protocol == Protocol::V5 && is_reserved(&name) {
        return Err(PacketError::ReservedName);
    }
    let list = part(text, array.rest());
    Ok(Body::Event {
        name,
        args: Args::new(list, array.count.saturating_sub(1)),
        ack: header.ack,
    })
}

/// A string or a number, which then names the same event as its decimal form.
fn event_name(text: &Text, raw: &str) -> Result<EventName, PacketError> {
    let name = match raw.as_bytes() {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => {
            let end = raw.len().saturating_sub(1);
            part(text, raw.get(1..end).unwrap_or_default())
        }
        [b'"', ..] => {
            let name: String = serde_json::from_str(raw).map_err(|_| PacketError::EventName)?;
            name.into()
        }
        [b'-' | b'0'..=b'9', ..] => part(text, raw),
        _ => return Err(PacketError::EventName),
    };
    if name.as_bytes().len() > EventName::MAX_LEN {
        return Err(PacketError::EventName);
    }
    Ok(EventName::new(name))
}

/// True for a name that a client may not send; in protocol 4 such an event is ignored (SIO4 6.4).
pub(crate) fn is_reserved(name: &EventName) -> bool {
    RESERVED.contains(&name.as_str())
}

/// An array. A missing payload is an answer that nobody can use, and ignored (SIO5 11).
fn ack(text: &Text, header: &Header<'_>) -> Result<Body, PacketError> {
    let id = header.ack;
    if header.payload.is_empty() {
        return Ok(Body::Ack { id, args: None });
    }
    let array = json::array(header.payload)?;
    let args = Some(Args::new(part(text, array.list), array.count));
    Ok(Body::Ack { id, args })
}

fn slice(text: &Text, payload: &str) -> Option<Text> {
    (!payload.is_empty()).then(|| part(text, payload))
}

/// A part of a packet that may be kept for long. It shares the packet's memory, unless it is the
/// smaller part of a large packet: what is counted is the part, and the packet would live with it.
fn part(text: &Text, part: &str) -> Text {
    if text.len() <= SMALL || part.len() > text.len() / 2 {
        text.slice_ref(part)
    } else {
        Text::from(part)
    }
}

/// Bytes of a packet that may be kept for the least of its parts.
const SMALL: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// True if a part lies in the packet itself.
    fn shares(part: &str, packet: &Text) -> bool {
        let packet = packet.as_bytes().as_ptr_range();
        packet.contains(&part.as_ptr())
    }

    fn event(packet: &Text) -> (EventName, Args) {
        match Packet::decode(Protocol::V5, packet).unwrap().body {
            Body::Event { name, args, .. } => (name, args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_small_part_keeps_a_large_packet() {
        let blanks = " ".repeat(900_000);
        for text in [
            format!("2[{blanks}\"a\",1]"),
            format!("2[\"a\",1{blanks}]"),
            format!("2/,[\"a\"{blanks},1]"),
        ] {
            let packet = Text::from(text.as_str());
            let (name, args) = event(&packet);
            assert_eq!((name.as_str(), args.raw(0)), ("a", Some("1")));
            assert!(!shares(name.as_str(), &packet) && !shares(args.raw(0).unwrap(), &packet));
        }
    }

    #[test]
    fn large_parts_and_small_packets_are_shared() {
        let large = Text::from(format!("2[\"a\",\"{}\"]", "x".repeat(900_000)).as_str());
        assert!(shares(event(&large).1.raw(0).unwrap(), &large));
        let small = Text::from("2[\"a\",1]");
        assert!(shares(event(&small).0.as_str(), &small));
    }
}
