//! The sockets that were lost and may come back.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::Arc,
    time::Instant,
};

use super::{Offset, PrivateId, Stays};

/// A socket as it was when its connection was lost.
#[derive(Debug, Clone, PartialEq)]
pub struct LostSocket<S> {
    /// Its socket id, which it gets back.
    pub socket_id: Arc<str>,
    /// Its rooms.
    pub rooms: Stays,
    /// The head of the log when it was let in ([`Recovery::head`](super::Recovery::head)).
    pub joined_at: Offset,
    /// The last packet that was sent to it, if it was sent any.
    pub last_sent: Option<Offset>,
    /// The head of the log when it was lost: whoever has received the last packet that was sent has
    /// received everything up to here.
    pub sent_until: Offset,
    /// What the application keeps for it.
    pub state: S,
    /// What that takes, as far as the driver knows.
    pub state_bytes: usize,
}

impl<S> LostSocket<S> {
    /// Up to where a client has everything that was for it, given the last that it received. Packets
    /// for others may have left the log meanwhile, and do not count.
    pub(super) fn received_until(&self, received: Offset) -> Offset {
        // What was sent before the socket's time is not for it, whatever the client claims.
        let received = received.max(self.joined_at);
        if self.last_sent.is_none_or(|last| received >= last) {
            received.max(self.sent_until)
        } else {
            received
        }
    }

    /// What is kept of it, in bytes.
    fn bytes(&self) -> usize {
        size_of::<Awaited<S>>() + self.socket_id.len() + self.rooms.bytes() + self.state_bytes
    }
}

#[derive(Debug)]
pub(super) struct LostSockets<S> {
    sockets: HashMap<PrivateId, Awaited<S>>,
    /// Whose each socket id is.
    ids: HashMap<Arc<str>, PrivateId>,
    /// In the order of loss, which is that of expiry.
    queue: BTreeMap<Turn, (Instant, PrivateId)>,
    next: Turn,
    bytes: usize,
    /// Of those who have not come back.
    forgotten: Vec<S>,
}

#[derive(Debug)]
struct Awaited<S> {
    turn: Turn,
    socket: LostSocket<S>,
}

/// The place of a loss among all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn(u64);

impl<S> Default for LostSockets<S> {
    fn default() -> Self {
        Self {
            sockets: HashMap::new(),
            ids: HashMap::new(),
            queue: BTreeMap::new(),
            next: Turn::default(),
            bytes: 0,
            forgotten: Vec::new(),
        }
    }
}

impl<S> LostSockets<S> {
    pub(super) fn insert(&mut self, at: Instant, id: PrivateId, socket: LostSocket<S>) {
        self.give_up(&id);
        let turn = self.next;
        self.next = Turn(turn.0 + 1);
        self.queue.insert(turn, (at, id.clone()));
        self.ids.insert(Arc::clone(&socket.socket_id), id.clone());
        self.bytes += socket.bytes();
        self.sockets.insert(id, Awaited { turn, socket });
    }

    /// The socket and which loss it is.
    pub(super) fn find(&self, id: &PrivateId) -> Option<(Turn, &LostSocket<S>)> {
        let awaited = self.sockets.get(id)?;
        Some((awaited.turn, &awaited.socket))
    }

    /// The socket with this id.
    pub(super) fn get(&self, socket_id: &str) -> Option<&LostSocket<S>> {
        let awaited = self.sockets.get(self.ids.get(socket_id)?)?;
        Some(&awaited.socket)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &LostSocket<S>> {
        self.sockets.values().map(|awaited| &awaited.socket)
    }

    pub(super) fn len(&self) -> usize {
        self.sockets.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Changes the rooms of the socket with this id.
    pub(super) fn regroup(&mut self, socket_id: &str, change: impl FnOnce(&mut Stays)) {
        let id = self.ids.get(socket_id);
        if let Some(awaited) = id.and_then(|id| self.sockets.get_mut(id)) {
            self.bytes -= awaited.socket.bytes();
            change(&mut awaited.socket.rooms);
            self.bytes += awaited.socket.bytes();
        }
    }

    pub(super) fn remove(&mut self, id: &PrivateId) -> Option<LostSocket<S>> {
        let awaited = self.sockets.remove(id)?;
        self.ids.remove(&awaited.socket.socket_id);
        self.queue.remove(&awaited.turn);
        self.bytes -= awaited.socket.bytes();
        Some(awaited.socket)
    }

    pub(super) fn oldest(&self) -> Option<Instant> {
        let (at, _) = self.queue.values().next()?;
        Some(*at)
    }

    pub(super) fn trim(&mut self, is_old: impl Fn(Instant) -> bool) {
        while self.oldest().is_some_and(&is_old) {
            self.drop_oldest();
        }
    }

    pub(super) fn bound(&mut self, sockets: usize, bytes: usize) {
        while self.sockets.len() > sockets || self.bytes > bytes {
            self.drop_oldest();
        }
    }

    pub(super) fn drop_oldest(&mut self) {
        let oldest = self.queue.values().next();
        if let Some(id) = oldest.map(|(_, id)| id.clone()) {
            self.give_up(&id);
        }
    }

    /// Waits no longer for the socket with this id.
    pub(super) fn forget(&mut self, socket_id: &str) {
        if let Some(id) = self.ids.get(socket_id).cloned() {
            self.give_up(&id);
        }
    }

    pub(super) fn take_forgotten(&mut self) -> Vec<S> {
        mem::take(&mut self.forgotten)
    }

    fn give_up(&mut self, id: &PrivateId) {
        let socket = self.remove(id);
        self.forgotten.extend(socket.map(|socket| socket.state));
    }
}
