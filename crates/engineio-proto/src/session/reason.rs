//! Why a session ended, and what a WebSocket is told at its end.

use std::fmt;

use bytes::Bytes;

/// Why a session ended. `Display` gives the text that socket.io applications know (SIO5 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client left: a close packet, or its WebSocket is gone.
    TransportClose,
    /// The client broke the rules of its transport: an overlapping, abandoned or forbidden request,
    /// a heartbeat in the wrong direction.
    TransportError,
    /// The client's part of the heartbeat did not come in time.
    PingTimeout,
    /// The client sent a WebSocket message of more than
    /// [`Limits::max_payload`](crate::Limits::max_payload) bytes.
    MessageTooLarge,
    /// The client sent what does not parse.
    ParseError,
    /// The application closed the session.
    ForcedClose,
    /// The layer above closed the session, for instance because the client broke its protocol.
    ForcedServerClose,
    /// The server is going down.
    ServerShuttingDown,
    /// The send queue was full and the policy was [`SlowConsumer::Disconnect`].
    ///
    /// [`SlowConsumer::Disconnect`]: super::SlowConsumer::Disconnect
    SlowConsumer,
    /// The client's WebSocket took no byte for the whole of
    /// [`Limits::blocked_write`](crate::Limits::blocked_write).
    WriteTimeout,
    /// The application's code for this session panicked.
    ApplicationPanic,
}

impl CloseReason {
    /// A short name for logs and metrics; stable, one word of `a–z` and `_`.
    pub fn name(self) -> &'static str {
        match self {
            Self::TransportClose => "transport_close",
            Self::TransportError => "transport_error",
            Self::PingTimeout => "ping_timeout",
            Self::MessageTooLarge => "message_too_large",
            Self::ParseError => "parse_error",
            Self::ForcedClose => "forced_close",
            Self::ForcedServerClose => "forced_server_close",
            Self::ServerShuttingDown => "server_shutting_down",
            Self::SlowConsumer => "slow_consumer",
            Self::WriteTimeout => "write_timeout",
            Self::ApplicationPanic => "application_panic",
        }
    }

    /// What whoever reads the log can do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::TransportClose => "the client left; nothing to do",
            Self::TransportError => {
                "requests of one session overlapped or broke off, or its WebSocket broke RFC 6455: \
                 look for a proxy that repeats or cuts requests, or two clients sharing a sid"
            }
            Self::PingTimeout => {
                "the client went silent: a lost network, a sleeping device, or a proxy with a \
                 shorter idle timeout than the ping interval"
            }
            Self::MessageTooLarge => {
                "the client sent more than max_payload in one WebSocket message: raise \
                 max_payload, or send less at once"
            }
            Self::ParseError => "what arrived is no Engine.IO: check the client's version and EIO",
            Self::ForcedClose => "the application closed the session",
            Self::ForcedServerClose => "the client broke the protocol above Engine.IO",
            Self::ServerShuttingDown => "the client may connect again at once",
            Self::SlowConsumer => {
                "the client reads slower than it is sent to: send less, conflate, or raise \
                 max_queued_bytes"
            }
            Self::WriteTimeout => "the client stopped reading while its connection stayed open",
            Self::ApplicationPanic => "a handler panicked: its message is in the server's log",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::PingTimeout => "ping timeout",
            Self::MessageTooLarge => "message too large",
            Self::ParseError => "parse error",
            Self::ForcedClose => "forced close",
            Self::ForcedServerClose => "forced server close",
            Self::ServerShuttingDown => "server shutting down",
            Self::SlowConsumer => "slow consumer",
            Self::WriteTimeout => "write timeout",
            Self::ApplicationPanic => "application panic",
        })
    }
}

/// What a close frame says (RFC 6455 7.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseCode {
    /// No code, as the reference does for every end of its own (EIO4 2.9).
    NoStatus,
    /// 1002: the peer broke the WebSocket protocol.
    ProtocolError,
    /// 1007: text that is not UTF-8.
    InvalidData,
    /// 1008: the peer went beyond a limit other than the message size.
    Policy,
    /// 1009: a message beyond the limit.
    TooBig,
}

impl CloseCode {
    /// The whole close frame, unmasked.
    pub fn frame(self) -> Bytes {
        Bytes::from_static(match self {
            Self::NoStatus => &[0x88, 0],
            Self::ProtocolError => &[0x88, 2, 0x03, 0xea],
            Self::InvalidData => &[0x88, 2, 0x03, 0xef],
            Self::Policy => &[0x88, 2, 0x03, 0xf0],
            Self::TooBig => &[0x88, 2, 0x03, 0xf1],
        })
    }
}
