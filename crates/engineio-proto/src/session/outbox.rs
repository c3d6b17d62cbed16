//! What waits to be sent: bounded in packets and bytes, with a policy for the client that does not
//! keep up.
//!
//! Works on whole entries. Does not know the transport: the polling half takes entries off the
//! front, the WebSocket half writes them piece by piece.

use std::collections::{BTreeMap, VecDeque};

use super::{ConflationKey, SendOutcome, SlowConsumer};
use crate::{BinaryFrames, Compressible, Limits, Packet, Prepared, Version};

/// The queue of one session. While it is empty it keeps room for [`KEPT_BUSY`] entries at most, so
/// that the next burst needs no allocation, and for [`KEPT`] from the next heartbeat on.
#[derive(Default)]
pub(super) struct Outbox {
    entries: VecDeque<Queued>,
    bytes: usize,
    packets: usize,
    next: Place,
    /// Where the entry of each key waits.
    keys: BTreeMap<ConflationKey, Place>,
    /// Bytes of the first entry that are out.
    written: usize,
}

struct Queued {
    place: Place,
    message: Prepared,
    fate: Fate,
}

/// The order of queueing; grows along the queue, and an entry keeps its place for life.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place(u64);

/// What may happen to an entry that waits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    GivesWay,
    ReplacedBy(ConflationKey),
}

