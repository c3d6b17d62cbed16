//! The sockets that were lost and may come back.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use super::{Offset, PrivateId};

/// A socket as it was when its connection was lost.
#[derive(Debug, Clone, PartialEq)]
pub struct LostSocket<S> {
    /// Its socket id, which it gets back.
    pub socket_id: Arc<str>,
    /// Its rooms, that of its own id among them.
    pub rooms: Vec<Arc<str>>,
    /// The head of the log when it was let in ([`Recovery::head`](super::Recovery::head)).
    pub joined_at: Offset,
    /// What the application keeps for it.
    pub state: S,
}

#[derive(Debug)]
pub(super) struct LostSockets<S> {
    sockets: HashMap<PrivateId, LostSocket<S>>,
    /// In the order of loss, which is that of expiry.
    queue: VecDeque<(Instant, PrivateId)>,
}

impl<S> Default for LostSockets<S> {
    fn default() -> Self {
        Self {
            sockets: HashMap::new(),
            queue: VecDeque::new(),
        }
    }
}

impl<S> LostSockets<S> {
    pub(super) fn insert(&mut self, at: Instant, id: PrivateId, socket: LostSocket<S>) {
        self.remove(&id);
        self.queue.push_back((at, id.clone()));
        self.sockets.insert(id, socket);
    }

    pub(super) fn find(&self, id: &PrivateId) -> Option<&LostSocket<S>> {
        self.sockets.get(id)
    }

    pub(super) fn remove(&mut self, id: &PrivateId) -> Option<LostSocket<S>> {
        let socket = self.sockets.remove(id)?;
        self.queue.retain(|(_, queued)| queued != id);
        Some(socket)
    }

    pub(super) fn oldest(&self) -> Option<Instant> {
        self.queue.front().map(|(at, _)| *at)
    }

    pub(super) fn trim(&mut self, is_old: impl Fn(Instant) -> bool, most: usize) {
        while let Some((at, id)) = self.queue.front() {
            if self.queue.len() <= most && !is_old(*at) {
                return;
            }
            self.sockets.remove(id);
            self.queue.pop_front();
        }
    }
}
