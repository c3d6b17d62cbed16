//! The two protocols and what chooses between them.

use engineio_proto::Version;

/// A Socket.IO protocol, fixed by the Engine.IO revision of the session (SIO5 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Protocol 4: clients 1.1 to 2.x, over Engine.IO 3. The root namespace is joined unasked.
    V4,
    /// Protocol 5: clients 3.x and 4.x, over Engine.IO 4. Every namespace is asked for.
    V5,
}

impl From<Version> for Protocol {
    fn from(version: Version) -> Self {
        match version {
            Version::V3 => Self::V4,
            Version::V4 => Self::V5,
        }
    }
}
