//! One packet and its forms on the wire: text, binary WebSocket frame, base64 (EIO4 2.4, EIO3 3.2).
//!
//! Knows nothing of payloads, transports or sessions, and keeps nothing: the revision is an
//! argument, never guessed from the data.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    PacketError, Text, Version,
    websocket_frame::{DataFrame, Opcode},
};

mod base64;
mod grammar;
#[cfg(test)]
pub(crate) mod tests;

/// The seven packet types with the digit that stands for each (EIO4 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PacketType {
    /// The handshake, from the server.
    Open = 0,
    /// The end of the session, from either side.
    Close = 1,
    /// Heartbeat question: from the server in revision 4, from the client in revision 3.
    Ping = 2,
    /// Heartbeat answer.
    Pong = 3,
    /// Application data.
    Message = 4,
    /// The client moves to the transport that it probed.
    Upgrade = 5,
    /// Nothing: it only ends a poll.
    Noop = 6,
}

impl PacketType {
    /// The type that a number stands for, if any.
    pub fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Open),
            1 => Some(Self::Close),
            2 => Some(Self::Ping),
            3 => Some(Self::Pong),
            4 => Some(Self::Message),
            5 => Some(Self::Upgrade),
            6 => Some(Self::Noop),
            _ => None,
        }
    }

    /// The number, as the first byte of revision 3's binary packets.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The number as an ASCII digit, the first character of a packet in text form.
    pub const fn digit(self) -> u8 {
        // Never carries: the digits lie at 0x30 to 0x36.
        b'0' | self.number()
    }
}

/// What a message carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// UTF-8 text.
    Text(Text),
    /// Bytes.
    Binary(Bytes),
}

impl Data {
    /// Size of the content in bytes.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// True for an empty message, which is legal.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The content, whichever kind it is.
    pub fn as_bytes(&self) -> &Bytes {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The message as one whole WebSocket frame of a server.
    pub(crate) fn message_frame(&self, version: Version) -> DataFrame<'_> {
        match self {
            Self::Text(text) => DataFrame {
                opcode: Opcode::Text,
                kind: Some(PacketType::Message.digit()),
                content: text.as_bytes(),
            },
            Self::Binary(bytes) => binary_message(bytes, version),
        }
    }
}

/// A binary message as one whole WebSocket frame of a server.
pub(crate) fn binary_message(bytes: &[u8], version: Version) -> DataFrame<'_> {
    DataFrame {
        opcode: Opcode::Binary,
        kind: (version == Version::V3).then_some(PacketType::Message.number()),
        content: bytes,
    }
}

impl Packet {
    /// Copies a message out of the body of so many bytes that it came in, if it is the smaller part
    /// of a large one: whoever keeps the message would keep the whole body, and count the message
    /// alone.
    pub(crate) fn let_go(&mut self, body: usize) {
        let Self::Message(data) = self else {
            return;
        };
        if body <= SMALL || data.len() > body / 2 {
            return;
        }
        match data {
            Data::Text(text) => *text = Text::from(text.as_str()),
            Data::Binary(bytes) => *bytes = Bytes::copy_from_slice(bytes),
        }
    }
}

/// Bytes of a body that may be kept for the least of its messages.
const SMALL: usize = 1024;

impl From<Text> for Data {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<Bytes> for Data {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

/// One packet.
///
/// Data that a peer puts behind the types 1, 5 and 6 has no meaning and is dropped: `52` is an
/// upgrade (EIO4 2.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// The handshake: JSON text.
    Open(Text),
    /// The end of the session.
    Close,
    /// Heartbeat question, with the data that a probe carries.
    Ping(Text),
    /// Heartbeat answer.
    Pong(Text),
    /// Application data.
    Message(Data),
    /// The client moves to the transport that it probed.
    Upgrade,
    /// Nothing: it only ends a poll.
    Noop,
}

impl Packet {
    /// A message.
    pub fn message(data: impl Into<Data>) -> Self {
        Self::Message(data.into())
    }

    /// Reads a packet in text form: a WebSocket text frame, or one element of a payload. Its data
    /// shares the bytes of `text`.
    ///
    /// ```
    /// use engineio_proto::{Packet, Text, Version};
    ///
    /// let packet = Packet::decode_text(Version::V4, "4hello".into())?;
    /// assert_eq!(packet, Packet::message(Text::from("hello")));
    /// # Ok::<_, engineio_proto::PacketError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The peer is wrong if there is no type, an unknown one, or base64 that is none. Missing
    /// padding is no error (EIO4 2.8).
    pub fn decode_text(version: Version, text: Text) -> Result<Self, PacketError> {
        Self::decode_part(version, &text, text.as_str())
    }

