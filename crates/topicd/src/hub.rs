//! The publish stage: what is committed reaches those who are connected, in the order of commits.
//!
//! One task runs it. It knows which rooms are occupied and builds the elements; how a room's members
//! are reached is the [`Outlet`]'s business. A [`Listener`] gets them as they are.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::{
    metrics::{Dropped, Metrics},
    store::{Effect, Publication, Seq, Staged, ThingRow, UserId},
    token::Digest,
    topic::Key,
    value::Record,
    webhooks::Webhooks,
};

mod batch;
mod listeners;

use batch::Batch;
use listeners::Listeners;
pub use listeners::{Ended, Listener, TooManyListeners};

/// Groups of changes that may wait for the stage; then the store waits, and refuses when it is full.
const MAX_WAITING: usize = 64;

/// What values are published to. Topics that are spelled differently may be one channel.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Channel {
    /// All values of one thing.
    Thing(ThingRow),
    /// One resource of all things of a user.
    Resource(UserId, Key),
}

/// Those who hold one channel under one spelling of its topic, which is their event's name.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Room {
    /// What they get.
    pub channel: Channel,
    /// The topic exactly as they wrote it.
    pub spelling: Arc<str>,
    /// How they want the values.
    pub form: Form,
}

/// How values are pushed to the members of a room. The default is what is done unless a client asks
/// for something else.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Form {
    /// What an element has in it.
    pub elements: Elements,
    /// What a slow reader gets.
    pub pace: Pace,
}

/// What an element has in it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Elements {
    /// The value.
    #[default]
    Plain,
    /// The value, and its number in the order of arrival.
    Numbered,
}

/// What a slow reader gets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Pace {
    /// Every value, or its connection is cut.
    #[default]
    Every,
    /// Of each thing and key the newest value, in the place of the one that still waits.
    Newest,
}

/// How many get one channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Audience {
    /// What they get.
    pub channel: Channel,
    /// Subscriptions of sockets.
    pub sockets: usize,
    /// HTTP streams.
    pub streams: usize,
}

/// How members are reached.
pub trait Outlet: Send + Sync + 'static {
    /// Pushes a JSON array of elements to everybody in a room. Must not block.
    fn push(&self, room: &Room, elements: &str);
    /// Pushes an array of one element to everybody in a room, in the place of one with the same key
    /// that still waits. Must not block.
    fn push_newest(&self, room: &Room, element: &str, key: u64);
    /// A session has ended before its time: whoever uses it is logged out.
    fn end_session(&self, hub: &Hub, session: Digest);
    /// A token of a thing holds no more: whoever is subscribed by it leaves.
    fn revoke(&self, hub: &Hub, thing: ThingRow, token: Digest);
}

/// The occupied rooms, and the way to their members.
pub struct Hub {
    outlet: Box<dyn Outlet>,
    rooms: Mutex<HashMap<Channel, Vec<(Room, usize)>>>,
    listeners: Arc<Listeners>,
    /// Makes keys for what replaces each other; nobody outside can choose two that are the same.
    replacing: RandomState,
    metrics: Metrics,
    webhooks: Webhooks,
}

/// The way into the stage, and what comes out.
pub fn stage() -> (mpsc::Sender<Vec<Staged>>, mpsc::Receiver<Vec<Staged>>) {
    mpsc::channel(MAX_WAITING)
}

impl Hub {
    /// A hub without members.
    pub fn new(outlet: impl Outlet, metrics: Metrics) -> Self {
        Self {
            outlet: Box::new(outlet),
            rooms: Mutex::default(),
            listeners: Arc::default(),
            replacing: RandomState::new(),
            metrics,
            webhooks: Webhooks::default(),
        }
    }

    /// Tells a receiver of webhooks what is published, too.
    #[must_use]
    pub(crate) fn telling(mut self, webhooks: Webhooks) -> Self {
        self.webhooks = webhooks;
        self
    }

    /// Runs the stage until the store has ended.
    pub async fn run(&self, mut stage: mpsc::Receiver<Vec<Staged>>) {
        while let Some(group) = stage.recv().await {
            let committed = Instant::now();
            for Staged { effect, answer } in group {
                let is_batch = matches!(effect, Effect::Publish(_));
                self.apply(effect);
                if is_batch {
                    self.metrics.fanned_out(committed.elapsed());
                }
                answer();
            }
        }
    }

    /// One member more. Call this in the stage: then the order of what the member gets is that of
    /// the store.
    pub fn enter(&self, room: &Room) {
        let mut rooms = self.lock();
        let occupied = rooms.entry(room.channel.clone()).or_default();
        match occupied.iter_mut().find(|(other, _)| other == room) {
            Some((_, members)) => *members += 1,
            None => occupied.push((room.clone(), 1)),
        }
    }

