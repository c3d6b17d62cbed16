//! What the application does to sockets, wherever they are: those that have lost their client and
//! wait for it are moved and sent away as if they were here.
//!
//! The lock of the namespace's memory is held meanwhile, under which sockets are lost and come back, so
//! that none is moved here and comes back unmoved. Those who are here are sent away after it: one that
//! is lost before its turn is forgotten, and one that is even back by then has come too late to be meant.

use std::{borrow::Cow, sync::Arc};

use super::{
    NamespaceCore,
    core::Table,
    members::{joined, left},
};
use crate::{JoinError, Room, SocketId, Target, recovery::Memory, socket::SocketCore};

impl NamespaceCore {
    /// Puts all sockets that a target means into rooms. Who cannot join is counted and logged; the
    /// others are moved all the same.
    pub(super) fn join_all(&self, target: &Target, names: &[Room]) {
        let mut memory = self.memory();
        let mut rooms = self.rooms_mut();
        let here = here(memory.as_deref(), &rooms, target);
        if let Some(memory) = &mut memory {
            for id in away(memory, &rooms, target) {
                for room in names {
                    let _ = self.put_away_into(memory, &id, room);
                }
            }
        }
        for socket in here {
            for room in names {
                if self.put_into(&mut rooms, &socket, room).is_ok() {
                    joined(memory.as_deref(), &socket, room);
                }
            }
        }
    }

    /// Takes all sockets that a target means out of rooms.
    pub(super) fn leave_all(&self, target: &Target, names: &[Room]) {
        let mut memory = self.memory();
        let mut rooms = self.rooms_mut();
        let here = here(memory.as_deref(), &rooms, target);
        if let Some(memory) = &mut memory {
            for id in away(memory, &rooms, target) {
                names.iter().for_each(|room| memory.leave_away(&id, room));
            }
        }
        for socket in here {
            for room in names {
                self.take_out_of(&mut rooms, socket.id(), room);
                left(memory.as_deref(), &socket, room);
            }
        }
    }

    /// Takes all sockets that a target means out of the namespace.
    pub(super) fn disconnect_all(&self, target: &Target) {
        for socket in self.dismiss(target, Memory::forget) {
            socket.disconnect();
        }
    }

    /// Ends the sessions of all sockets that a target means.
    pub(super) fn close_all(&self, target: &Target) {
        for socket in self.dismiss(target, Memory::close) {
            socket.close();
        }
    }

    /// Those who are here are returned: they are told, which takes the locks of their clients.
    fn dismiss(
        &self,
        target: &Target,
        dismiss: impl Fn(&mut Memory, &SocketId),
    ) -> Vec<Arc<SocketCore>> {
        let mut memory = self.memory();
        let rooms = self.rooms();
        let here = here(memory.as_deref(), &rooms, target);
        if let Some(memory) = &mut memory {
            for id in away(memory, &rooms, target) {
                dismiss(memory, &id);
            }
        }
        here
    }

    /// A socket is not waited for any more, if it was.
    pub(crate) fn forget(&self, socket: &SocketCore) {
        if let Some(mut memory) = self.memory()
            && memory.awaits(socket)
        {
            memory.forget(socket.id());
        }
    }

    /// Puts a socket that is away into a room, to be in it when it comes back.
    pub(super) fn put_away_into(
        &self,
        memory: &mut Memory,
        id: &SocketId,
        room: &Room,
    ) -> Result<(), JoinError> {
        let joined = memory.join_away(id, room, self.settings().max_rooms);
        joined.inspect_err(|error| self.tell_refused(id, *error))
    }
}

/// The sockets of this moment that a target means.
pub(super) fn here(
    memory: Option<&Memory>,
    rooms: &Table,
    target: &Target,
) -> Vec<Arc<SocketCore>> {
    let target = meant_here(memory, target);
    let sockets = target.iter().flat_map(|target| rooms.sockets(target));
    sockets.cloned().collect()
}

/// A target as it counts for those who are here, if any of them may be meant.
pub(super) fn meant_here<'a>(
    memory: Option<&Memory>,
    target: &'a Target,
) -> Option<Cow<'a, Target>> {
    match memory {
        Some(memory) => memory.here(target),
        None => Some(Cow::Borrowed(target)),
    }
}

fn away(memory: &Memory, rooms: &Table, target: &Target) -> Vec<SocketId> {
    memory.select(target, |name| rooms.is_id(name))
}
