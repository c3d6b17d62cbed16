//! What a request for our path asks for, as far as it shows without looking at any session
//! (EIO4 2.1).
//!
//! Parses once, at the edge: behind [`EngineRequest`] nobody sees a query again. Whether a sid is
//! live, and whether a session allows what is asked, is said by the session.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod query;
#[cfg(test)]
mod tests;

use self::query::{EioKey, Query};
use crate::{Config, Data, PollEncoding, RequestError, Version, payload::Framing};

/// The parts of a request's head that matter here.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// The method, as it stands in the request line.
    pub method: &'a str,
    /// The query as it came, without the question mark; empty if there is none.
    pub query: &'a str,
    /// What its `Connection` and `Upgrade` headers ask for.
    pub upgrade: Upgrade,
    /// The value of `Origin`.
    pub origin: Option<&'a [u8]>,
    /// The value of `Content-Type`.
    pub content_type: Option<&'a [u8]>,
}

/// Whether a request wants to become a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upgrade {
    /// It does not.
    None,
    /// It does.
    WebSocket,
}

/// The two transports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// HTTP long-polling.
    Polling,
    /// WebSocket.
    WebSocket,
}

impl Transport {
    /// The value of `transport` in the query.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        }
    }
}

/// A request, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineRequest {
    /// A new session is wanted.
    Open(OpenRequest),
    /// It belongs to a session, which may or may not be live.
    Existing {
        /// The sid as it came: any text. One that is no sid of ours is unknown, not absent.
        sid: Box<str>,
        /// The revision; `None` if `EIO` is missing.
        version: Option<Version>,
        /// What it wants.
        kind: ExistingKind,
    },
}

/// What a request wants from its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExistingKind {
    /// A GET that waits for packets.
    Poll,
    /// A POST that brings packets.
    Post(PostContent),
    /// A WebSocket, for an upgrade.
    WebSocket(BinaryFrames),
    /// Nothing that any session allows, such as `transport=websocket` on a plain GET or an `EIO`
    /// that is no revision: code 3 once the sid is known.
    Mismatch,
    /// A method that is neither GET nor POST: 405 once the sid is known.
    OtherMethod,
}

/// How a WebSocket carries binary messages to its client (EIO4 2.9). What comes from the client shows
/// by itself what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryFrames {
    /// As binary frames.
    Bytes,
    /// As base64 in text frames, because `b64` stands in the query of the WebSocket's request.
    Base64,
}

/// What the body of a POST is (EIO4 2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostContent {
    /// Text, whatever the `Content-Type` says.
    Text,
    /// Its `Content-Type` is exactly `application/octet-stream`.
    OctetStream,
}

/// What a handshake asks for; it stays the same for the session's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequest {
    version: Version,
    transport: Transport,
    encoding: PollEncoding,
    binary_frames: BinaryFrames,
    initial: Option<Data>,
}

/// What `b64` says: whether a client can receive bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryXhr {
    Available,
    Missing,
}

impl EngineRequest {
    /// Reads a request, with the checks in the reference's order: the first failing one counts.
    ///
    /// # Errors
    ///
    /// The peer is wrong: code 0 for the transport, 3 for an illegal `Origin` or a misplaced
    /// WebSocket, 2 for a handshake that is no GET, 5 for a revision that is not served.
    pub fn parse(head: &RequestHead<'_>, config: &Config) -> Result<Self, RequestError> {
        let query = Query::parse(head.query);
        let transport = query
            .transport
            .filter(|transport| config.transports.contains(*transport))
            .ok_or(RequestError::TransportUnknown)?;
        if head
            .origin
            .is_some_and(|origin| !origin.iter().all(is_header_byte))
        {
            return Err(RequestError::BadRequest);
        }
        match query.sid {
            Some(sid) => {
                let version = query.eio.version(config);
                let kind = match version {
                    Ok(_) => ExistingKind::of(head, transport, query.binary_xhr),
                    Err(_) => ExistingKind::Mismatch,
                };
                Ok(Self::Existing {
                    sid,
                    version: version.ok().flatten(),
                    kind,
                })
            }
            None => OpenRequest::parse(head, transport, query, config).map(Self::Open),
        }
    }
}

