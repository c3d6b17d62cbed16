//! Why a socket left its namespace.

use std::fmt;

use engineio::proto::CloseReason;
use socketio_proto::Violation;

/// Why a socket left its namespace. `Display` gives the text that socket.io applications know
/// (SIO5 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The client left this namespace.
    ClientNamespaceDisconnect,
    /// This server took the socket out of its namespace.
    ServerNamespaceDisconnect,
    /// A handler of this socket panicked.
    HandlerPanic,
    /// The client broke the protocol, for which its session has been ended.
    Violation(Violation),
    /// The whole session has ended.
    Session(CloseReason),
}

impl DisconnectReason {
    /// A short name for logs and metrics: one word of `a–z` and `_`, the same in all versions.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientNamespaceDisconnect => "client_namespace_disconnect",
            Self::ServerNamespaceDisconnect => "server_namespace_disconnect",
            Self::HandlerPanic => "handler_panic",
            Self::Violation(violation) => violation.name(),
            Self::Session(reason) => reason.name(),
        }
    }

    /// True if this server ended the socket: what the client sent and nobody has handled yet is
    /// dropped. After any other end it is still handled.
    pub(crate) fn is_ours(self) -> bool {
        match self {
            Self::ClientNamespaceDisconnect => false,
            Self::ServerNamespaceDisconnect | Self::HandlerPanic | Self::Violation(_) => true,
            Self::Session(reason) => matches!(
                reason,
                CloseReason::ForcedClose
                    | CloseReason::ForcedServerClose
                    | CloseReason::ApplicationPanic
            ),
        }
    }

    /// True if the client may come back: it did not want to leave, nobody sent it away, and the
    /// server is still there.
    pub(crate) fn is_loss(self) -> bool {
        match self {
            Self::Session(CloseReason::ServerShuttingDown) => false,
            Self::Session(_) => !self.is_ours(),
            _ => false,
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientNamespaceDisconnect => f.write_str("client namespace disconnect"),
            Self::ServerNamespaceDisconnect => f.write_str("server namespace disconnect"),
            Self::HandlerPanic => f.write_str("handler panic"),
            // One text for all of them, as applications know it; the name tells more.
            Self::Violation(_) => CloseReason::ForcedServerClose.fmt(f),
            Self::Session(reason) => reason.fmt(f),
        }
    }
}