    /// Reads a packet that is a part of `whole`.
    pub(crate) fn decode_part(
        version: Version,
        whole: &Text,
        part: &str,
    ) -> Result<Self, PacketError> {
        match grammar::packet(version, part)? {
            grammar::Form::Plain(kind, data) => Ok(Self::from_text(kind, || whole.slice_ref(data))),
            grammar::Form::Base64(kind, data) => Self::from_bytes(kind, base64::decode(data)?),
        }
    }

    /// Reads a WebSocket binary frame: in revision 4 a message, in revision 3 a type byte and its
    /// data. `None` means that the frame is to be ignored, as revision 3 does with an empty one and
    /// with unknown types (EIO4 2.9).
    ///
    /// # Errors
    ///
    /// The peer is wrong if a type of revision 3 that carries text has bytes that are not UTF-8.
    pub fn decode_binary(version: Version, frame: Bytes) -> Result<Option<Self>, PacketError> {
        match version {
            Version::V4 => Ok(Some(Self::message(frame))),
            Version::V3 => match Self::decode_typed(frame) {
                Ok(packet) => Ok(Some(packet)),
                Err(PacketError::Empty | PacketError::UnknownType) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// Reads a type byte and its data (EIO3 3.3).
    pub(crate) fn decode_typed(mut packet: Bytes) -> Result<Self, PacketError> {
        let &number = packet.first().ok_or(PacketError::Empty)?;
        let kind = PacketType::from_number(number).ok_or(PacketError::UnknownType)?;
        Self::from_bytes(kind, packet.split_off(1))
    }

    /// Writes the text form; a binary message becomes base64, always padded.
    pub fn encode_text(&self, version: Version, out: &mut BytesMut) {
        match self {
            Self::Message(Data::Binary(bytes)) => {
                out.put_u8(b'b');
                if version == Version::V3 {
                    out.put_u8(PacketType::Message.digit());
                }
                base64::encode(bytes, out);
            }
            _ => {
                out.put_u8(self.kind().digit());
                out.put_slice(self.bytes());
            }
        }
    }

    /// The packet as one whole WebSocket frame of a server: text as a text frame, a binary message
    /// as a binary frame, which has a type byte in revision 3 only.
    pub fn websocket_frame(&self, version: Version) -> Bytes {
        let frame = match self {
            Self::Message(data) => data.message_frame(version),
            _ => DataFrame {
                opcode: Opcode::Text,
                kind: Some(self.kind().digit()),
                content: self.bytes(),
            },
        };
        let mut out = BytesMut::with_capacity(frame.len());
        frame.put(&mut out);
        out.freeze()
    }

    /// Appends the text form as one whole WebSocket text frame, base64 for a binary message.
    pub(crate) fn put_base64_frame(&self, version: Version, out: &mut BytesMut) {
        let mut text = BytesMut::new();
        self.encode_text(version, &mut text);
        let frame = DataFrame {
            opcode: Opcode::Text,
            kind: None,
            content: &text,
        };
        frame.put(out);
    }

    /// The packet's type.
    pub fn kind(&self) -> PacketType {
        match self {
            Self::Open(_) => PacketType::Open,
            Self::Close => PacketType::Close,
            Self::Ping(_) => PacketType::Ping,
            Self::Pong(_) => PacketType::Pong,
            Self::Message(_) => PacketType::Message,
            Self::Upgrade => PacketType::Upgrade,
            Self::Noop => PacketType::Noop,
        }
    }

    /// What stands behind the type.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Open(text) | Self::Ping(text) | Self::Pong(text) => text.as_bytes(),
            Self::Message(data) => data.as_bytes(),
            Self::Close | Self::Upgrade | Self::Noop => &[],
        }
    }

    fn from_text(kind: PacketType, data: impl FnOnce() -> Text) -> Self {
        match kind {
            PacketType::Open => Self::Open(data()),
            PacketType::Close => Self::Close,
            PacketType::Ping => Self::Ping(data()),
            PacketType::Pong => Self::Pong(data()),
            PacketType::Message => Self::message(data()),
            PacketType::Upgrade => Self::Upgrade,
            PacketType::Noop => Self::Noop,
        }
    }

    /// A packet whose data came as bytes: only a message may keep them so.
    fn from_bytes(kind: PacketType, data: Bytes) -> Result<Self, PacketError> {
        if kind == PacketType::Message {
            return Ok(Self::message(data));
        }
        let text = Text::from_utf8(data).map_err(|_| PacketError::Utf8)?;
        Ok(Self::from_text(kind, || text))
    }
}
