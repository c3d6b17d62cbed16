//! The place of one live socket in the log of its namespace.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use socketio_proto::{LostSocket, Offset, PrivateId, Stays};

use super::{Dismissal, kept::Kept};
use crate::{Room, socket::SocketCore};

/// Where a socket stands. Changed under the lock of the namespace's memory only; its own is there to
/// be shared.
#[derive(Debug)]
pub(crate) struct Place {
    private_id: PrivateId,
    origin: Origin,
    joined_at: Offset,
    dismissal: Arc<Dismissal>,
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
    pub(super) fn new(private_id: PrivateId, head: Offset, dismissal: &Arc<Dismissal>) -> Self {
        Self {
            private_id,
            origin: Origin::New,
            joined_at: head,
            dismissal: Arc::clone(dismissal),
            progress: Mutex::default(),
        }
    }

    /// Of a socket that has come back and has got what it missed.
    pub(super) fn recovered(
        private_id: PrivateId,
        socket: &LostSocket<Kept>,
        dismissal: &Arc<Dismissal>,
    ) -> Self {
        Self {
            private_id,
            origin: Origin::Recovered,
            joined_at: socket.joined_at,
            dismissal: Arc::clone(dismissal),
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

    pub(crate) fn dismissal(&self) -> &Arc<Dismissal> {
        &self.dismissal
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

    /// What is kept of its socket, which is lost now.
    pub(super) fn lost(&self, socket: &SocketCore, head: Offset) -> LostSocket<Kept> {
        let progress = self.progress();
        let state = Arc::clone(socket.state());
        LostSocket {
            socket_id: socket.id().shared(),
            rooms: progress.rooms.clone(),
            joined_at: self.joined_at,
            last_sent: progress.last_sent,
            sent_until: head,
            state_bytes: size_of_val(&*state),
            state: Kept {
                state,
                dismissal: Arc::clone(&self.dismissal),
            },
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
