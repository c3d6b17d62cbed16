//! Letting a client into a namespace: a new socket, or one that comes back.

use std::{
    any::Any,
    sync::{Arc, MutexGuard},
};

use engineio::proto::CloseReason;
use socketio_proto::{Gap, NotAsking, Protocol, Replay};

use super::{Client, State};
use crate::{
    admission::Candidate,
    deliver::Work,
    recovery::{Memory, Place, Returning},
    socket::SocketCore,
};

/// How far a client has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// It is in, or it has gone.
    Done,
    /// It has been sent a part of what it missed. The next follows once there is room in its queue
    /// and others have had their turn.
    Replaying,
}

impl Client {
    /// Lets in whom the namespace's middleware has admitted, or goes on with the replay before. The
    /// connect handler is begun as soon as nothing is locked, and so is the next question of a client
    /// that took this one back.
    pub(crate) fn let_in(
        self: &Arc<Self>,
        candidate: &mut Candidate,
        admitted: &Arc<dyn Any + Send + Sync>,
    ) -> Entrance {
        match self.let_in_locked(candidate, admitted) {
            Ok(entrance) => {
                self.deliverer.begin();
                entrance
            }
            Err(NotAsking) => {
                self.feed(|_, _| ());
                Entrance::Done
            }
        }
    }

    fn let_in_locked(
        self: &Arc<Self>,
        candidate: &mut Candidate,
        admitted: &Arc<dyn Any + Send + Sync>,
    ) -> Result<Entrance, NotAsking> {
        let mut state = self.lock();
        let namespace = Arc::clone(&candidate.namespace);
        // Held until the socket is in, so that it misses nothing and gets nothing twice.
        let memory = namespace.memory();
        match (memory, state.connection.protocol()) {
            (Some(memory), Protocol::V5) => {
                self.let_in_recoverable(&mut state, memory, candidate, admitted)
            }
            (_memory, _) => {
                let id = candidate.id.as_str();
                state.connection.accept(namespace.name(), id)?;
                self.enter(&mut state, candidate, admitted, None);
                Ok(Entrance::Done)
            }
        }
    }

    fn let_in_recoverable(
        self: &Arc<Self>,
        state: &mut State,
        mut memory: MutexGuard<'_, Memory>,
        candidate: &mut Candidate,
        admitted: &Arc<dyn Any + Send + Sync>,
    ) -> Result<Entrance, NotAsking> {
        if let Some(returning) = &mut candidate.returning {
            match returning.replay(&memory) {
                Ok(Replay::Part(missed)) => {
                    missed.into_iter().for_each(|packet| self.write(packet));
                    return Ok(Entrance::Replaying);
                }
                Ok(Replay::Last(missed)) => {
                    missed.into_iter().for_each(|packet| self.write(packet));
                }
                Err(Gap) => {
                    // It may have got a part and cannot get the rest: its next session begins anew.
                    self.session().close(CloseReason::SlowConsumer);
                    return Ok(Entrance::Done);
                }
            }
        }
        let place = match &candidate.returning {
            Some(returning) => Some(returning.place(&self.dismissal)),
            None => memory.place(&self.dismissal),
        };
        let (name, id) = (candidate.namespace.name(), candidate.id.as_str());
        let connection = &mut state.connection;
        match &place {
            Some(place) => connection.accept_recoverable(name, id, place.private_id())?,
            None => connection.accept(name, id)?,
        }
        let socket = self.enter(state, candidate, admitted, place.map(Arc::new));
        memory.enter(&socket);
        Ok(Entrance::Done)
    }

    /// The connect handler is the first thing in the socket's inbox.
    fn enter(
        self: &Arc<Self>,
        state: &mut State,
        candidate: &Candidate,
        admitted: &Arc<dyn Any + Send + Sync>,
        place: Option<Arc<Place>>,
    ) -> Arc<SocketCore> {
        let link = self.link.of(place.as_ref());
        let socket = SocketCore::new(candidate, self, Arc::clone(admitted), place);
        let rooms = candidate.returning.iter().flat_map(Returning::rooms);
        // All that is to be done now is to send the answer.
        let welcome = || self.settle(state);
        candidate.namespace.enter(&socket, link, rooms, welcome);
        socket.counters().joined();
        state.sockets.insert(Arc::clone(&socket));
        socket.deliver_due(Work::Connected);
        socket
    }
}
