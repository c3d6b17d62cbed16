//! The place of one live socket in the log of its namespace.

use std::sync::{Mutex, MutexGuard, PoisonError};

use socketio_proto::{LostSocket, Offset, PrivateId, Stays};

use crate::{Room, SocketId};

/// Where a socket stands. Changed under the lock of the namespace's memory only; its own is there to
/// be shared.
#[derive(Debug)]
pub(crate) struct Place {
    private_id: PrivateId,
    origin: Origin,
    joined_at: Offset,
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    last_sent: Option<Offset>,
    rooms: Stays,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    New,
    Recovered,
}

impl Place {
    /// Of a socket that is let in now.
    pub(super) fn new(private_id: PrivateId, head: Offset) -> Self {
        Self {
            private_id,
            origin: Origin::New,
            joined_at: head,
            progress: Mutex::default(),
        }
    }

    /// Of a socket that has come back and has got what it missed.
    pub(super) fn recovered<S>(private_id: PrivateId, socket: &LostSocket<S>) -> Self {
        Self {
            private_id,
            origin: Origin::Recovered,
            joined_at: socket.joined_at,
            progress: Mutex::new(Progress {
                last_sent: socket.last_sent,
                rooms: socket.rooms.clone(),
            }),
        }
    }

    pub(crate) fn private_id(&self) -> &PrivateId {
        &self.private_id
    }

    pub(crate) fn is_recovered(&self) -> bool {
        self.origin == Origin::Recovered
    }

    /// A packet is on its way to the socket.
    pub(crate) fn sent(&self, offset: Offset) {
        self.progress().last_sent = Some(offset);
    }

    pub(super) fn joined(&self, room: &Room, head: Offset) {
        self.progress().rooms.join(room.shared(), head);
    }

    pub(super) fn left(&self, room: &Room) {
        self.progress().rooms.leave(room.as_str());
    }

    /// What is kept of a socket that is lost now.
    pub(super) fn lost<S>(&self, socket_id: &SocketId, head: Offset, state: S) -> LostSocket<S> {
        let progress = self.progress();
        LostSocket {
            socket_id: socket_id.shared(),
            rooms: progress.rooms.clone(),
            joined_at: self.joined_at,
            last_sent: progress.last_sent,
            sent_until: head,
            state,
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