    /// One member less.
    pub fn leave(&self, room: &Room) {
        let mut rooms = self.lock();
        let Some(occupied) = rooms.get_mut(&room.channel) else {
            return;
        };
        occupied.retain_mut(|(other, members)| {
            *members -= usize::from(other == room);
            *members > 0
        });
        if occupied.is_empty() {
            rooms.remove(&room.channel);
        }
    }

    /// Listens to a channel, until `token` holds no more: that of the session or of the thing that
    /// it is heard by, if there is one. Call this in the stage, as [`Hub::enter`].
    ///
    /// # Errors
    ///
    /// There are too many who do.
    pub fn listen(
        &self,
        channel: Channel,
        token: Option<Digest>,
    ) -> Result<Listener, TooManyListeners> {
        self.listeners.add(channel, token)
    }

    /// The tokens that listeners came in by: those of sessions, and those of things.
    pub(crate) fn listening_tokens(&self) -> Vec<Digest> {
        self.listeners.tokens()
    }

    /// Tells all listeners that the server ends.
    pub fn end_listeners(&self) {
        self.listeners.end_all();
    }

    /// How many get each channel, in no order.
    pub fn audiences(&self) -> Vec<Audience> {
        let mut audiences: HashMap<Channel, Audience> = HashMap::new();
        let mut of = |channel: &Channel, sockets, streams| {
            let audience = audiences.entry(channel.clone());
            let audience = audience.or_insert_with(|| Audience::of(channel.clone()));
            audience.sockets += sockets;
            audience.streams += streams;
        };
        for (channel, rooms) in self.lock().iter() {
            let sockets = rooms.iter().map(|(_, members)| members).sum();
            of(channel, sockets, 0);
        }
        for (channel, streams) in self.listeners.counts() {
            of(&channel, 0, streams);
        }
        audiences.into_values().collect()
    }

    fn apply(&self, effect: Effect) {
        match effect {
            Effect::None => {}
            Effect::Publish(publication) => {
                self.publish(&publication);
                self.webhooks.written(&publication);
            }
            Effect::Linked(user, thing) => self.webhooks.linked(user, &thing),
            Effect::Admit(enter) => enter(),
            Effect::SessionsEnded(sessions) => {
                for session in sessions {
                    self.listeners.end_session(session);
                    self.outlet.end_session(self, session);
                }
            }
            Effect::ThingTokenRevoked(thing, token) => {
                self.listeners.revoke(&Channel::Thing(thing), token);
                self.outlet.revoke(self, thing, token);
            }
        }
    }

    fn publish(&self, publication: &Publication) {
        let Publication {
            thing,
            owners,
            records,
            first,
        } = publication;
        let values = || records.iter().zip((first.0..).map(Seq));
        let batch = Batch::new(thing.row, None, values().collect());
        self.push(&Channel::Thing(thing.row), &batch);
        for key in distinct_keys(records) {
            let values = values().filter(|(record, _)| record.key == *key);
            let batch = Batch::new(thing.row, Some(&thing.id), values.collect());
            for owner in owners {
                self.push(&Channel::Resource(*owner, key.clone()), &batch);
            }
        }
    }

    fn push(&self, channel: &Channel, batch: &Batch<'_>) {
        for room in self.rooms_of(channel) {
            match room.form.pace {
                Pace::Every => self.outlet.push(&room, batch.text(room.form.elements)),
                Pace::Newest => self.push_newest(&room, batch),
            }
        }
        if self.listeners.are_on(channel) {
            let elements = Bytes::copy_from_slice(batch.text(Elements::Plain).as_bytes());
            let pushed = self.listeners.push(channel, &elements);
            self.metrics.delivered(pushed.queued, 0);
            self.metrics.dropped(Dropped::SlowStream, pushed.cut);
        }
    }

    fn push_newest(&self, room: &Room, batch: &Batch<'_>) {
        for (key, element) in batch.single(room.form.elements) {
            let replacing = self.replacing.hash_one((room, batch.thing, key));
            self.outlet.push_newest(room, &element, replacing);
        }
    }

    fn rooms_of(&self, channel: &Channel) -> Vec<Room> {
        let rooms = self.lock();
        let occupied = rooms.get(channel).into_iter().flatten();
        occupied.map(|(room, _)| room.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Channel, Vec<(Room, usize)>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Audience {
    fn of(channel: Channel) -> Self {
        Self {
            channel,
            sockets: 0,
            streams: 0,
        }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("channels", &self.lock().len())
            .finish()
    }
}

/// The keys of a batch in the order in which they come first.
fn distinct_keys(records: &[Record]) -> Vec<&Key> {
    let mut seen = std::collections::HashSet::new();
    let keys = records.iter().map(|record| &record.key);
    keys.filter(|key| seen.insert(*key)).collect()
}

#[cfg(test)]
mod tests;
