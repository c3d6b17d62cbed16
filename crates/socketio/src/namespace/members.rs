//! Who is in a namespace and in which of its rooms: what the adapter, the observer and the memory for
//! recovery are told of it, in order, because it is done under the lock of the rooms.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    ptr, slice,
    sync::{Arc, PoisonError, RwLockReadGuard, RwLockWriteGuard},
};

use super::{NamespaceCore, away::here, core::Table};
use crate::{
    Adapter, DisconnectReason, JoinError, Room, SocketId, SocketInfo, Target, link::Link,
    observer::Happening, recovery::Memory, rooms::Change, socket::SocketCore, stats::Refused,
};

impl NamespaceCore {
    /// Lets a socket into the namespace and into rooms, and tells its client with `welcome`. Nothing
    /// that is sent to the namespace comes before that, and nothing that is sent afterwards misses
    /// the socket.
    pub(crate) fn enter(
        &self,
        socket: &Arc<SocketCore>,
        link: Link,
        names: impl Iterator<Item = Room>,
        welcome: impl FnOnce(),
    ) {
        let mut rooms = self.rooms_mut();
        welcome();
        let closed = rooms.insert(socket.id().clone(), Arc::clone(socket), link);
        self.tell_closed(&closed);
        self.tell(|| Happening::Connected(socket));
        for name in names {
            // It was in them when they were joined, so that they are not too many.
            let _ = self.put_into(&mut rooms, socket, &name);
        }
    }

    /// Takes out a socket that has left. If it was lost, it may come back.
    pub(crate) fn remove(&self, socket: &Arc<SocketCore>, reason: DisconnectReason) {
        let memory = self.memory();
        let mut rooms = self.rooms_mut();
        self.tell(|| Happening::Disconnected {
            socket,
            reason,
            rooms: rooms.rooms_of(socket.id()),
        });
        let closed = rooms.remove(socket.id());
        self.tell_closed(&closed);
        if let (Some(mut memory), Some(place)) = (memory, socket.place()) {
            if reason.is_loss() {
                memory.lose(socket, place);
            } else {
                memory.leave(place);
            }
        }
    }

    pub(crate) fn join(&self, socket: &SocketCore, room: &Room) -> Result<(), JoinError> {
        let mut memory = self.memory();
        let mut rooms = self.rooms_mut();
        if is_here(&rooms, socket) {
            self.put_into(&mut rooms, socket, room)?;
            joined(memory.as_deref(), socket, room);
            return Ok(());
        }
        match &mut memory {
            Some(memory) if memory.awaits(socket) => self.put_away_into(memory, socket.id(), room),
            _ => Err(JoinError::Gone),
        }
    }

    pub(crate) fn leave(&self, socket: &SocketCore, room: &Room) {
        let mut memory = self.memory();
        let mut rooms = self.rooms_mut();
        if is_here(&rooms, socket) {
            self.take_out_of(&mut rooms, socket.id(), room);
            left(memory.as_deref(), socket, room);
        } else if let Some(memory) = &mut memory
            && memory.awaits(socket)
        {
            memory.leave_away(socket.id(), room);
        }
    }

    pub(crate) fn rooms_of(&self, socket: &SocketCore) -> Vec<Room> {
        let memory = self.memory();
        let rooms = self.rooms();
        if is_here(&rooms, socket) {
            return rooms.rooms_of(socket.id());
        }
        let memory = memory.filter(|memory| memory.awaits(socket));
        memory.map_or_else(Vec::new, |memory| memory.rooms_away(socket.id()))
    }

    pub(crate) fn socket(&self, id: &SocketId) -> Option<Arc<SocketCore>> {
        self.rooms().socket(id).cloned()
    }

    pub(crate) fn sockets(&self, target: &Target) -> Vec<Arc<SocketCore>> {
        let memory = self.memory();
        here(memory.as_deref(), &self.rooms(), target)
    }

    /// Up to so many sockets.
    pub(crate) fn some_sockets(&self, count: usize) -> Vec<Arc<SocketCore>> {
        let rooms = self.rooms();
        let sockets = rooms.some(&Target::default(), count);
        sockets.into_iter().cloned().collect()
    }

