//! Why a socket left its namespace.

use std::fmt;

use engineio::proto::CloseReason;

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
    /// The whole session has ended.
    Session(CloseReason),
}

impl DisconnectReason {
    /// True if this server ended the socket: what the client sent and nobody has handled yet is
    /// dropped. After any other end it is still handled.
    pub(crate) fn is_ours(self) -> bool {
        match self {
            Self::ClientNamespaceDisconnect => false,
            Self::ServerNamespaceDisconnect | Self::HandlerPanic => true,
            Self::Session(reason) => matches!(
                reason,
                CloseReason::ForcedClose
                    | CloseReason::ForcedServerClose
                    | CloseReason::ApplicationPanic
            ),
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientNamespaceDisconnect => f.write_str("client namespace disconnect"),
            Self::ServerNamespaceDisconnect => f.write_str("server namespace disconnect"),
            Self::HandlerPanic => f.write_str("handler panic"),
            Self::Session(reason) => reason.fmt(f),
        }
    }
}
