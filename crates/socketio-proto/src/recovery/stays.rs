//! The rooms that one socket is in, each with the moment in which it joined.

use std::{collections::BTreeMap, sync::Arc};

use super::Offset;

/// The rooms of a socket by name. What a room was sent before the socket joined it is not for the
/// socket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stays(BTreeMap<Arc<str>, Offset>);

impl Stays {
    /// Joins a room when this was the head of the log. In a room that it is in, nothing happens.
    pub fn join(&mut self, room: Arc<str>, head: Offset) {
        self.0.entry(room).or_insert(head);
    }

    /// Leaves a room.
    pub fn leave(&mut self, room: &str) {
        self.0.remove(room);
    }

    /// True if the socket is in the room.
    pub fn contains(&self, room: &str) -> bool {
        self.0.contains_key(room)
    }

    /// The names of the rooms.
    pub fn rooms(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.keys()
    }

    /// Number of rooms.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if the socket is in no room.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if the socket was in the room when the packet with this offset was sent to it.
    pub(super) fn hears(&self, room: &str, offset: Offset) -> bool {
        self.0.get(room).is_some_and(|since| *since < offset)
    }
}
