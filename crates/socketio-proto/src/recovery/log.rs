//! The log of what was sent, each packet with its offset and those it was for.

use std::{collections::VecDeque, fmt, sync::Arc, time::Instant};

use engineio_proto::Entry;

/// The place of a packet in the log of its namespace. On the wire an opaque text, the last argument
/// of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset(u64);

/// Whom a packet was for: everybody, or those who are in one of the rooms and in none that is left
/// out. A socket's id is a room of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audience {
    /// Rooms; none means everybody.
    pub rooms: Vec<Arc<str>>,
    /// Rooms that are left out.
    pub except: Vec<Arc<str>>,
}

/// Offsets are dense: that of the first packet kept is `forgotten + 1`.
#[derive(Debug, Default)]
pub(super) struct Log {
    packets: VecDeque<Logged>,
    forgotten: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Logged {
    at: Instant,
    audience: Audience,
    packet: Entry,
    bytes: usize,
}

impl Offset {
    /// Reads what an offset was written as. Clients take the last text that an event ends with for
    /// an offset, so that texts of other forms are to be expected.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let offset = digits.parse().ok().map(Self)?;
        (offset.to_string() == text).then_some(offset)
    }
}

/// Sets offsets apart from numbers that an application sends as text.
const PREFIX: &str = "@";

impl Audience {
    /// True if a socket that is in these rooms is meant.
    pub(super) fn includes(&self, rooms: &[Arc<str>]) -> bool {
        let is_in = |room: &Arc<str>| rooms.contains(room);
        (self.rooms.is_empty() || self.rooms.iter().any(is_in)) && !self.except.iter().any(is_in)
    }

    fn bytes(&self) -> usize {
        let names = self.rooms.iter().chain(&self.except);
        names.map(|name| name.len() + size_of_val(name)).sum()
    }
}

impl Log {
    pub(super) fn head(&self) -> Offset {
        Offset(self.forgotten + self.packets.len() as u64)
    }

    pub(super) fn next(&self) -> Offset {
        Offset(self.head().0 + 1)
    }

    pub(super) fn push(&mut self, at: Instant, audience: Audience, packet: Entry) {
        let attachments = packet.attachments().iter().map(|bytes| bytes.len());
        let content = packet.head().len() + attachments.sum::<usize>();
        let bytes = content + audience.bytes() + size_of::<Logged>();
        self.bytes += bytes;
        self.packets.push_back(Logged {
            at,
            audience,
            packet,
            bytes,
        });
    }

    /// True if everything behind this offset is there.
    pub(super) fn reaches(&self, offset: Offset) -> bool {
        (self.forgotten..=self.head().0).contains(&offset.0)
    }

    /// What stands behind an offset that the log reaches.
    pub(super) fn since(&self, offset: Offset) -> impl Iterator<Item = (&Audience, &Entry)> {
        let known = usize::try_from(offset.0.saturating_sub(self.forgotten)).unwrap_or(usize::MAX);
        let behind = self.packets.iter().skip(known);
        behind.map(|logged| (&logged.audience, &logged.packet))
    }

    pub(super) fn oldest(&self) -> Option<Instant> {
        self.packets.front().map(|logged| logged.at)
    }

    pub(super) fn trim(&mut self, is_old: impl Fn(Instant) -> bool, packets: usize, bytes: usize) {
        while let Some(oldest) = self.packets.front() {
            let too_much = self.packets.len() > packets || self.bytes > bytes;
            if !too_much && !is_old(oldest.at) {
                return;
            }
            self.bytes -= oldest.bytes;
            self.forgotten += 1;
            self.packets.pop_front();
        }
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}
