//! What a session says first: the open packet and the message that may come with it.

use crate::{Data, Packet};

/// The first packets of a polling session.
pub(super) struct Opening {
    pub(super) open: Packet,
    pub(super) initial: Option<Data>,
}

impl Opening {
    /// The open packet alone, or with the initial message behind it (EIO4 2.3).
    pub(super) fn into_packets(self) -> Vec<Packet> {
        let initial = self.initial.map(Packet::Message);
        [Some(self.open), initial].into_iter().flatten().collect()
    }
}
