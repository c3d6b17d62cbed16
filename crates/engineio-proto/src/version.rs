//! The two revisions of the protocol and what differs between them.

use std::fmt;

/// An Engine.IO protocol revision, the value of `EIO` in the query.
///
/// Fixed for a session by its handshake (EIO4 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// Revision 3: socket.io clients 1.x and 2.x. The client pings.
    V3,
    /// Revision 4: socket.io clients 3.x and 4.x. The server pings.
    V4,
}

impl Version {
    /// The number that stands in the query: 3 or 4.
    pub fn number(self) -> u8 {
        match self {
            Self::V3 => 3,
            Self::V4 => 4,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}
