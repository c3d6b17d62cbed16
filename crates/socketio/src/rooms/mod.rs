//! Who is in which room of one namespace: pure data, its lock is elsewhere.
//!
//! Room names are interned, members lie densely, and each socket knows its place in each of its
//! rooms, so that joining and leaving cost the same in a room of any size.

use std::{borrow::Borrow, collections::HashMap, fmt, sync::Arc};

use slab::Slab;

use crate::{JoinError, SocketId};

mod members;
mod selection;
#[cfg(test)]
mod tests;

pub(crate) use members::SocketKey;
use members::{Member, Members, Position};
pub(crate) use selection::Selection;

/// The name of a room. Cloning it counts a reference.
///
/// Every socket is reachable by its id as if it were alone in a room of that name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Room(Arc<str>);

/// To whom an operation goes: the sockets that are in any of `rooms` (all, if there is none) and
/// in none of `except`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// Rooms, or socket ids.
    pub rooms: Vec<Room>,
    /// Rooms, or socket ids, that are left out.
    pub except: Vec<Room>,
}

/// What became of a room when a socket was to join or leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It has its first member.
    Opened,
    /// It has lost its last member.
    Closed,
    /// It had members before and has others now.
    Members,
    /// Nothing: the socket was there already, or was not.
    None,
}

/// The sockets of a namespace and their rooms.
///
/// `S` is what is kept of a socket, `M` the little that a broadcast needs of a member.
pub(crate) struct Rooms<S, M> {
    sockets: Slab<Entry<S, M>>,
    by_id: HashMap<SocketId, SocketKey>,
    everyone: Members<M>,
    rooms: Slab<Group<M>>,
    by_name: HashMap<Room, RoomKey>,
}

struct Entry<S, M> {
    socket: S,
    handle: M,
    in_everyone: Position,
    /// Sorted by room.
    memberships: Vec<(RoomKey, Position)>,
}

struct Group<M> {
    name: Room,
    members: Members<M>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct RoomKey(usize);

impl<S, M: Clone> Rooms<S, M> {
    pub(crate) fn new() -> Self {
        Self {
            sockets: Slab::new(),
            by_id: HashMap::new(),
            everyone: Members::new(),
            rooms: Slab::new(),
            by_name: HashMap::new(),
        }
    }

    /// Adds a socket that is in no room yet. An id that is here already is replaced; returned are
    /// the rooms that are gone with its last stay.
    pub(crate) fn insert(&mut self, id: SocketId, socket: S, handle: M) -> Vec<Room> {
        let closed = self.remove(&id);
        let place = self.sockets.vacant_entry();
        let key = SocketKey(place.key());
        let in_everyone = self.everyone.push(Member {
            key,
            handle: handle.clone(),
        });
        place.insert(Entry {
            socket,
            handle,
            in_everyone,
            memberships: Vec::new(),
        });
        self.by_id.insert(id, key);
        closed
    }

    /// Takes a socket out of everything. Returns the rooms of which it was the last member.
    pub(crate) fn remove(&mut self, id: &SocketId) -> Vec<Room> {
        let Some(key) = self.by_id.remove(id) else {
            return Vec::new();
        };
        let entry = self.sockets.remove(key.0);
        if let Some(moved) = self.everyone.swap_remove(entry.in_everyone)
            && let Some(moved) = self.sockets.get_mut(moved.0)
        {
            moved.in_everyone = entry.in_everyone;
        }
        let memberships = entry.memberships.into_iter();
        memberships
            .filter_map(|(room, position)| self.take_out(room, position))
            .collect()
    }

    /// Puts a socket into a room, unless the name is too long or it is in `most` already. In a room that it is in, nothing
    /// happens.
    pub(crate) fn join(
        &mut self,
        id: &SocketId,
        name: &Room,
        most: usize,
    ) -> Result<Change, JoinError> {
        let key = *self.by_id.get(id).ok_or(JoinError::Gone)?;
        let entry = self.sockets.get(key.0).ok_or(JoinError::Gone)?;
        if self
            .by_name
            .get(name)
            .is_some_and(|&room| entry.is_in(room))
        {
            return Ok(Change::None);
        }
        name.check(entry.memberships.len(), most)?;
        let member = Member {
            key,
            handle: entry.handle.clone(),
        };
        let (room, change) = self.open(name);
        let position = self.rooms[room.0].members.push(member);
        let memberships = &mut self.sockets[key.0].memberships;
        let place = memberships.partition_point(|(other, _)| *other < room);
        memberships.insert(place, (room, position));
        Ok(change)
    }

