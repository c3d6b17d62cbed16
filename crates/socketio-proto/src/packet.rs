//! One packet, complete with its attachments.

use std::fmt;

use bytes::Bytes;
use engineio_proto::Text;

use crate::{Args, NamespaceName};

/// The seven packet types with the digit that stands for each (SIO5 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PacketType {
    /// Asks for a namespace, or confirms it.
    Connect = 0,
    /// Leaves a namespace.
    Disconnect = 1,
    /// An event with its arguments.
    Event = 2,
    /// The answer to an event that asked for one.
    Ack = 3,
    /// Refuses a namespace. Called ERROR in protocol 4.
    ConnectError = 4,
    /// An event with attachments.
    BinaryEvent = 5,
    /// An answer with attachments.
    BinaryAck = 6,
}

impl PacketType {
    pub(crate) const ALL: [Self; 7] = [
        Self::Connect,
        Self::Disconnect,
        Self::Event,
        Self::Ack,
        Self::ConnectError,
        Self::BinaryEvent,
        Self::BinaryAck,
    ];

    /// The digit on the wire.
    pub(crate) fn digit(self) -> &'static str {
        match self {
            Self::Connect => "0",
            Self::Disconnect => "1",
            Self::Event => "2",
            Self::Ack => "3",
            Self::ConnectError => "4",
            Self::BinaryEvent => "5",
            Self::BinaryAck => "6",
        }
    }
}

/// Names one event that wants an answer; chosen by the sender and counted per direction.
///
/// Exact over the whole range of `u64`, where JavaScript rounds beyond 2^53 (SIO5 6.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AckId(u64);

impl AckId {
    /// The id with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for AckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of an event: a string, or a number in its decimal form (SIO5 5).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EventName(Text);

impl EventName {
    /// The most bytes of a name that a client sends.
    pub const MAX_LEN: usize = 256;

    pub(crate) fn new(name: Text) -> Self {
        Self(name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A whole packet of one namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct Packet {
    /// The namespace it belongs to.
    pub namespace: NamespaceName,
    /// What it says.
    pub body: Body,
}

/// What a packet says.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// CONNECT, with the payload as raw JSON.
    Connect(Option<Text>),
    /// DISCONNECT.
    Disconnect,
    /// EVENT or BINARY_EVENT.
    Event {
        /// Which event.
        name: EventName,
        /// Its arguments.
        args: Args,
        /// Present if an answer is wanted.
        ack: Option<AckId>,
    },
    /// ACK or BINARY_ACK.
    Ack {
        /// Which event it answers; none in an answer that nobody can use.
        id: Option<AckId>,
        /// The answer; none if the payload is missing.
        args: Option<Args>,
    },
    /// CONNECT_ERROR, with the payload as raw JSON.
    ConnectError(Option<Text>),
}

impl Body {
    /// Its arguments, if it has some.
    pub(crate) fn args(&self) -> Option<&Args> {
        match self {
            Self::Event { args, .. } => Some(args),
            Self::Ack { args, .. } => args.as_ref(),
            _ => None,
        }
    }

    /// The same with the attachments that its arguments refer to.
    pub(crate) fn with_attachments(mut self, attachments: Vec<Bytes>) -> Self {
        match &mut self {
            Self::Event { args, .. }
            | Self::Ack {
                args: Some(args), ..
            } => args.attach(attachments),
            _ => {}
        }
        self
    }
}

/// Names that mean something to every client and are never sent as events (SIO5 6.4).
pub(crate) const RESERVED: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];
