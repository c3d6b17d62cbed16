//! The msgpack parser: a whole packet is one binary message that holds a map (SIO5 6.8).
//!
//! A pure translation from and to the packets of the default parser, so that a driver puts it
//! between the session and a [`Connection`](crate::Connection), which knows nothing of it: all rules
//! and bounds for packets hold as they are. Wire-compatible with socket.io-msgpack-parser 3.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod date;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::fmt::Write;

use bytes::Bytes;
use engineio_proto::{Data, Entry, Text};

use self::read::{Item, Reader};
use crate::{PacketError, PacketType, grammar, json};

/// Translates a message from a client. Bytes in it become attachments, copied, as the message may hold much else.
///
/// ```
/// use socketio_proto::msgpack;
///
/// // {"type":2,"nsp":"/","data":["a",1]}
/// let message = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a\x01";
/// let packet = msgpack::decode(&message.as_slice().into())?;
/// assert_eq!(packet.head().as_bytes(), r#"2["a",1]"#);
/// # Ok::<(), socketio_proto::PacketError>(())
/// ```
///
/// # Errors
///
/// [`PacketError`] for everything but a map with an integer `type` of 0 to 4, a string `nsp` and,
/// if at all, an integer `id`, and for values that JSON has no form for. Whether `data` fits the
/// type shows when the packet is read.
pub fn decode(message: &Bytes) -> Result<Entry, PacketError> {
    let mut reader = Reader::new(message);
    let fields = Fields::read(&mut reader)?;
    let attachments = reader.finish()?;
    fields.refuse_foreign_placeholders(attachments.len())?;
    let head = fields.into_text(attachments.len())?;
    Ok(Entry::with_attachments(head, attachments))
}

/// Translates a packet for a client.
///
/// # Errors
///
/// [`PacketError`] if the text is no packet, or if its JSON has what only raw JSON can hold: a
/// surrogate that stands alone, or a number beyond the range of a double.
pub fn encode(packet: &Entry) -> Result<Bytes, PacketError> {
    let Data::Text(text) = packet.head() else {
        return Err(PacketError::UnknownType);
    };
    let header = grammar::packet(text)?;
    let kind = match header.kind {
        PacketType::BinaryEvent => PacketType::Event,
        PacketType::BinaryAck => PacketType::Ack,
        kind => kind,
    };
    write::packet(&header, kind, packet.attachments())
}

/// Translates a single value that is no packet into JSON.
///
/// ```
/// use socketio_proto::msgpack;
///
/// let value = b"\x81\xa1a\x92\x01\xcb\x3f\xf8\0\0\0\0\0\0".as_slice().into();
/// assert_eq!(msgpack::to_json(&value)?, r#"{"a":[1,1.5]}"#);
/// # Ok::<(), socketio_proto::PacketError>(())
/// ```
///
/// # Errors
///
/// [`PacketError`] for what is no value or nested deeper than 64, and for bytes: JSON has no form for
/// them, and no attachments.
pub fn to_json(value: &Bytes) -> Result<String, PacketError> {
    let mut reader = Reader::new(value);
    let json = reader.json()?;
    if reader.finish()?.is_empty() {
        Ok(json)
    } else {
        Err(PacketError::Json)
    }
}

/// Translates JSON that is no packet into a single value.
///
/// ```
/// use socketio_proto::msgpack;
///
/// let value = msgpack::from_json(r#"{"a":[1,true]}"#)?;
/// assert_eq!(value, b"\x81\xa1a\x92\x01\xc3".as_slice());
/// # Ok::<(), socketio_proto::PacketError>(())
/// ```
///
/// # Errors
///
/// [`PacketError`] if the text is no JSON, or has what only raw JSON can hold: a surrogate that stands
/// alone, or a number beyond the range of a double.
pub fn from_json(json: &str) -> Result<Bytes, PacketError> {
    let mut out = Vec::with_capacity(json.len());
    write::json(&mut out, json, &[])?;
    Ok(out.into())
}

/// The members of the map that count; others are passed over.
#[derive(Default)]
struct Fields {
    kind: Option<PacketType>,
    namespace: Option<String>,
    id: Option<u64>,
    /// As JSON.
    data: Option<String>,
}

impl Fields {
    fn read(reader: &mut Reader<'_>) -> Result<Self, PacketError> {
        let mut fields = Self::default();
        let Item::Map(members) = reader.item()? else {
            return Err(PacketError::Payload);
        };
        for _ in 0..members {
            let key = reader.key()?;
            if reader.skip_undefined() {
                continue;
            }
            match &*key {
                "type" => fields.kind = Some(kind(reader.item()?)?),
                "nsp" => fields.namespace = Some(namespace(reader.item()?)?),
                "id" => fields.id = Some(id(reader.item()?)?),
                "data" => fields.data = Some(reader.json()?),
                _ => drop(reader.json()?),
            }
        }
        Ok(fields)
    }

    /// A value that poses as a placeholder beside real bytes would be taken for one of them.
    fn refuse_foreign_placeholders(&self, attachments: usize) -> Result<(), PacketError> {
        let mut found: usize = 0;
        let count = |_| {
            found = found.saturating_add(1);
            Ok(())
        };
        let data = self.data.as_deref().unwrap_or_default();
        if attachments > 0 {
            json::placeholders(data, count)?;
        }
        if found == attachments {
            Ok(())
        } else {
            Err(PacketError::Placeholder)
        }
    }

    fn into_text(self, attachments: usize) -> Result<Text, PacketError> {
        let kind = match (self.kind.ok_or(PacketError::UnknownType)?, attachments) {
            (kind, 0) => kind,
            (PacketType::Event, _) => PacketType::BinaryEvent,
            (PacketType::Ack, _) => PacketType::BinaryAck,
            _ => return Err(PacketError::Payload),
        };
        let mut text = String::from(kind.digit());
        if attachments > 0 {
            write!(text, "{attachments}-").map_err(|_| PacketError::AttachmentCount)?;
        }
        let namespace = self.namespace.ok_or(PacketError::Namespace)?;
        if namespace != "/" {
            text.push_str(&namespace);
            text.push(',');
        }
        let data = self.data.unwrap_or_default();
        // No type carries a number, and behind an id it would read as more of its digits.
        if data.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(PacketError::Payload);
        }
        if let Some(id) = self.id {
            write!(text, "{id}").map_err(|_| PacketError::AckId)?;
        }
        text.push_str(&data);
        Ok(text.into())
    }
}

/// Packets are whole, so the two binary types do not exist here.
fn kind(item: Item<'_>) -> Result<PacketType, PacketError> {
    match item {
        Item::Unsigned(number) if number <= 4 => usize::try_from(number)
            .ok()
            .and_then(|index| PacketType::ALL.get(index).copied())
            .ok_or(PacketError::UnknownType),
        _ => Err(PacketError::UnknownType),
    }
}

/// A comma would end the name early in text, and no name has one.
fn namespace(item: Item<'_>) -> Result<String, PacketError> {
    match item {
        Item::Text(name) if name.starts_with('/') && !name.contains(',') => Ok(name.into_owned()),
        _ => Err(PacketError::Namespace),
    }
}

fn id(item: Item<'_>) -> Result<u64, PacketError> {
    match item {
        Item::Unsigned(number) => Ok(number),
        _ => Err(PacketError::AckId),
    }
}