    /// Takes a socket out of a room, if it is there.
    pub(crate) fn leave(&mut self, id: &SocketId, name: &Room) -> Change {
        let (Some(&key), Some(&room)) = (self.by_id.get(id), self.by_name.get(name)) else {
            return Change::None;
        };
        let Some(entry) = self.sockets.get_mut(key.0) else {
            return Change::None;
        };
        let Ok(place) = entry.find(room) else {
            return Change::None;
        };
        let (_, position) = entry.memberships.remove(place);
        match self.take_out(room, position) {
            Some(_) => Change::Closed,
            None => Change::Members,
        }
    }

    /// The rooms of a socket, in no order.
    pub(crate) fn rooms_of(&self, id: &SocketId) -> Vec<Room> {
        let entry = self.by_id.get(id).and_then(|key| self.sockets.get(key.0));
        entry.map_or_else(Vec::new, |entry| {
            let rooms = entry.memberships.iter();
            rooms
                .map(|(room, _)| self.rooms[room.0].name.clone())
                .collect()
        })
    }

    /// The sockets that a target means, in no order.
    pub(crate) fn sockets(&self, target: &Target) -> impl Iterator<Item = &S> {
        let selection = self.select(target);
        let keys: Vec<SocketKey> = selection.keys().collect();
        keys.into_iter()
            .filter_map(|key| self.sockets.get(key.0))
            .map(|entry| &entry.socket)
    }

    /// Up to so many of them, at the cost of so many.
    pub(crate) fn some(&self, target: &Target, count: usize) -> Vec<&S> {
        let selection = self.select(target);
        let entries = selection.keys().filter_map(|key| self.sockets.get(key.0));
        entries.take(count).map(|entry| &entry.socket).collect()
    }

    /// What is kept of a socket.
    pub(crate) fn socket(&self, id: &SocketId) -> Option<&S> {
        let key = self.by_id.get(id)?;
        self.sockets.get(key.0).map(|entry| &entry.socket)
    }

    /// True if a name is the id of a socket.
    pub(crate) fn is_id(&self, name: &Room) -> bool {
        self.by_id.contains_key(name.as_str())
    }

    /// Number of sockets.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// All rooms with the number of their members.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = (&Room, usize)> {
        self.rooms
            .iter()
            .map(|(_, group)| (&group.name, group.members.len()))
    }

    /// The room of this name, which is about to get a member.
    fn open(&mut self, name: &Room) -> (RoomKey, Change) {
        if let Some(&room) = self.by_name.get(name) {
            return (room, Change::Members);
        }
        let room = RoomKey(self.rooms.insert(Group {
            name: name.clone(),
            members: Members::new(),
        }));
        self.by_name.insert(name.clone(), room);
        (room, Change::Opened)
    }

    /// Takes the member at a position out of a room and tells the one that fills the gap. A room
    /// without members is gone, and returned.
    fn take_out(&mut self, room: RoomKey, position: Position) -> Option<Room> {
        let group = self.rooms.get_mut(room.0)?;
        if let Some(moved) = group.members.swap_remove(position)
            && let Some(entry) = self.sockets.get_mut(moved.0)
            && let Ok(place) = entry.find(room)
        {
            entry.memberships[place].1 = position;
        }
        if !group.members.is_empty() {
            return None;
        }
        let gone = self.rooms.remove(room.0).name;
        self.by_name.remove(&gone);
        Some(gone)
    }
}

impl<S, M> Entry<S, M> {
    fn is_in(&self, room: RoomKey) -> bool {
        self.find(room).is_ok()
    }

    /// Where the room stands in the list, or where it would go.
    fn find(&self, room: RoomKey) -> Result<usize, usize> {
        self.memberships
            .binary_search_by_key(&room, |(room, _)| *room)
    }
}

impl Room {
    /// The most bytes in the name of a room that is joined. Applications often let clients choose.
    pub const MAX_LEN: usize = 1024;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// Whether a socket that is in so many rooms may join it, with this bound on them.
    pub(crate) fn check(&self, rooms: usize, most: usize) -> Result<(), JoinError> {
        if rooms >= most {
            return Err(JoinError::TooManyRooms);
        }
        if self.0.len() > Self::MAX_LEN {
            return Err(JoinError::NameTooLong);
        }
        Ok(())
    }
}

impl From<Arc<str>> for Room {
    fn from(name: Arc<str>) -> Self {
        Self(name)
    }
}

impl From<&String> for Room {
    fn from(name: &String) -> Self {
        name.as_str().into()
    }
}

impl From<&str> for Room {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl From<String> for Room {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl From<&Self> for Room {
    fn from(room: &Self) -> Self {
        room.clone()
    }
}

impl From<&SocketId> for Room {
    fn from(id: &SocketId) -> Self {
        id.as_str().into()
    }
}

impl From<SocketId> for Room {
    fn from(id: SocketId) -> Self {
        Self::from(&id)
    }
}

impl Borrow<str> for Room {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
