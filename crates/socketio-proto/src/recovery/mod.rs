//! What a namespace keeps so that a client that lost its connection finds its place again
//! (SIO5 6.7, protocol 5 only).
//!
//! Owns the log of what was sent and the sockets that were lost, both bounded in count, bytes and
//! time, and what all namespaces of a server hold together. Who is in the namespace now, and the order between recording and sending, are the driver's.

mod budget;
mod limits;
mod log;
mod lost;
mod request;
mod stays;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Instant};

use engineio_proto::Entry;

use self::{
    budget::{Excess, Share},
    log::Log,
    lost::{LostSockets, Turn},
};

pub use self::{
    budget::RecoveryBudget,
    limits::RecoveryLimits,
    log::{Address, Audience, Offset},
    lost::LostSocket,
    request::{PrivateId, RecoveryRequest},
    stays::Stays,
};

/// The memory of one namespace. `S` is what the application keeps for a socket.
///
/// # Contract
///
/// - [`Recovery::record`] gives each packet its offset and keeps it; the packet that is sent is the
///   one that was recorded. Volatile events and those that want an answer are not recorded.
/// - A packet is recorded and its recipients are chosen under one lock, which [`Recovery::resume`]
///   and letting the socket back in share: so nothing is missed and nothing comes twice. It is queued
///   under that lock, too, as clients count by the last offset that they received.
/// - A socket is [`lost`](Recovery::lose) when its session ends otherwise than by the application or
///   by a DISCONNECT.
#[derive(Debug)]
pub struct Recovery<S> {
    limits: RecoveryLimits,
    log: Log,
    lost: LostSockets<S>,
    share: Share,
}

/// A socket that is coming back: it gets what it missed, then it is let in.
#[derive(Debug, Clone, PartialEq)]
pub struct Returning<S> {
    /// As it was when it was lost, and where it stands with what it missed. Its rooms are those of
    /// the last part of that.
    pub socket: LostSocket<S>,
    /// Whose it is.
    pub private_id: PrivateId,
    /// Of which loss: if it is let in and lost again meanwhile, this one has had its time.
    turn: Turn,
}

/// A part of what a socket missed, in order.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum Replay {
    /// More may follow.
    Part(Vec<Entry>),
    /// It has got everything, and can be let in.
    Last(Vec<Entry>),
}

/// A socket cannot get the rest of what it missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap;

impl<S> Recovery<S> {
    /// An empty memory within the budget of its server.
    pub fn new(limits: RecoveryLimits, budget: &Arc<RecoveryBudget>) -> Self {
        Self {
            limits,
            log: Log::default(),
            lost: LostSockets::default(),
            share: Share::new(budget),
        }
    }

    /// The offset of the last packet that was recorded. A socket that is let in remembers it, so
    /// that it can be recovered before it has received anything.
    pub fn head(&self) -> Offset {
        self.log.head()
    }

    /// Takes a packet into the log. `encode` makes it with its offset
    /// ([`encode_recoverable_event`](crate::encode_recoverable_event)), and in the form in which the
    /// driver sends it, which is returned.
    ///
    /// # Errors
    ///
    /// Those of `encode`; nothing is recorded then.
    pub fn record<T, E>(
        &mut self,
        now: Instant,
        audience: Audience,
        encode: impl FnOnce(Offset) -> Result<(Entry, T), E>,
    ) -> Result<T, E> {
        let (packet, message) = encode(self.log.next())?;
        self.log.push(now, audience, packet);
        self.expire(now);
        Ok(message)
    }

    /// Remembers a socket whose client may come back.
    pub fn lose(&mut self, now: Instant, id: PrivateId, socket: LostSocket<S>) {
        self.lost.insert(now, id, socket);
        self.expire(now);
    }

    /// The socket of this id, if it is waited for.
    pub fn lost(&self, socket_id: &str) -> Option<&LostSocket<S>> {
        self.lost.get(socket_id)
    }

    /// True if no socket is waited for.
    pub fn awaits_nobody(&self) -> bool {
        self.lost.len() == 0
    }

    /// The ids of the sockets that are waited for and meant at this moment.
    pub fn select(&self, audience: &Audience) -> Vec<Arc<str>> {
        let next = self.log.next();
        let meant = |lost: &&LostSocket<S>| audience.includes(&lost.socket_id, &lost.rooms, next);
        let meant = self.lost.iter().filter(meant);
        meant.map(|lost| Arc::clone(&lost.socket_id)).collect()
    }

    /// Puts a socket that is waited for into a room: it hears what the room is sent from now on.
    pub fn join(&mut self, socket_id: &str, room: Arc<str>) {
        let head = self.head();
        self.lost.regroup(socket_id, |rooms| rooms.join(room, head));
        self.bound();
    }

    /// Takes a socket that is waited for out of a room: it hears nothing of it when it comes back,
    /// not even what was sent while it was in.
    pub fn leave(&mut self, socket_id: &str, room: &str) {
        self.lost.regroup(socket_id, |rooms| rooms.leave(room));
        self.bound();
    }

