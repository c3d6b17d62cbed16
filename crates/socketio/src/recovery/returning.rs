//! A client on its way back into a namespace.

use std::{any::Any, sync::Arc};

use socketio_proto::{self as proto, Gap, Replay};

use super::{Dismissal, Memory, Place, kept::Kept};
use crate::{Room, SocketId};

/// The claim of a client to the socket that it has lost. Until it is let in, the socket is waited
/// for.
pub(crate) struct Returning(proto::Returning<Kept>);

impl Returning {
    pub(super) fn new(claim: proto::Returning<Kept>) -> Self {
        Self(claim)
    }

    /// The id that the socket gets back.
    pub(crate) fn socket_id(&self) -> SocketId {
        SocketId::restored(Arc::clone(&self.0.socket.socket_id))
    }

    /// What the application keeps for it.
    pub(crate) fn state(&self) -> Arc<dyn Any + Send + Sync> {
        Arc::clone(&self.0.socket.state.state)
    }

    /// The rooms that it was in.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = Room> {
        let rooms = self.0.socket.rooms.rooms();
        rooms.map(|room| Arc::clone(room).into())
    }

    /// The next part of what it missed.
    pub(crate) fn replay(&mut self, memory: &Memory) -> Result<Replay, Gap> {
        if self.0.socket.state.dismissal.is_given() {
            return Err(Gap);
        }
        memory.log().replay(&mut self.0, REPLAY_BYTES)
    }

    /// Where it stands after the replay, in a session with this dismissal.
    pub(crate) fn place(&self, dismissal: &Arc<Dismissal>) -> Place {
        Place::recovered(self.0.private_id.clone(), &self.0.socket, dismissal)
    }
}

/// Replayed at once, before there has to be room in the session's queue again.
const REPLAY_BYTES: usize = 64 * 1024;