/// There is no room and the policy allows no loss.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Outbox {
    /// Queues the message that the handshake itself brings; the queue is empty.
    pub(super) fn push_first(&mut self, message: &Prepared) {
        self.append(message, Fate::Stays);
    }

    /// Queues a message under a policy. [`SlowConsumer::Volatile`] has been decided before: here
    /// it only needs room.
    pub(super) fn push(
        &mut self,
        message: &Prepared,
        policy: SlowConsumer,
        limits: &Limits,
    ) -> Result<SendOutcome, Full> {
        match policy {
            SlowConsumer::Disconnect => self.push_or_fail(message, Fate::Stays, limits),
            SlowConsumer::DropNewest => Ok(self.push_or_drop(message, Fate::Stays, limits)),
            SlowConsumer::Volatile => Ok(self.push_or_drop(message, Fate::GivesWay, limits)),
            SlowConsumer::DropOldest => {
                self.make_room(message, limits);
                Ok(self.push_or_drop(message, Fate::GivesWay, limits))
            }
            SlowConsumer::ConflateBy(key) => self.conflate(message, key, limits),
        }
    }

    /// Lays entries out anew for a WebSocket that is about to take them; none of them has begun.
    pub(super) fn prepare_for(&mut self, binary: BinaryFrames) {
        if binary == BinaryFrames::Base64 {
            for entry in &mut self.entries {
                entry.message = entry.message.in_base64();
            }
            self.bytes = self.entries.iter().map(|entry| entry.message.len()).sum();
        }
    }

    /// The packets of as many whole entries as fit into `budget` bytes, at least one. One that must
    /// not be compressed speaks for all.
    pub(super) fn take_packets(
        &mut self,
        budget: usize,
        packets: &mut Vec<Packet>,
    ) -> Compressible {
        let mut compressible = Compressible::Yes;
        let mut taken = 0_usize;
        while let Some(first) = self.entries.front() {
            taken = taken.saturating_add(first.message.len());
            if taken > budget && !packets.is_empty() {
                break;
            }
            packets.extend(first.message.packets());
            if first.message.compressible() == Compressible::No {
                compressible = Compressible::No;
            }
            self.pop();
        }
        compressible
    }

    /// The WebSocket frames that wait, entry by entry, the first without its bytes that are out.
    pub(super) fn frames(&self, version: Version) -> impl Iterator<Item = &[u8]> {
        let mut skip = self.written;
        self.entries.iter().map(move |entry| {
            let frames = entry.message.frames(version);
            frames.get(std::mem::take(&mut skip)..).unwrap_or_default()
        })
    }

    /// The frames of the only entry that waits, without the bytes that are out.
    pub(super) fn only_frames(&self, version: Version) -> Option<&[u8]> {
        let only = self.entries.front().filter(|_| self.entries.len() == 1)?;
        only.message.frames(version).get(self.written..)
    }

    /// A round of the heartbeat is over: the client may be an idle one, which keeps little.
    pub(super) fn rest(&mut self) {
        self.keep_room_for(KEPT);
    }

    /// Counts bytes of the first entry as out; returns those that it did not need.
    pub(super) fn written(&mut self, version: Version, bytes: usize) -> usize {
        let Some(first) = self.entries.front() else {
            return bytes;
        };
        let left = first
            .message
            .frames(version)
            .len()
            .saturating_sub(self.written);
        if bytes < left {
            self.written += bytes;
            return 0;
        }
        self.pop();
        bytes - left
    }

    /// True while an entry is half out: nothing may go in between.
    pub(super) fn is_mid_entry(&self) -> bool {
        self.written > 0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn packets(&self) -> usize {
        self.packets
    }

    fn push_or_fail(
        &mut self,
        message: &Prepared,
        fate: Fate,
        limits: &Limits,
    ) -> Result<SendOutcome, Full> {
        if !self.has_room(message, limits) {
            return Err(Full);
        }
        self.append(message, fate);
        Ok(SendOutcome::Queued)
    }

    fn push_or_drop(&mut self, message: &Prepared, fate: Fate, limits: &Limits) -> SendOutcome {
        self.push_or_fail(message, fate, limits)
            .unwrap_or(SendOutcome::Dropped)
    }

    fn conflate(
        &mut self,
        message: &Prepared,
        key: ConflationKey,
        limits: &Limits,
    ) -> Result<SendOutcome, Full> {
        let Some(index) = self.replaceable(key) else {
            return self.push_or_fail(message, Fate::ReplacedBy(key), limits);
        };
        let Some(old) = self.entries.get(index) else {
            return Err(Full);
        };
        let bytes = self.bytes - old.message.len() + message.len();
        let packets = self.packets - old.message.packet_count() + message.packet_count();
        let alone = self.entries.len() == 1;
        if !alone && (bytes > limits.max_queued_bytes || packets > limits.max_queued_packets) {
            return Err(Full);
        }
        if let Some(old) = self.entries.get_mut(index) {
            old.message = message.clone();
        }
        (self.bytes, self.packets) = (bytes, packets);
        Ok(SendOutcome::Conflated)
    }

    /// Where the entry of this key waits, unless its first byte is out.
    fn replaceable(&self, key: ConflationKey) -> Option<usize> {
        let place = self.keys.get(&key)?;
        let index = self
            .entries
            .binary_search_by_key(place, |entry| entry.place)
            .ok()?;
        (index > 0 || !self.is_mid_entry()).then_some(index)
    }

    /// Drops the oldest entries that may go until the message has room, or none of them is left.
    fn make_room(&mut self, message: &Prepared, limits: &Limits) {
        let mut index = usize::from(self.is_mid_entry());
        while !self.has_room(message, limits) {
            match self.entries.get(index) {
                None => return,
                Some(entry) if entry.fate == Fate::GivesWay => self.remove(index),
                Some(_) => index += 1,
            }
        }
    }

    fn has_room(&self, message: &Prepared, limits: &Limits) -> bool {
        let bytes = self.bytes.saturating_add(message.len());
        let packets = self.packets.saturating_add(message.packet_count());
        self.is_empty()
            || (bytes <= limits.max_queued_bytes && packets <= limits.max_queued_packets)
    }

    fn append(&mut self, message: &Prepared, fate: Fate) {
        let place = self.next;
        self.next = Place(place.0 + 1);
        if let Fate::ReplacedBy(key) = fate {
            self.keys.insert(key, place);
        }
        self.bytes += message.len();
        self.packets += message.packet_count();
        self.entries.push_back(Queued {
            place,
            message: message.clone(),
            fate,
        });
    }

    fn pop(&mut self) {
        if let Some(gone) = self.entries.pop_front() {
            self.forget(&gone);
        }
        self.written = 0;
        self.keep_room_for(KEPT_BUSY);
    }

    fn remove(&mut self, index: usize) {
        if let Some(gone) = self.entries.remove(index) {
            self.forget(&gone);
        }
    }

    fn forget(&mut self, gone: &Queued) {
        self.bytes -= gone.message.len();
        self.packets -= gone.message.packet_count();
        if let Fate::ReplacedBy(key) = gone.fate
            && self.keys.get(&key) == Some(&gone.place)
        {
            self.keys.remove(&key);
        }
    }

    /// Gives back what an empty queue has beyond room for so many entries.
    fn keep_room_for(&mut self, entries: usize) {
        if self.entries.is_empty() && self.entries.capacity() > entries {
            self.entries = VecDeque::new();
        }
    }
}

const KEPT: usize = 4;
const KEPT_BUSY: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Text;

    #[test]
    fn room_for_a_burst_is_kept_until_the_heartbeat() {
        let message = Prepared::new(Text::from("news"));
        let mut outbox = Outbox::default();
        let burst = |outbox: &mut Outbox, entries| {
            (0..entries).for_each(|_| outbox.append(&message, Fate::Stays));
            (0..entries).for_each(|_| outbox.pop());
            outbox.entries.capacity()
        };
        assert_eq!(burst(&mut outbox, 32), 32);
        assert_eq!(burst(&mut outbox, 1), 32);
        outbox.rest();
        assert_eq!(burst(&mut outbox, 1), KEPT);
        outbox.rest();
        assert_eq!(outbox.entries.capacity(), KEPT);
        assert_eq!(burst(&mut outbox, 33), 0, "too much to keep");
    }

    #[test]
    fn what_waits_outlives_the_heartbeat() {
        let mut outbox = Outbox::default();
        outbox.append(&Prepared::new(Text::from("news")), Fate::Stays);
        outbox.rest();
        assert_eq!((outbox.packets(), outbox.entries.len()), (1, 1));
    }
}
