//! One packet and its forms on the wire: text, binary frame, base64.

use bytes::Bytes;

use crate::Text;

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
        match self {
            Self::Text(text) => text.as_bytes().len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// True for an empty message, which is legal.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One packet.
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
