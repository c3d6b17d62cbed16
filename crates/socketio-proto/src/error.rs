//! What a client can do wrong. Every error here means that the peer broke the protocol.

use std::fmt;

/// A packet breaks the grammar or the rules for its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PacketError {
    /// No type, or none of `0` to `6`.
    UnknownType,
    /// An attachment count that is missing, zero, not a plain number or over the limit.
    AttachmentCount,
    /// A namespace beyond its bound.
    Namespace,
    /// An ack id beyond `u64`.
    AckId,
    /// Text that is no JSON, or has something behind it.
    Json,
    /// JSON that is nested deeper than 64.
    Depth,
    /// JSON of a kind that this type of packet does not carry.
    Payload,
    /// The payload or the query of a CONNECT is too large.
    AuthBytes,
    /// An event name that is neither string nor number, or too long.
    EventName,
    /// An event name that belongs to the protocol.
    ReservedName,
    /// A placeholder for an attachment that there is none of.
    Placeholder,
    /// Placeholders that would blow the packet up beyond twice what was received.
    Expansion,
    /// Attachments beyond their limit of bytes.
    AttachmentBytes,
    /// Text where an attachment was due.
    TextForAttachment,
    /// An attachment that no packet announced.
    StrayAttachment,
    /// Text where packets are binary messages (SIO5 6.8).
    TextMessage,
}

/// What a client did so that its session has to end (SIO5 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// A packet that does not parse.
    Packet(PacketError),
    /// A packet for a namespace that it is not in.
    NotConnected,
    /// A CONNECT for a namespace that it is in or asks for already.
    ConnectTwice,
    /// A CONNECT_ERROR, which only servers send.
    ConnectError,
    /// No namespace within the connect timeout.
    ConnectTimeout,
    /// Announced attachments did not come in time.
    AttachmentTimeout,
    /// More namespaces than the limit.
    TooManyNamespaces,
    /// More refused CONNECTs than the limit.
    TooManyRefusals,
}

impl PacketError {
    /// A short name for logs and metrics: one word of `a–z` and `_`.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownType => "unknown_type",
            Self::AttachmentCount => "attachment_count",
            Self::Namespace => "namespace_length",
            Self::AckId => "ack_id",
            Self::Json => "json",
            Self::Depth => "json_depth",
            Self::Payload => "payload",
            Self::AuthBytes => "auth_bytes",
            Self::EventName => "event_name",
            Self::ReservedName => "reserved_name",
            Self::Placeholder => "placeholder",
            Self::Expansion => "attachment_expansion",
            Self::AttachmentBytes => "attachment_bytes",
            Self::TextForAttachment => "text_for_attachment",
            Self::StrayAttachment => "stray_attachment",
            Self::TextMessage => "text_message",
        }
    }
}

impl Violation {
    /// A short name for logs and metrics: one word of `a–z` and `_`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Packet(error) => error.name(),
            Self::NotConnected => "not_connected",
            Self::ConnectTwice => "connect_twice",
            Self::ConnectError => "connect_error",
            Self::ConnectTimeout => "connect_timeout",
            Self::AttachmentTimeout => "attachment_timeout",
            Self::TooManyNamespaces => "too_many_namespaces",
            Self::TooManyRefusals => "too_many_refusals",
        }
    }
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownType => "unknown packet type",
            Self::AttachmentCount => "bad attachment count",
            Self::Namespace => "namespace too long",
            Self::AckId => "ack id too long",
            Self::Json => "payload is no JSON",
            Self::Depth => "payload nested too deep",
            Self::Payload => "payload of the wrong kind",
            Self::AuthBytes => "auth payload too large",
            Self::EventName => "bad event name",
            Self::ReservedName => "reserved event name",
            Self::Placeholder => "placeholder without its attachment",
            Self::Expansion => "attachments repeated too often",
            Self::AttachmentBytes => "attachments too large",
            Self::TextForAttachment => "text where an attachment was due",
            Self::StrayAttachment => "attachment without a packet",
            Self::TextMessage => "text where packets are binary messages",
        })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packet(error) => error.fmt(f),
            Self::NotConnected => f.write_str("packet for a namespace that is not joined"),
            Self::ConnectTwice => f.write_str("second connect to a namespace"),
            Self::ConnectError => f.write_str("connect error from a client"),
            Self::ConnectTimeout => f.write_str("no namespace joined in time"),
            Self::AttachmentTimeout => f.write_str("attachments did not come in time"),
            Self::TooManyNamespaces => f.write_str("too many namespaces"),
            Self::TooManyRefusals => f.write_str("too many refused connects"),
        }
    }
}

impl std::error::Error for PacketError {}
impl std::error::Error for Violation {}

impl From<PacketError> for Violation {
    fn from(error: PacketError) -> Self {
        Self::Packet(error)
    }
}
