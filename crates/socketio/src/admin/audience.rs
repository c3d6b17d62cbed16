//! The admins that have come, on their way to the task that tells them what happens.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use engineio::proto::{SendOptions, SlowConsumer};
use tokio::sync::Notify;

use super::mirror::Mirror;
use crate::{EmitOutcome, link::Message, socket::SocketCore};

/// Who has come since the task looked last, and whether there is a task.
#[derive(Default)]
pub(super) struct Audience {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    arrived: Vec<Arc<SocketCore>>,
    task: Task,
}

/// The task that looks after admins exists only while there are any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Task {
    #[default]
    None,
    Running,
}

/// An admin, and what it knows.
pub(super) struct Viewer {
    pub(super) socket: Arc<SocketCore>,
    pub(super) picture: Picture,
}

/// Whether an admin knows which sockets there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Picture {
    /// What happens is told when it happens.
    Whole,
    /// It has just come, or has not kept up: it is told all of it once it has read what waits.
    Missing,
}

impl Audience {
    /// An admin has come. If no task was there, one has to be begun now: the mirror's eyes are open.
    pub(super) fn enter(&self, admin: Arc<SocketCore>, mirror: &Mirror) -> Task {
        let mut state = self.state();
        state.arrived.push(admin);
        self.changed.notify_one();
        mirror.open_eyes();
        mem::replace(&mut state.task, Task::Running)
    }

    pub(super) fn arrived(&self) -> Vec<Viewer> {
        let arrived = mem::take(&mut self.state().arrived).into_iter();
        let viewers = arrived.map(|socket| Viewer {
            socket,
            picture: Picture::Missing,
        });
        viewers.collect()
    }

    /// Ends the task, whose viewers have all left, unless somebody has come meanwhile.
    pub(super) fn end(&self, mirror: &Mirror) -> Task {
        let mut state = self.state();
        if state.arrived.is_empty() {
            state.task = Task::None;
            mirror.close_eyes();
        }
        state.task
    }

    /// Somebody may have left.
    pub(super) fn look_around(&self) {
        self.changed.notify_one();
    }

    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Viewer {
    pub(super) fn is_here(&self) -> bool {
        let client = self.socket.client();
        client.is_ok_and(|client| client.has(&self.socket))
    }

    /// True if it has to be told everything, and has read what was told before.
    pub(super) fn wants_picture(&self) -> bool {
        self.picture == Picture::Missing && self.backlog() <= CAUGHT_UP
    }

    /// Bytes that wait for this admin.
    fn backlog(&self) -> usize {
        let client = self.socket.client();
        client.map_or(0, |client| client.session().queued_bytes())
    }

    /// Tells what has happened, if the admin keeps up.
    pub(super) fn tell(&mut self, message: &Message) {
        if self.picture == Picture::Whole && self.send(message) == Sent::No {
            self.picture = Picture::Missing;
        }
    }

    /// Tells everything at once.
    pub(super) fn show(&mut self, message: &Message) {
        if self.send(message) == Sent::Yes {
            self.picture = Picture::Whole;
        }
    }

    /// Sends what may be lost.
    pub(super) fn send(&self, message: &Message) -> Sent {
        if self.backlog() > MAX_BACKLOG {
            return Sent::No;
        }
        let options = SendOptions::with(SlowConsumer::DropNewest);
        match self.socket.send(message, options) {
            Ok(EmitOutcome::Queued | EmitOutcome::Conflated) => Sent::Yes,
            Ok(EmitOutcome::Dropped) | Err(_) => Sent::No,
        }
    }
}

/// Whether a message is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "an admin who missed something has to be told all again"]
pub(super) enum Sent {
    Yes,
    No,
}

/// Bytes that may wait for an admin who has to be told everything.
const CAUGHT_UP: usize = 16 * 1024;
/// Bytes that may wait for an admin; the rest of its queue is left to what must not be lost.
const MAX_BACKLOG: usize = 256 * 1024;