    /// Waits no longer for a socket. A claim to it that is under way ends with a [`Gap`].
    pub fn forget(&mut self, socket_id: &str) {
        self.lost.forget(socket_id);
        self.bound();
    }

    /// Finds the socket of a client that has come back. It is waited for until it is
    /// [`let in`](Recovery::let_in): if the client is gone before, it can come once more.
    ///
    /// None if the id is unknown, for instance because its socket is still joined, or if what it
    /// missed is no longer there as a whole: then nothing is recovered.
    pub fn resume(&mut self, now: Instant, request: &RecoveryRequest) -> Option<Returning<S>>
    where
        S: Clone,
    {
        self.expire(now);
        let (turn, lost) = self.lost.find(&request.private_id)?;
        let received = match &request.offset {
            Some(text) => Offset::parse(text)?,
            None => lost.joined_at,
        };
        let sent_until = lost.received_until(received);
        if received > self.head() || !self.log.reaches(sent_until) {
            return None;
        }
        let mut socket = lost.clone();
        socket.sent_until = sent_until;
        Some(Returning {
            socket,
            private_id: request.private_id.clone(),
            turn,
        })
    }

    /// Takes the next packets that a socket missed, about as many bytes as this. One turn passes
    /// over a few hundred packets of the log, whoever they were for, so that others who need the log
    /// do not wait long; the driver leaves it to them between two turns.
    ///
    /// # Errors
    ///
    /// [`Gap`] if the log has been cut meanwhile, or the socket is not waited for any more: the
    /// client took too long, has come back on another connection, too, or has been sent away.
    pub fn replay(&self, returning: &mut Returning<S>, max_bytes: usize) -> Result<Replay, Gap> {
        let (turn, lost) = self.lost.find(&returning.private_id).ok_or(Gap)?;
        let socket = &mut returning.socket;
        if turn != returning.turn || !self.log.reaches(socket.sent_until) {
            return Err(Gap);
        }
        let (mut missed, mut bytes) = (Vec::new(), 0);
        for (offset, audience, packet) in self.log.since(socket.sent_until).take(PER_TURN) {
            if bytes >= max_bytes {
                break;
            }
            socket.sent_until = offset;
            if audience.includes(&lost.socket_id, &lost.rooms, offset) {
                socket.last_sent = Some(offset);
                bytes += log::content_bytes(packet);
                missed.push(packet.clone());
            }
        }
        if socket.sent_until < self.head() {
            return Ok(Replay::Part(missed));
        }
        socket.rooms.clone_from(&lost.rooms);
        Ok(Replay::Last(missed))
    }

    /// A socket that has come back is joined. From now on its private id is unknown.
    pub fn let_in(&mut self, id: &PrivateId) {
        self.lost.remove(id);
        self.bound();
    }

    /// Empties the log, for a namespace that nobody can come back to.
    pub fn forget_packets(&mut self) {
        self.log.clear();
        self.bound();
    }

    /// When [`Recovery::expire`] frees something next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let oldest = [self.log.oldest(), self.lost.oldest()];
        let oldest = oldest.into_iter().flatten().min()?;
        oldest.checked_add(self.limits.max_disconnection)
    }

    /// What the application kept for sockets that have been given up, for the driver to drop where
    /// code of the application may run.
    #[must_use]
    pub fn take_forgotten(&mut self) -> Vec<S> {
        self.lost.take_forgotten()
    }

    /// Frees what is too old or too much. Every other call does so, too.
    pub fn expire(&mut self, now: Instant) {
        let window = self.limits.max_disconnection;
        let is_old = |since: Instant| now.saturating_duration_since(since) >= window;
        self.lost.trim(is_old);
        self.log.trim(is_old);
        self.bound();
    }

    /// Frees what is too much.
    fn bound(&mut self) {
        let limits = &self.limits;
        self.lost.bound(limits.max_sockets, limits.max_socket_bytes);
        self.log.bound(limits.max_packets, limits.max_bytes);
        self.resize();
        while let Some(excess) = self.share.excess() {
            match excess {
                Excess::Bytes if self.is_log_older() => self.log.drop_oldest(),
                Excess::Bytes | Excess::Sockets => self.lost.drop_oldest(),
            }
            self.resize();
        }
    }

    fn resize(&mut self) {
        let bytes = self.log.bytes() + self.lost.bytes();
        self.share.resize(bytes, self.lost.len());
    }

    /// True if the oldest that is kept is a packet.
    fn is_log_older(&self) -> bool {
        match (self.log.oldest(), self.lost.oldest()) {
            (Some(packet), Some(socket)) => packet <= socket,
            (packet, None) => packet.is_some(),
            (None, _) => false,
        }
    }
}

/// Packets of the log that one turn of a replay passes over.
const PER_TURN: usize = 256;
