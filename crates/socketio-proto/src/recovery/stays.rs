//! The rooms that one socket is in, each with the moment in which it joined.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use super::Offset;

/// The rooms of a socket by name. What a room was sent before the socket joined it is not for the
/// socket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stays {
    rooms: BTreeMap<Arc<str>, Offset>,
    bytes: usize,
}

impl Stays {
    /// Joins a room when this was the head of the log. In a room that it is in, nothing happens.
    pub fn join(&mut self, room: Arc<str>, head: Offset) {
        if let Entry::Vacant(place) = self.rooms.entry(room) {
            self.bytes += cost(place.key());
            place.insert(head);
        }
    }

    /// Leaves a room.
    pub fn leave(&mut self, room: &str) {
        if self.rooms.remove(room).is_some() {
            self.bytes -= cost(room);
        }
    }

    /// True if the socket is in the room.
    pub fn contains(&self, room: &str) -> bool {
        self.rooms.contains_key(room)
    }

    /// The names of the rooms.
    pub fn rooms(&self) -> impl Iterator<Item = &Arc<str>> {
        self.rooms.keys()
    }

    /// Number of rooms.
    pub fn len(&self) -> usize {
        self.rooms.len()
    }

    /// True if the socket is in no room.
    pub fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }

    /// True if the socket was in the room when the packet with this offset was sent to it.
    pub(super) fn hears(&self, room: &str, offset: Offset) -> bool {
        self.rooms.get(room).is_some_and(|since| *since < offset)
    }

    /// What it takes. The names count in full: nobody else may hold them any more.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

fn cost(room: &str) -> usize {
    room.len() + size_of::<(Arc<str>, Offset)>()
}
