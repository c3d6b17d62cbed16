//! What a client can do wrong. Every error here means that the peer broke the protocol, or a limit.

use std::fmt;

/// Writes a type of errors from one row for each: what it means, its short name, and what people read.
/// A list of all comes with it, into which none can be forgotten.
macro_rules! errors {
    (
        $(#[$about:meta])*
        $type:ident $(: $(#[$meaning_of_inner:meta])* $outer:ident($inner:ident))?;
        $($(#[$meaning:meta])* $variant:ident: $name:literal, $text:literal;)*
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$meaning_of_inner])* $outer($inner),)?
            $($(#[$meaning])* $variant,)*
        }

        impl $type {
            /// Every one there is.
            pub fn all() -> impl Iterator<Item = Self> {
                let all = [$(Self::$variant),*].into_iter();
                $(let all = $inner::all().map(Self::$outer).chain(all);)?
                all
            }

            /// A short name for logs and metrics: one word of `a–z` and `_`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$outer(inner) => inner.name(),)?
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$outer(inner) => inner.fmt(f),)?
                    $(Self::$variant => f.write_str($text),)*
                }
            }
        }

        impl std::error::Error for $type {}
    };
}

errors! {
    /// A packet breaks the grammar or the rules for its type.
    PacketError;

    /// No type, or none of `0` to `6`.
    UnknownType: "unknown_type", "unknown packet type";
    /// An attachment count that is missing, zero, not a plain number or over the limit.
    AttachmentCount: "attachment_count", "bad attachment count";
    /// A namespace beyond its bound.
    Namespace: "namespace_length", "namespace too long";
    /// An ack id beyond `u64`.
    AckId: "ack_id", "ack id too long";
    /// Text that is no JSON, or has something behind it.
    Json: "json", "payload is no JSON";
    /// JSON that is nested deeper than 64.
    Depth: "json_depth", "payload nested too deep";
    /// JSON of a kind that this type of packet does not carry.
    Payload: "payload", "payload of the wrong kind";
    /// The payload or the query of a CONNECT is too large.
    AuthBytes: "auth_bytes", "auth payload too large";
    /// An event name that is neither string nor number, or too long.
    EventName: "event_name", "bad event name";
    /// An event name that belongs to the protocol.
    ReservedName: "reserved_name", "reserved event name";
    /// A placeholder for an attachment that there is none of.
    Placeholder: "placeholder", "placeholder without its attachment";
    /// Placeholders that would blow the packet up beyond twice what was received.
    Expansion: "attachment_expansion", "attachments repeated too often";
    /// Attachments beyond their limit of bytes.
    AttachmentBytes: "attachment_bytes", "attachments too large";
    /// More than this client's part of what all clients may have under way.
    AttachmentBudget: "attachment_budget", "too many attachments under way on this server";
    /// Text where an attachment was due.
    TextForAttachment: "text_for_attachment", "text where an attachment was due";
    /// An attachment that no packet announced.
    StrayAttachment: "stray_attachment", "attachment without a packet";
    /// Text where packets are binary messages (SIO5 6.8).
    TextMessage: "text_message", "text where packets are binary messages";
}

errors! {
    /// What a client did so that its session has to end (SIO5 5.2).
    Violation:
    /// A packet that does not parse.
    Packet(PacketError);

    /// A packet for a namespace that it is not in.
    NotConnected: "not_connected", "packet for a namespace that is not joined";
    /// A CONNECT for a namespace that it is in or asks for already.
    ConnectTwice: "connect_twice", "second connect to a namespace";
    /// A CONNECT_ERROR, which only servers send.
    ConnectError: "connect_error", "connect error from a client";
    /// No namespace within the connect timeout.
    ConnectTimeout: "connect_timeout", "no namespace joined in time";
    /// Announced attachments did not come in time.
    AttachmentTimeout: "attachment_timeout", "attachments did not come in time";
    /// More namespaces than the limit.
    TooManyNamespaces: "too_many_namespaces", "too many namespaces";
    /// More refused CONNECTs than the limit.
    TooManyRefusals: "too_many_refusals", "too many refused connects";
}

impl From<PacketError> for Violation {
    fn from(error: PacketError) -> Self {
        Self::Packet(error)
    }
}
