//! The log of what was sent, each packet with its offset and those it was for.

use std::{collections::VecDeque, fmt, sync::Arc, time::Instant};

use engineio_proto::Entry;

use super::Stays;

/// The place of a packet in the log of its namespace. On the wire an opaque text, the last argument
/// of the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset(u64);

/// Whom a packet was for: everybody, or who is at one of the addresses, without those that are left
/// out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audience {
    /// None means everybody.
    pub to: Vec<Address>,
    /// Who is left out.
    pub except: Vec<Address>,
}

/// A socket or a room. Which of them a name stood for when the packet was sent, the driver knows:
/// whoever joins a room that is named like the id of another socket must not get what is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// The socket with this id.
    Socket(Arc<str>),
    /// All who are in the room of this name.
    Room(Arc<str>),
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
    /// True if a socket is meant that is in these rooms, by a packet with this offset.
    pub(super) fn includes(&self, id: &str, rooms: &Stays, offset: Offset) -> bool {
        let is_at = |address: &Address| match address {
            Address::Socket(socket) => **socket == *id,
            Address::Room(room) => rooms.hears(room, offset),
        };
        (self.to.is_empty() || self.to.iter().any(is_at)) && !self.except.iter().any(is_at)
    }

    fn bytes(&self) -> usize {
        let addresses = self.to.iter().chain(&self.except);
        addresses.map(Address::bytes).sum()
    }
}

impl Address {
    fn bytes(&self) -> usize {
        let (Self::Socket(name) | Self::Room(name)) = self;
        name.len() + size_of::<Self>()
    }
}

impl Logged {
    fn new(at: Instant, audience: Audience, packet: Entry) -> Self {
        Self {
            at,
            bytes: content_bytes(&packet) + audience.bytes() + size_of::<Self>(),
            audience,
            packet,
        }
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
        let logged = Logged::new(at, audience, packet);
        self.bytes += logged.bytes;
        self.packets.push_back(logged);
    }

    /// True if everything behind this offset is there.
    pub(super) fn reaches(&self, offset: Offset) -> bool {
        (self.forgotten..=self.head().0).contains(&offset.0)
    }

    /// What stands behind an offset that the log reaches, each with its offset.
    pub(super) fn since(
        &self,
        offset: Offset,
    ) -> impl Iterator<Item = (Offset, &Audience, &Entry)> {
        let known = usize::try_from(offset.0.saturating_sub(self.forgotten)).unwrap_or(usize::MAX);
        let behind = self.packets.iter().skip(known);
        (offset.0 + 1..)
            .zip(behind)
            .map(|(at, logged)| (Offset(at), &logged.audience, &logged.packet))
    }

    pub(super) fn oldest(&self) -> Option<Instant> {
        self.packets.front().map(|logged| logged.at)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn trim(&mut self, is_old: impl Fn(Instant) -> bool) {
        while self.oldest().is_some_and(&is_old) {
            self.drop_oldest();
        }
    }

    pub(super) fn bound(&mut self, packets: usize, bytes: usize) {
        while self.packets.len() > packets || self.bytes > bytes {
            self.drop_oldest();
        }
    }

    pub(super) fn drop_oldest(&mut self) {
        if let Some(oldest) = self.packets.pop_front() {
            self.bytes -= oldest.bytes;
            self.forgotten += 1;
        }
    }

    /// Forgets everything. Offsets go on.
    pub(super) fn clear(&mut self) {
        *self = Self {
            forgotten: self.head().0,
            ..Self::default()
        };
    }
}

/// What a packet has to say, in bytes.
pub(super) fn content_bytes(packet: &Entry) -> usize {
    let attachments = packet.attachments().iter().map(|bytes| bytes.len());
    packet.head().len() + attachments.sum::<usize>()
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}
