//! Why a request was refused: one list for the answer, the log and the counters.

use engineio_proto::RequestError;
use http::StatusCode;

use crate::Refusal;

/// A request that gets no session, no packets and no `ok`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The protocol says no.
    Request(RequestError),
    /// The application says no.
    Application(Refusal),
    /// The application does not say anything.
    AllowTimeout,
    /// The path is not ours.
    Path,
    /// What came is no HTTP.
    Syntax,
    /// The head is too long.
    HeadTooLarge,
    /// Path and query are too long.
    TargetTooLong,
    /// No `Host`, or more than one.
    Host,
    /// A WebSocket handshake that RFC 6455 does not allow, or on a connection without upgrades.
    WebSocketRequest,
    /// A WebSocket version other than 13.
    WebSocketVersion,
    /// The body did not come in time.
    BodyTimeout,
    /// The client broke off while it sent the body.
    BodyAborted,
    /// There are as many sessions as there may be.
    ServerFull,
    /// The same, from this address.
    AddressFull,
    /// The server is going down.
    Ending,
    /// The application made no id, or one that is taken.
    Sid,
    /// The operating system gave no random bytes.
    Randomness,
    /// The application panicked instead of making a receiver.
    OpenPanicked,
}

impl Refused {
    /// A short name for logs and metrics, of a fixed list.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Request(error) => error.name(),
            Self::Application(_) => RequestError::Forbidden.name(),
            Self::AllowTimeout => "allow_timeout",
            Self::Path => "path",
            Self::Syntax => "http_syntax",
            Self::HeadTooLarge => "head_too_large",
            Self::TargetTooLong => "target_too_long",
            Self::Host => "host",
            Self::WebSocketRequest => "websocket_request",
            Self::WebSocketVersion => "websocket_version",
            Self::BodyTimeout => "body_timeout",
            Self::BodyAborted => "body_aborted",
            Self::ServerFull => "too_many_sessions",
            Self::AddressFull => "too_many_sessions_of_address",
            Self::Ending => "server_shutting_down",
            Self::Sid => "sid_hook",
            Self::Randomness => "no_randomness",
            Self::OpenPanicked => "application_panic",
        }
    }

    /// What whoever reads the log can do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Request(error) => error.hint(),
            Self::Application(_) => RequestError::Forbidden.hint(),
            Self::AllowTimeout => {
                "the hook that allows handshakes took longer than allow_timeout: what does it wait for?"
            }
            Self::Path => "does the client's path, with its last slash, fit the configured one?",
            Self::Syntax => "does a client speak TLS, or HTTP/2, to a plain port?",
            Self::HeadTooLarge => {
                "cookies of the whole site? Raise max_head, or use another host name"
            }
            Self::TargetTooLong => "does the application put too much into the query?",
            Self::Host => "not a browser: HTTP/1.1 wants exactly one Host",
            Self::WebSocketRequest => {
                "does a proxy drop Connection, Upgrade or Sec-WebSocket-Key, or does the host serve \
                 connections without upgrades?"
            }
            Self::WebSocketVersion => "a client older than RFC 6455: polling still works for it",
            Self::BodyTimeout => "a slow network, or somebody who keeps connections busy",
            Self::BodyAborted => "the client left while it was sending",
            Self::ServerFull => "raise max_sessions, or add servers",
            Self::AddressFull => {
                "one client opens session after session, or all come through one proxy: then set \
                 PeerAddr from what the proxy says, or raise max_sessions_per_address"
            }
            Self::Ending => "the client will find another server, or this one after its restart",
            Self::Sid => "the hook for session ids returned none, or one that is in use",
            Self::Randomness => "the operating system's random source failed",
            Self::OpenPanicked => "Application::open panicked: its message is in the server's log",
        }
    }

    /// The status of an answer that has no body; none where the answer has one.
    pub(crate) fn bare_status(&self) -> Option<StatusCode> {
        Some(match self {
            Self::Request(_) | Self::Application(_) | Self::Sid => return None,
            Self::Path => StatusCode::NOT_FOUND,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::WebSocketVersion => StatusCode::UPGRADE_REQUIRED,
            Self::Syntax
            | Self::Host
            | Self::WebSocketRequest
            | Self::BodyTimeout
            | Self::BodyAborted => StatusCode::BAD_REQUEST,
            Self::ServerFull | Self::AddressFull | Self::Ending | Self::AllowTimeout => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Randomness | Self::OpenPanicked => StatusCode::INTERNAL_SERVER_ERROR,
        })
    }
}

impl From<RequestError> for Refused {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}