    /// The ids of up to so many sockets that a target means.
    pub(crate) fn some_ids(&self, target: &Target, count: usize) -> Vec<SocketId> {
        let rooms = self.rooms();
        let sockets = rooms.some(target, count).into_iter();
        sockets.map(|socket| socket.id().clone()).collect()
    }

    /// The sockets that a target means, as other servers may know them.
    pub(crate) fn describe(&self, target: &Target) -> Vec<SocketInfo> {
        let memory = self.memory();
        let rooms = self.rooms();
        let sockets = here(memory.as_deref(), &rooms, target);
        sockets
            .iter()
            .map(|socket| SocketInfo {
                id: socket.id().clone(),
                rooms: rooms.rooms_of(socket.id()),
            })
            .collect()
    }

    /// The rooms, under their lock: never call out of this crate with it.
    pub(crate) fn rooms(&self) -> RwLockReadGuard<'_, Table> {
        self.rooms.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn rooms_mut(&self) -> RwLockWriteGuard<'_, Table> {
        self.rooms.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put_into(
        &self,
        rooms: &mut Table,
        socket: &SocketCore,
        room: &Room,
    ) -> Result<(), JoinError> {
        let id = socket.id();
        let change = rooms.join(id, room, self.settings().max_rooms);
        let change = change.inspect_err(|error| self.tell_refused(id, *error))?;
        if change == Change::Opened {
            self.tell_adapter(|adapter, namespace| adapter.room_opened(namespace, room));
        }
        if change != Change::None {
            self.tell(|| Happening::Joined {
                namespace: self.name(),
                room,
                socket: id,
            });
        }
        Ok(())
    }

    pub(super) fn take_out_of(&self, rooms: &mut Table, id: &SocketId, room: &Room) {
        let change = rooms.leave(id, room);
        if change == Change::Closed {
            self.tell_closed(slice::from_ref(room));
        }
        if change != Change::None {
            self.tell(|| Happening::Left {
                namespace: self.name(),
                room,
                socket: id,
            });
        }
    }

    fn tell_closed(&self, closed: &[Room]) {
        for room in closed {
            self.tell_adapter(|adapter, namespace| adapter.room_closed(namespace, room));
        }
    }

    /// A panic of the adapter ends here: otherwise half of what is done under the locks would be left
    /// undone, and the other sockets of a session that ends would stay in their namespaces.
    fn tell_adapter(&self, tell: impl FnOnce(&dyn Adapter, &str)) {
        let (adapter, namespace) = (self.settings().adapter.as_ref(), self.name().as_str());
        if catch_unwind(AssertUnwindSafe(|| tell(adapter, namespace))).is_err() {
            tracing::error!(namespace, "adapter panicked when it was told of a room");
        }
    }

    pub(super) fn tell_refused(&self, socket: &SocketId, error: JoinError) {
        let refused = match error {
            JoinError::Gone => return,
            JoinError::TooManyRooms => Refused::TooManyRooms,
            JoinError::NameTooLong => Refused::RoomNameTooLong,
        };
        self.settings().counters.refused(refused);
        let (namespace, reason) = (self.name().as_str(), refused.name());
        tracing::debug!(namespace, %socket, reason, "room refused");
    }
}

/// From now on what the room is sent is for the socket, if it comes back.
pub(super) fn joined(memory: Option<&Memory>, socket: &SocketCore, room: &Room) {
    if let (Some(memory), Some(place)) = (memory, socket.place()) {
        memory.joined(place, room);
    }
}

pub(super) fn left(memory: Option<&Memory>, socket: &SocketCore, room: &Room) {
    if let (Some(memory), Some(place)) = (memory, socket.place()) {
        memory.left(place, room);
    }
}

/// False for a socket that has left, although in protocol 4 another may have its id by now.
fn is_here(rooms: &Table, socket: &SocketCore) -> bool {
    let here = rooms.socket(socket.id());
    here.is_some_and(|here| ptr::eq(Arc::as_ptr(here), socket))
}
