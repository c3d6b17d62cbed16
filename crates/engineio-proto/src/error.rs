//! What can go wrong, who was wrong, and the one map from a refused request to HTTP.

use std::fmt;

/// A packet breaks the grammar: the peer is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PacketError {
    /// No type.
    Empty,
    /// The type is none of `0` to `6`.
    UnknownType,
    /// Base64 that is none.
    Base64,
    /// Text that is not UTF-8.
    Utf8,
}

/// A payload breaks the grammar: the peer is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PayloadError {
    /// One of its packets is bad.
    Packet(PacketError),
    /// A length that is no number, too long or beyond the end.
    Length,
    /// More packets than the limit.
    TooManyPackets,
    /// Text that is not UTF-8.
    Utf8,
    /// Binary framing in revision 4, which has none (EIO4 2.7).
    BinaryFraming,
}

/// A request that is refused (EIO4 2.2). The peer is wrong, or the application said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// Code 0: transport missing, unknown or switched off.
    TransportUnknown,
    /// Code 1: no live session has this sid.
    SessionIdUnknown,
    /// Code 2: a handshake that is not a GET.
    BadHandshakeMethod,
    /// Code 3: it does not fit the session, or is no proper request.
    BadRequest,
    /// Code 4: the application refused the handshake.
    Forbidden,
    /// Code 5: a revision that is not served.
    UnsupportedVersion,
    /// A second GET or POST while one is open: 400 without a body; the session closes.
    Overlap,
    /// `application/octet-stream` in revision 4: 400 without a body; the session closes.
    BinaryNotAllowed,
    /// A payload that does not parse: 400 without a body; the session closes.
    Payload(PayloadError),
    /// A body beyond `max_payload`: 413; the session lives.
    TooLarge,
    /// A method that is neither GET nor POST on a live session: 405; the session lives.
    MethodNotAllowed,
}

impl RequestError {
    /// The HTTP status of the answer.
    pub fn status(self) -> u16 {
        match self {
            Self::Forbidden => 403,
            Self::MethodNotAllowed => 405,
            Self::TooLarge => 413,
            _ => 400,
        }
    }

    /// The number and text of the JSON body; none for answers without a body.
    pub fn code(self) -> Option<(u8, &'static str)> {
        match self {
            Self::TransportUnknown => Some((0, "Transport unknown")),
            Self::SessionIdUnknown => Some((1, "Session ID unknown")),
            Self::BadHandshakeMethod => Some((2, "Bad handshake method")),
            Self::BadRequest => Some((3, "Bad request")),
            Self::Forbidden => Some((4, "Forbidden")),
            Self::UnsupportedVersion => Some((5, "Unsupported protocol version")),
            _ => None,
        }
    }

    /// A short name for logs and metrics; stable, one word of `a–z` and `_`.
    pub fn name(self) -> &'static str {
        match self {
            Self::TransportUnknown => "transport_unknown",
            Self::SessionIdUnknown => "session_id_unknown",
            Self::BadHandshakeMethod => "bad_handshake_method",
            Self::BadRequest => "bad_request",
            Self::Forbidden => "forbidden",
            Self::UnsupportedVersion => "unsupported_version",
            Self::Overlap => "overlap",
            Self::BinaryNotAllowed => "binary_not_allowed",
            Self::Payload(_) => "bad_payload",
            Self::TooLarge => "too_large",
            Self::MethodNotAllowed => "method_not_allowed",
        }
    }

    /// What whoever reads the log can do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::TransportUnknown => "no Engine.IO client: `transport` is polling or websocket",
            Self::SessionIdUnknown => {
                "the session has ended, or lives on another server: does the load balancer keep \
                 clients where they are?"
            }
            Self::BadHandshakeMethod => "a handshake is a GET: does a proxy repeat requests?",
            Self::BadRequest => {
                "the request does not fit the session: does a proxy drop `Upgrade`, or does a \
                 client poll after its upgrade?"
            }
            Self::Forbidden => "the application's own check said no",
            Self::UnsupportedVersion => {
                "a client of another generation: see `v3` and `legacy_eio` in the configuration"
            }
            Self::Overlap => "second GET or POST while one is open: does a proxy retry?",
            Self::BinaryNotAllowed => "a client of revision 3 that says EIO=4",
            Self::Payload(_) => "what arrived is no Engine.IO: check the client's version and EIO",
            Self::TooLarge => "raise max_payload, or send less at once",
            Self::MethodNotAllowed => "only GET and POST belong to a session",
        }
    }
}

/// A message was not taken: the caller learns why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The session has ended or is ending.
    Closed,
    /// The queue is full and the policy is to end the session, which has happened.
    QueueFull,
    /// The text has a raw U+001E, which revision 4 cannot carry by polling (EIO4 2.8).
    Separator,
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "packet without a type",
            Self::UnknownType => "unknown packet type",
            Self::Base64 => "packet with bad base64",
            Self::Utf8 => "packet text is not UTF-8",
        })
    }
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packet(error) => error.fmt(f),
            Self::Length => f.write_str("payload with a bad length"),
            Self::TooManyPackets => f.write_str("payload with too many packets"),
            Self::Utf8 => f.write_str("payload text is not UTF-8"),
            Self::BinaryFraming => f.write_str("binary framing in revision 4"),
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overlap => f.write_str("a request of this kind is open already"),
            Self::BinaryNotAllowed => f.write_str("binary body in revision 4"),
            Self::Payload(error) => error.fmt(f),
            Self::TooLarge => f.write_str("body too large"),
            Self::MethodNotAllowed => f.write_str("method not allowed"),
            coded => f.write_str(coded.code().map_or("", |(_, message)| message)),
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the session is closed",
            Self::QueueFull => "the send queue is full",
            Self::Separator => "text with U+001E cannot be sent by polling",
        })
    }
}

impl std::error::Error for PacketError {}
impl std::error::Error for PayloadError {}
impl std::error::Error for RequestError {}
impl std::error::Error for SendError {}

impl From<PacketError> for PayloadError {
    fn from(error: PacketError) -> Self {
        Self::Packet(error)
    }
}

impl From<PayloadError> for RequestError {
    fn from(error: PayloadError) -> Self {
        match error {
            PayloadError::BinaryFraming => Self::BinaryNotAllowed,
            error => Self::Payload(error),
        }
    }
}
