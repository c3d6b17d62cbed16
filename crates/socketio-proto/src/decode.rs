//! From the text of a packet to what it says: the rules for the payload of each type (SIO5 5).
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use bytes::Bytes;
use engineio_proto::Text;

use crate::{
    AckId, Args, Body, EventName, NamespaceName, Packet, PacketError, PacketType, Protocol,
    grammar::{self, Header},
    json::{self, Kind},
    packet::RESERVED,
};

/// An event or answer before its attachments are known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Announced {
    Event {
        name: EventName,
        list: Text,
        ack: Option<AckId>,
    },
    Ack {
        id: Option<AckId>,
        list: Option<Text>,
    },
}

/// What the text of a packet says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decoded {
    Whole(Body),
    /// Attachments follow.
    Announced {
        packet: Announced,
        count: usize,
    },
}

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
        match body(protocol, text, &header)? {
            Decoded::Whole(body) => Ok(Self { namespace, body }),
            Decoded::Announced { .. } => Err(PacketError::AttachmentCount),
        }
    }
}

/// Reads the payload of a packet whose header is known. `text` is the whole packet.
pub(crate) fn body(
    protocol: Protocol,
    text: &Text,
    header: &Header<'_>,
) -> Result<Decoded, PacketError> {
    let payload = header.payload;
    let whole = match header.kind {
        PacketType::Connect => Body::Connect(connect(protocol, text, payload)?),
        PacketType::Disconnect => disconnect(protocol, payload)?,
        PacketType::ConnectError => Body::ConnectError(slice(text, payload)),
        PacketType::Event => event(protocol, text, header)?.with(Vec::new()),
        PacketType::Ack => ack(text, header)?.with(Vec::new()),
        PacketType::BinaryEvent => {
            let packet = event(protocol, text, header)?;
            return Ok(Decoded::Announced {
                packet,
                count: header.attachments,
            });
        }
        PacketType::BinaryAck => {
            let packet = ack(text, header)?;
            return Ok(Decoded::Announced {
                packet,
                count: header.attachments,
            });
        }
    };
    Ok(Decoded::Whole(whole))
}

/// Absent or an object; protocol 4 puts its data into the namespace and ignores a payload.
fn connect(protocol: Protocol, text: &Text, payload: &str) -> Result<Option<Text>, PacketError> {
    if protocol == Protocol::V4 || payload.is_empty() {
        return Ok(None);
    }
    match json::check(payload)? {
        Kind::Object => Ok(slice(text, payload)),
        _ => Err(PacketError::Payload),
    }
}

fn disconnect(protocol: Protocol, payload: &str) -> Result<Body, PacketError> {
    match protocol {
        Protocol::V5 if !payload.is_empty() => Err(PacketError::Payload),
        _ => Ok(Body::Disconnect),
    }
}

/// An array that begins with a name. A missing payload is an error (SIO5 11).
fn event(protocol: Protocol, text: &Text, header: &Header<'_>) -> Result<Announced, PacketError> {
    if header.payload.is_empty() {
        return Err(PacketError::Payload);
    }
    let array = json::array(header.payload)?;
    let first = array.first.and_then(|first| header.payload.get(first));
    let name = event_name(text, first.ok_or(PacketError::Payload)?)?;
    if protocol == Protocol::V5 && is_reserved(&name) {
        return Err(PacketError::ReservedName);
    }
    Ok(Announced::Event {
        name,
        list: list(text, header.payload.get(array.rest)),
        ack: header.ack,
    })
}

/// A string or a number, which then names the same event as its decimal form.
fn event_name(text: &Text, raw: &str) -> Result<EventName, PacketError> {
    let name = match raw.as_bytes() {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => {
            let end = raw.len().saturating_sub(1);
            text.slice_ref(raw.get(1..end).unwrap_or_default())
        }
        [b'"', ..] => {
            let name: String = serde_json::from_str(raw).map_err(|_| PacketError::EventName)?;
            name.into()
        }
        [b'-' | b'0'..=b'9', ..] => text.slice_ref(raw),
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
fn ack(text: &Text, header: &Header<'_>) -> Result<Announced, PacketError> {
    let id = header.ack;
    if header.payload.is_empty() {
        return Ok(Announced::Ack { id, list: None });
    }
    let array = json::array(header.payload)?;
    let list = list(text, header.payload.get(array.inner));
    let list = Some(list);
    Ok(Announced::Ack { id, list })
}

/// Arguments without brackets. Without blanks around them an empty list is empty, and others can be
/// put before and behind it.
fn list(text: &Text, list: Option<&str>) -> Text {
    let list = list.unwrap_or_default();
    text.slice_ref(list.trim_matches([' ', '\t', '\n', '\r']))
}

fn slice(text: &Text, payload: &str) -> Option<Text> {
    (!payload.is_empty()).then(|| text.slice_ref(payload))
}

impl Announced {
    /// Its arguments without their attachments.
    pub(crate) fn list(&self) -> &str {
        match self {
            Self::Event { list, .. } => list,
            Self::Ack { list, .. } => list.as_deref().unwrap_or_default(),
        }
    }

    /// The whole, once its attachments are there.
    pub(crate) fn with(self, attachments: Vec<Bytes>) -> Body {
        match self {
            Self::Event { name, list, ack } => Body::Event {
                name,
                args: Args::new(list, attachments),
                ack,
            },
            Self::Ack { id, list } => Body::Ack {
                id,
                args: list.map(|list| Args::new(list, attachments)),
            },
        }
    }
}
