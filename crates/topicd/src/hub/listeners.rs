//! Those who get a channel's values as a sequence of their own, such as the answer to one HTTP
//! request: a bounded queue for each.
//!
//! A listener that does not keep up is cut, and told so; nothing is left out of what it gets before.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::Channel;
use crate::token::Digest;

/// Listeners of one server; the next one is sent away.
const MAX_LISTENERS: usize = 10_000;
/// Updates that may wait for one listener.
const MAX_WAITING: usize = 1024;
/// Bytes that may wait for one listener. An empty queue takes one update of any size.
const MAX_WAITING_BYTES: usize = 1024 * 1024;

/// One who listens to a channel, until this is dropped.
#[derive(Debug)]
pub struct Listener {
    id: u64,
    channel: Channel,
    updates: mpsc::Receiver<Bytes>,
    backlog: Arc<Backlog>,
    listeners: Arc<Listeners>,
}

/// Why a listener gets nothing any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// It did not keep up.
    SlowReader,
    /// The session that it listens with has ended.
    SessionEnded,
    /// The token of the thing that it listens with holds no more.
    Revoked,
    /// The server ends.
    ServerEnded,
}

/// All places are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooManyListeners;

/// What became of one update, in listeners.
#[derive(Default, Debug)]
pub(super) struct Pushed {
    pub(super) queued: usize,
    pub(super) cut: usize,
}

/// The listeners of all channels.
#[derive(Debug, Default)]
pub(super) struct Listeners(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    channels: HashMap<Channel, Vec<Place>>,
    taken: usize,
    last_id: u64,
}

/// The hub's end of a listener.
#[derive(Debug)]
struct Place {
    id: u64,
    /// What it came in by.
    token: Option<Digest>,
    updates: mpsc::Sender<Bytes>,
    backlog: Arc<Backlog>,
}

/// What both ends know of a queue.
#[derive(Debug, Default)]
struct Backlog {
    bytes: AtomicUsize,
    /// Set before the sender goes away.
    ended: OnceLock<Ended>,
}