impl ExistingKind {
    fn of(head: &RequestHead<'_>, transport: Transport, binary: BinaryXhr) -> Self {
        match (transport, head.upgrade, head.method) {
            (Transport::WebSocket, Upgrade::WebSocket, "GET") => Self::WebSocket(binary.into()),
            (Transport::WebSocket, _, _) | (_, Upgrade::WebSocket, _) => Self::Mismatch,
            (Transport::Polling, Upgrade::None, "GET") => Self::Poll,
            (Transport::Polling, Upgrade::None, "POST") => Self::Post(PostContent::of(head)),
            (Transport::Polling, Upgrade::None, _) => Self::OtherMethod,
        }
    }
}

impl PostContent {
    /// With a parameter or in other letters the type is not recognised, as in the reference.
    fn of(head: &RequestHead<'_>) -> Self {
        match head.content_type {
            Some(b"application/octet-stream") => Self::OctetStream,
            _ => Self::Text,
        }
    }
}

impl OpenRequest {
    fn parse(
        head: &RequestHead<'_>,
        transport: Transport,
        query: Query,
        config: &Config,
    ) -> Result<Self, RequestError> {
        if head.method != "GET" {
            return Err(RequestError::BadHandshakeMethod);
        }
        match (transport, head.upgrade) {
            (Transport::Polling, Upgrade::None) | (Transport::WebSocket, Upgrade::WebSocket) => {}
            _ => return Err(RequestError::BadRequest),
        }
        let version = query.eio.served_version(config)?;
        let framing = if query.old_cache_buster {
            Framing::Always
        } else {
            Framing::WhenNeeded
        };
        let jsonp = query.jsonp.filter(|_| config.jsonp);
        let encoding = PollEncoding::choose(version, query.binary_xhr, framing, jsonp, config);
        Ok(Self {
            version,
            transport,
            encoding,
            binary_frames: query.binary_xhr.into(),
            initial: None,
        })
    }

    /// Adds a message that follows the open packet in the same answer.
    #[must_use]
    pub fn with_initial(self, message: Data) -> Self {
        Self {
            initial: Some(message),
            ..self
        }
    }

    /// The revision, which is served.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The transport that the session begins with.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// How the session's payloads look while it polls.
    pub fn encoding(&self) -> &PollEncoding {
        &self.encoding
    }

    /// How a session that begins on WebSocket carries binary messages.
    pub fn binary_frames(&self) -> BinaryFrames {
        self.binary_frames
    }

    /// The message that follows the open packet.
    pub fn initial(&self) -> Option<&Data> {
        self.initial.as_ref()
    }
}

impl From<BinaryXhr> for BinaryFrames {
    fn from(binary: BinaryXhr) -> Self {
        match binary {
            BinaryXhr::Available => Self::Bytes,
            BinaryXhr::Missing => Self::Base64,
        }
    }
}

impl EioKey {
    /// The revision that `EIO` names; `None` if there is no `EIO`.
    fn version(self, config: &Config) -> Result<Option<Version>, RequestError> {
        match self {
            Self::Absent => Ok(None),
            Self::Three => Ok(Some(Version::V3)),
            Self::Four => Ok(Some(Version::V4)),
            Self::Two if config.legacy_eio => Ok(Some(Version::V3)),
            Self::Two | Self::Other => Err(RequestError::UnsupportedVersion),
        }
    }

    /// The revision of a new session.
    fn served_version(self, config: &Config) -> Result<Version, RequestError> {
        match self.version(config)? {
            Some(Version::V3) if config.v3 => Ok(Version::V3),
            None if config.legacy_eio && config.v3 => Ok(Version::V3),
            Some(Version::V4) => Ok(Version::V4),
            _ => Err(RequestError::UnsupportedVersion),
        }
    }
}

/// What may stand in a header's value: no control character but the tab.
fn is_header_byte(byte: &u8) -> bool {
    matches!(byte, b'\t' | 0x20..=0x7e | 0x80..)
}
