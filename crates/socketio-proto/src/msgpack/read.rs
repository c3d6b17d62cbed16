//! msgpack values read into JSON text.

use std::borrow::Cow;

use bytes::Bytes;

use super::date;
use crate::{PacketError, json::MAX_DEPTH};

/// Reads values one behind the other; bytes become attachments, and placeholders stand for them.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    attachments: Vec<Bytes>,
}

/// One value, or the head of one that has others inside.
pub(super) enum Item<'a> {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    Array(u32),
    Map(u32),
    Extension(i8, &'a [u8]),
}

impl<'a> Reader<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self {
            rest: message,
            attachments: Vec::new(),
        }
    }

    /// The attachments of all that was read.
    ///
    /// # Errors
    ///
    /// [`PacketError::Json`] if something is left over.
    pub(super) fn finish(self) -> Result<Vec<Bytes>, PacketError> {
        if self.rest.is_empty() {
            Ok(self.attachments)
        } else {
            Err(PacketError::Json)
        }
    }

    /// The next value with all that is in it, as JSON.
    pub(super) fn json(&mut self) -> Result<String, PacketError> {
        let mut out = String::new();
        self.value(&mut out, 0)?;
        Ok(out)
    }

    /// The key of a map's member. Numbers name the same member as their decimal text.
    pub(super) fn key(&mut self) -> Result<Cow<'a, str>, PacketError> {
        match self.item()? {
            Item::Text(key) => Ok(key),
            Item::Unsigned(number) => Ok(number.to_string().into()),
            Item::Negative(number) => Ok(number.to_string().into()),
            _ => Err(PacketError::Json),
        }
    }

    /// Passes over JavaScript's `undefined`, which notepack writes as an extension of type 0 with
    /// one byte: the member is then not there.
    pub(super) fn skip_undefined(&mut self) -> bool {
        match self.rest {
            [0xd4, 0, _, rest @ ..] => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    pub(super) fn item(&mut self) -> Result<Item<'a>, PacketError> {
        let [head] = self.array()?;
        Ok(match head {
            0x00..=0x7f => Item::Unsigned(head.into()),
            0xe0..=0xff => Item::Negative(i8::from_be_bytes([head]).into()),
            0x80..=0x8f => Item::Map((head & 0x0f).into()),
            0x90..=0x9f => Item::Array((head & 0x0f).into()),
            0xa0..=0xbf => self.text(usize::from(head & 0x1f))?,
            0xc0 => Item::Nil,
            0xc2 | 0xc3 => Item::Bool(head == 0xc3),
            0xc4..=0xc6 => {
                let len = self.length(head & 3)?;
                Item::Bytes(self.take(len)?)
            }
            0xc7..=0xc9 => {
                let len = self.length(head.wrapping_sub(0xc7))?;
                self.extension(len)?
            }
            0xca => Item::Float(f32::from_be_bytes(self.array()?).into()),
            0xcb => Item::Float(f64::from_be_bytes(self.array()?)),
            0xcc => Item::Unsigned(u8::from_be_bytes(self.array()?).into()),
            0xcd => Item::Unsigned(u16::from_be_bytes(self.array()?).into()),
            0xce => Item::Unsigned(u32::from_be_bytes(self.array()?).into()),
            0xcf => Item::Unsigned(u64::from_be_bytes(self.array()?)),
            0xd0 => signed(i8::from_be_bytes(self.array()?).into()),
            0xd1 => signed(i16::from_be_bytes(self.array()?).into()),
            0xd2 => signed(i32::from_be_bytes(self.array()?).into()),
            0xd3 => signed(i64::from_be_bytes(self.array()?)),
            0xd4..=0xd8 => self.extension(1 << head.wrapping_sub(0xd4))?,
            0xd9..=0xdb => {
                let len = self.length(head.wrapping_sub(0xd9))?;
                self.text(len)?
            }
            0xdc => Item::Array(u16::from_be_bytes(self.array()?).into()),
            0xdd => Item::Array(u32::from_be_bytes(self.array()?)),
            0xde => Item::Map(u16::from_be_bytes(self.array()?).into()),
            0xdf => Item::Map(u32::from_be_bytes(self.array()?)),
            0xc1 => return Err(PacketError::Json),
        })
    }

    fn value(&mut self, out: &mut String, depth: usize) -> Result<(), PacketError> {
        match self.item()? {
            Item::Nil => out.push_str("null"),
            Item::Bool(true) => out.push_str("true"),
            Item::Bool(false) => out.push_str("false"),
            Item::Unsigned(number) => out.push_str(&number.to_string()),
            Item::Negative(number) => out.push_str(&number.to_string()),
            // What JSON has no form for is null, as in JavaScript.
            Item::Float(number) => out.push_str(&serde_json::Value::from(number).to_string()),
            Item::Text(text) => push_string(out, &text),
            Item::Bytes(bytes) => self.attach(out, bytes),
            Item::Array(len) => self.elements(out, len, deeper(depth)?)?,
            Item::Map(len) => self.members(out, len, deeper(depth)?)?,
            Item::Extension(0, [_]) => out.push_str("null"),
            Item::Extension(kind, data) => {
                let date = date::from_extension(kind, data).ok_or(PacketError::Payload)?;
                push_string(out, &date);
            }
        }
        Ok(())
    }

    fn elements(&mut self, out: &mut String, len: u32, depth: usize) -> Result<(), PacketError> {
        out.push('[');
        for index in 0..len {
            if index > 0 {
                out.push(',');
            }
            self.value(out, depth)?;
        }
        out.push(']');
        Ok(())
    }

    fn members(&mut self, out: &mut String, len: u32, depth: usize) -> Result<(), PacketError> {
        out.push('{');
        for _ in 0..len {
            let key = self.key()?;
            if self.skip_undefined() {
                continue;
            }
            if !out.ends_with('{') {
                out.push(',');
            }
            push_string(out, &key);
            out.push(':');
            self.value(out, depth)?;
        }
        out.push('}');
        Ok(())
    }

    fn attach(&mut self, out: &mut String, bytes: &[u8]) {
        let number = self.attachments.len();
        // A slice would keep the whole message alive, with members that nobody counts.
        self.attachments.push(Bytes::copy_from_slice(bytes));
        out.push_str(r#"{"_placeholder":true,"num":"#);
        out.push_str(&number.to_string());
        out.push('}');
    }

    /// JavaScript writes surrogates that stand alone as bytes that are no UTF-8: they are replaced.
    fn text(&mut self, len: usize) -> Result<Item<'a>, PacketError> {
        Ok(Item::Text(String::from_utf8_lossy(self.take(len)?)))
    }

    fn extension(&mut self, len: usize) -> Result<Item<'a>, PacketError> {
        let [kind] = self.array()?;
        Ok(Item::Extension(i8::from_be_bytes([kind]), self.take(len)?))
    }

    /// A length of 1, 2 or 4 bytes; nothing is allocated by it.
    fn length(&mut self, width: u8) -> Result<usize, PacketError> {
        Ok(match width {
            0 => u8::from_be_bytes(self.array()?).into(),
            1 => u16::from_be_bytes(self.array()?).into(),
            _ => {
                let len = u32::from_be_bytes(self.array()?);
                usize::try_from(len).map_err(|_| PacketError::Json)?
            }
        })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PacketError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(PacketError::Json)?;
        self.rest = rest;
        Ok(*head)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], PacketError> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(PacketError::Json)?;
        self.rest = rest;
        Ok(head)
    }
}

fn signed(number: i64) -> Item<'static> {
    u64::try_from(number).map_or(Item::Negative(number), Item::Unsigned)
}

fn deeper(depth: usize) -> Result<usize, PacketError> {
    if depth < MAX_DEPTH {
        Ok(depth.saturating_add(1))
    } else {
        Err(PacketError::Depth)
    }
}

fn push_string(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}