impl Listener {
    /// The next array of elements, or why there will be none.
    pub fn poll_update(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Ended>> {
        self.updates.poll_recv(cx).map(|update| match update {
            Some(update) => {
                self.backlog
                    .bytes
                    .fetch_sub(update.len(), Ordering::Relaxed);
                Ok(update)
            }
            None => Err(*self.backlog.ended.get().unwrap_or(&Ended::SlowReader)),
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut table = self.listeners.lock();
        table.retain(&self.channel, |place| place.id != self.id);
    }
}

impl Listeners {
    pub(super) fn add(
        self: &Arc<Self>,
        channel: Channel,
        token: Option<Digest>,
    ) -> Result<Listener, TooManyListeners> {
        let mut table = self.lock();
        if table.taken >= MAX_LISTENERS {
            return Err(TooManyListeners);
        }
        table.taken += 1;
        table.last_id += 1;
        let (sender, updates) = mpsc::channel(MAX_WAITING);
        let (id, backlog) = (table.last_id, Arc::<Backlog>::default());
        let place = Place {
            id,
            token,
            updates: sender,
            backlog: Arc::clone(&backlog),
        };
        table
            .channels
            .entry(channel.clone())
            .or_default()
            .push(place);
        Ok(Listener {
            id,
            channel,
            updates,
            backlog,
            listeners: Arc::clone(self),
        })
    }

    pub(super) fn are_on(&self, channel: &Channel) -> bool {
        self.lock().channels.contains_key(channel)
    }

    pub(super) fn push(&self, channel: &Channel, update: &Bytes) -> Pushed {
        let mut pushed = Pushed::default();
        self.lock().retain(channel, |place| {
            let queued = place.offer(update);
            let counter = match queued {
                true => &mut pushed.queued,
                false => &mut pushed.cut,
            };
            *counter += 1;
            queued
        });
        pushed
    }

    pub(super) fn end_session(&self, session: Digest) {
        let ended = |place: &Place| place.token == Some(session);
        self.end(Ended::SessionEnded, ended);
    }

    pub(super) fn revoke(&self, channel: &Channel, token: Digest) {
        self.lock().retain(channel, |place| {
            let ends = place.token == Some(token);
            if ends {
                let _ = place.backlog.ended.set(Ended::Revoked);
            }
            !ends
        });
    }

    pub(super) fn tokens(&self) -> Vec<Digest> {
        let table = self.lock();
        let places = table.channels.values().flatten();
        places.filter_map(|place| place.token).collect()
    }

    pub(super) fn counts(&self) -> Vec<(Channel, usize)> {
        let table = self.lock();
        let counts = table.channels.iter();
        counts
            .map(|(channel, places)| (channel.clone(), places.len()))
            .collect()
    }

    pub(super) fn end_all(&self) {
        self.end(Ended::ServerEnded, |_| true);
    }

    fn end(&self, reason: Ended, ended: impl Fn(&Place) -> bool) {
        let mut table = self.lock();
        let channels: Vec<_> = table.channels.keys().cloned().collect();
        for channel in channels {
            table.retain(&channel, |place| {
                let ends = ended(place);
                if ends {
                    let _ = place.backlog.ended.set(reason);
                }
                !ends
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn retain(&mut self, channel: &Channel, keep: impl FnMut(&Place) -> bool) {
        let Some(places) = self.channels.get_mut(channel) else {
            return;
        };
        let before = places.len();
        places.retain(keep);
        self.taken -= before - places.len();
        if places.is_empty() {
            self.channels.remove(channel);
        }
    }
}

impl Place {
    /// Queues an update; false if there is no room for it.
    fn offer(&self, update: &Bytes) -> bool {
        let waiting = self.backlog.bytes.load(Ordering::Relaxed);
        let fits = waiting == 0 || waiting.saturating_add(update.len()) <= MAX_WAITING_BYTES;
        // Counted first: the listener may take it out before we return.
        self.backlog
            .bytes
            .fetch_add(update.len(), Ordering::Relaxed);
        let queued = fits && self.updates.try_send(update.clone()).is_ok();
        if !queued {
            let _ = self.backlog.ended.set(Ended::SlowReader);
        }
        queued
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::{store::ThingRow, token::Token};

    const CHANNEL: Channel = Channel::Thing(ThingRow(1));

    fn next(listener: &mut Listener) -> Poll<Result<Bytes, Ended>> {
        listener.poll_update(&mut Context::from_waker(Waker::noop()))
    }

    fn update(size: usize) -> Bytes {
        vec![b'x'; size].into()
    }

    #[test]
    fn a_listener_gets_its_channel_until_it_is_dropped() {
        let listeners = Arc::<Listeners>::default();
        let mut listener = listeners.add(CHANNEL, None).unwrap();
        listeners.push(&Channel::Thing(ThingRow(2)), &update(1));
        assert!(next(&mut listener).is_pending());
        listeners.push(&CHANNEL, &update(3));
        assert_eq!(next(&mut listener), Poll::Ready(Ok(update(3))));
        drop(listener);
        assert!(!listeners.are_on(&CHANNEL));
        assert_eq!(listeners.lock().taken, 0);
    }

    #[test]
    fn who_does_not_keep_up_gets_what_was_queued_and_is_cut() {
        let listeners = Arc::<Listeners>::default();
        let mut slow = listeners.add(CHANNEL, None).unwrap();
        let mut other = listeners.add(CHANNEL, None).unwrap();
        let half = MAX_WAITING_BYTES / 2;
        for _ in 0..3 {
            listeners.push(&CHANNEL, &update(half));
            assert_eq!(next(&mut other), Poll::Ready(Ok(update(half))));
        }
        assert_eq!(next(&mut slow), Poll::Ready(Ok(update(half))));
        assert_eq!(next(&mut slow), Poll::Ready(Ok(update(half))));
        assert_eq!(next(&mut slow), Poll::Ready(Err(Ended::SlowReader)));
        assert!(listeners.are_on(&CHANNEL));
    }

    #[test]
    fn many_small_updates_are_bounded_by_their_number() {
        let listeners = Arc::<Listeners>::default();
        let mut slow = listeners.add(CHANNEL, None).unwrap();
        for _ in 0..=MAX_WAITING {
            listeners.push(&CHANNEL, &update(1));
        }
        for _ in 0..MAX_WAITING {
            assert_eq!(next(&mut slow), Poll::Ready(Ok(update(1))));
        }
        assert_eq!(next(&mut slow), Poll::Ready(Err(Ended::SlowReader)));
    }

    #[test]
    fn an_empty_queue_takes_an_update_of_any_size() {
        let listeners = Arc::<Listeners>::default();
        let mut listener = listeners.add(CHANNEL, None).unwrap();
        let large = update(MAX_WAITING_BYTES + 1);
        listeners.push(&CHANNEL, &large);
        assert_eq!(next(&mut listener), Poll::Ready(Ok(large)));
    }

    #[test]
    fn the_end_of_a_session_ends_its_listeners_alone() {
        let listeners = Arc::<Listeners>::default();
        let session = Token::presented("anna").digest();
        let mut anna = listeners.add(CHANNEL, Some(session)).unwrap();
        let mut device = listeners.add(CHANNEL, None).unwrap();
        listeners.end_session(session);
        assert_eq!(next(&mut anna), Poll::Ready(Err(Ended::SessionEnded)));
        assert!(next(&mut device).is_pending());
    }

    #[test]
    fn a_token_that_is_revoked_ends_who_came_in_by_it_alone() {
        let listeners = Arc::<Listeners>::default();
        let [own, grant] = ["own", "grant"].map(|token| Token::presented(token).digest());
        let mut others = [Some(own), None].map(|token| listeners.add(CHANNEL, token).unwrap());
        let mut revoked = listeners.add(CHANNEL, Some(grant)).unwrap();
        listeners.revoke(&CHANNEL, grant);
        assert_eq!(next(&mut revoked), Poll::Ready(Err(Ended::Revoked)));
        for other in &mut others {
            assert!(next(other).is_pending());
        }
    }

    #[test]
    fn places_are_bounded_and_given_back() {
        let listeners = Arc::<Listeners>::default();
        let mut taken: Vec<_> = (0..MAX_LISTENERS)
            .map(|_| listeners.add(CHANNEL, None).unwrap())
            .collect();
        assert!(listeners.add(CHANNEL, None).is_err());
        taken.pop();
        assert!(listeners.add(CHANNEL, None).is_ok());
    }
}
