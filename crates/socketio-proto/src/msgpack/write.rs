//! JSON text written as msgpack values.

use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::{PacketError, PacketType, grammar::Header};

/// A packet as the map that socket.io-msgpack-parser writes.
pub(super) fn packet(
    header: &Header<'_>,
    kind: PacketType,
    attachments: &[Bytes],
) -> Result<Bytes, PacketError> {
    let has_data = !header.payload.is_empty();
    let members = 2_u8
        .saturating_add(has_data.into())
        .saturating_add(header.ack.is_some().into());
    let mut out = vec![0x80 | members];
    text(&mut out, "type");
    out.push(kind as u8);
    text(&mut out, "nsp");
    text(&mut out, header.namespace);
    if has_data {
        text(&mut out, "data");
        json(&mut out, header.payload, attachments)?;
    }
    if let Some(id) = header.ack {
        text(&mut out, "id");
        unsigned(&mut out, id.number());
    }
    Ok(out.into())
}

pub(super) fn json(
    out: &mut Vec<u8>,
    json: &str,
    attachments: &[Bytes],
) -> Result<(), PacketError> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let value = Value { out, attachments };
    value
        .deserialize(&mut reader)
        .map_err(|_| PacketError::Json)?;
    reader.end().map_err(|_| PacketError::Json)
}

/// Writes one value to the end of `out`.
struct Value<'o, 'a> {
    out: &'o mut Vec<u8>,
    attachments: &'a [Bytes],
}

/// What an object needs to know of a member's value to see that it is a placeholder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    True,
    Number(u64),
    Other,
}

impl Value<'_, '_> {
    fn inner(&mut self) -> Value<'_, '_> {
        Value {
            out: self.out,
            attachments: self.attachments,
        }
    }

    /// The head of an array or map goes before what `start` marks, once its length is known.
    fn put_head(&mut self, start: usize, small: u8, large: u8, len: usize) {
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        let mut head = Vec::with_capacity(5);
        match u8::try_from(len) {
            Ok(len @ 0..=15) => head.push(small | len),
            _ => {
                head.push(large);
                head.extend(len.to_be_bytes());
            }
        }
        self.out.splice(start..start, head);
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = Written;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Written, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Written, E> {
        self.out.push(0xc0);
        Ok(Written::Other)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Written, E> {
        self.out.push(0xc2 | u8::from(value));
        Ok(if value { Written::True } else { Written::Other })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Written, E> {
        unsigned(self.out, value);
        Ok(Written::Number(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Written, E> {
        match i8::try_from(value) {
            Ok(small @ -32..) => self.out.extend(small.to_be_bytes()),
            _ => {
                self.out.push(0xd3);
                self.out.extend(value.to_be_bytes());
            }
        }
        Ok(Written::Other)
    }

    fn visit_f64<E>(self, value: f64) -> Result<Written, E> {
        self.out.push(0xcb);
        self.out.extend(value.to_be_bytes());
        Ok(Written::Other)
    }

    fn visit_str<E>(self, value: &str) -> Result<Written, E> {
        text(self.out, value);
        Ok(Written::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<Written, A::Error> {
        let start = self.out.len();
        let mut len: usize = 0;
        while elements.next_element_seed(self.inner())?.is_some() {
            len = len.saturating_add(1);
        }
        self.put_head(start, 0x90, 0xdd, len);
        Ok(Written::Other)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Written, A::Error> {
        let start = self.out.len();
        let mut len: usize = 0;
        let (mut is_placeholder, mut number) = (false, None);
        while let Some(key) = members.next_key::<String>()? {
            text(self.out, &key);
            let written = members.next_value_seed(self.inner())?;
            match (&*key, written) {
                ("_placeholder", written) => is_placeholder = written == Written::True,
                ("num", Written::Number(index)) => number = usize::try_from(index).ok(),
                ("num", _) => number = None,
                _ => {}
            }
            len = len.saturating_add(1);
        }
        let attachments = self.attachments;
        let attachment = number.and_then(|number| attachments.get(number));
        match attachment.filter(|_| is_placeholder) {
            Some(attachment) => {
                self.out.truncate(start);
                bytes(self.out, attachment);
            }
            None => self.put_head(start, 0x80, 0xdf, len),
        }
        Ok(Written::Other)
    }
}

fn unsigned(out: &mut Vec<u8>, value: u64) {
    match (u8::try_from(value), u32::try_from(value)) {
        (Ok(small @ 0..=0x7f), _) => out.push(small),
        (_, Ok(medium)) => {
            out.push(0xce);
            out.extend(medium.to_be_bytes());
        }
        _ => {
            out.push(0xcf);
            out.extend(value.to_be_bytes());
        }
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    match u8::try_from(text.len()) {
        Ok(len @ 0..=31) => out.push(0xa0 | len),
        _ => {
            out.push(0xdb);
            out.extend(length(text.len()));
        }
    }
    out.extend(text.as_bytes());
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(0xc6);
    out.extend(length(bytes.len()));
    out.extend(bytes);
}

/// A message beyond 4 GiB cannot come here: texts and attachments are bounded far below.
fn length(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes()
}
