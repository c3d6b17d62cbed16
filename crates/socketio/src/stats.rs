//! What a server counts above its sessions: joins, ends, refusals and emits, by names of fixed lists.
//!
//! No label comes from a peer, so that no peer can make a server count without bound.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use socketio_proto::Violation;

use crate::{Delivery, DisconnectReason, EmitError, EmitOutcome};

/// What a server has done since its start, as of one moment.
///
/// From [`Server::stats`](crate::Server::stats). The figures are read one after the other, so that
/// their sums may differ by what happened meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The sessions below, open ones and those that ended.
    pub engine: engineio::Stats,
    /// Sockets that have joined a namespace.
    pub joined: u64,
    /// Sockets that have left theirs, by [`DisconnectReason::name`].
    pub left: BTreeMap<&'static str, u64>,
    /// What was refused, by a short name: joins of namespaces (`unknown_namespace`, `middleware`,
    /// `middleware_panic`, `no_randomness`), what is beyond a limit of this server (`too_many_rooms`,
    /// `room_name_too_long`, `too_many_acks`), and clients that were not read for a while (`inbox_full`).
    pub refused: BTreeMap<&'static str, u64>,
    /// Sessions that were ended because their client broke the protocol or a limit of it, by
    /// [`Violation::name`].
    pub violations: BTreeMap<&'static str, u64>,
    /// Handlers that returned an error.
    pub failed: u64,
    /// Handlers that panicked.
    pub panicked: u64,
    /// Events of clients that asked for an answer and got none.
    pub unanswered: u64,
    /// Events that were taken from clients.
    pub received: u64,
    /// What became of events to clients, one for each recipient.
    pub sent: SentStats,
}

/// What became of events to clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentStats {
    /// Queued.
    pub queued: u64,
    /// Queued in the place of an older one.
    pub conflated: u64,
    /// Dropped by their policy.
    pub dropped: u64,
    /// Refused: the session had ended, or ended because its queue was full.
    pub refused: u64,
}

/// Something that was refused and is counted by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    UnknownNamespace,
    Middleware,
    MiddlewarePanic,
    NoRandomness,
    TooManyRooms,
    RoomNameTooLong,
    TooManyAcks,
    InboxFull,
}

/// The running counters.
#[derive(Default)]
pub(crate) struct Counters {
    joined: AtomicU64,
    left: Tally,
    refused: Tally,
    violations: Tally,
    failed: AtomicU64,
    panicked: AtomicU64,
    unanswered: AtomicU64,
    received: AtomicU64,
    queued: AtomicU64,
    conflated: AtomicU64,
    dropped: AtomicU64,
    undelivered: AtomicU64,
}

/// Counts by name. Ends and refusals are rare beside events, so that a lock is cheap enough, and no
/// list of names can fall behind the ones that are in use.
#[derive(Default)]
struct Tally(Mutex<BTreeMap<&'static str, u64>>);

impl Counters {
    pub(crate) fn joined(&self) {
        count(&self.joined);
    }

    pub(crate) fn left(&self, reason: DisconnectReason) {
        self.left.count(reason.name());
    }

    pub(crate) fn refused(&self, refused: Refused) {
        self.refused.count(refused.name());
    }

    pub(crate) fn violated(&self, violation: Violation) {
        self.violations.count(violation.name());
    }

    pub(crate) fn failed(&self) {
        count(&self.failed);
    }

    pub(crate) fn panicked(&self) {
        count(&self.panicked);
    }

    pub(crate) fn unanswered(&self) {
        count(&self.unanswered);
    }

    pub(crate) fn received(&self) {
        count(&self.received);
    }

    /// A broadcast is counted once, whatever the number of its recipients.
    pub(crate) fn broadcast(&self, delivery: Delivery) {
        add(&self.queued, delivery.queued);
        add(&self.conflated, delivery.conflated);
        add(&self.dropped, delivery.dropped);
        add(&self.undelivered, delivery.refused);
    }

    pub(crate) fn emitted(&self, outcome: &Result<EmitOutcome, EmitError>) {
        count(match outcome {
            Ok(EmitOutcome::Queued) => &self.queued,
            Ok(EmitOutcome::Conflated) => &self.conflated,
            Ok(EmitOutcome::Dropped) => &self.dropped,
            Err(_) => &self.undelivered,
        });
    }

    pub(crate) fn snapshot(&self, engine: engineio::Stats) -> Stats {
        Stats {
            engine,
            joined: read(&self.joined),
            left: self.left.names().clone(),
            refused: self.refused.names().clone(),
            violations: self.violations.names().clone(),
            failed: read(&self.failed),
            panicked: read(&self.panicked),
            unanswered: read(&self.unanswered),
            received: read(&self.received),
            sent: SentStats {
                queued: read(&self.queued),
                conflated: read(&self.conflated),
                dropped: read(&self.dropped),
                refused: read(&self.undelivered),
            },
        }
    }
}

impl Refused {
    /// A short name for logs and metrics: one word of `a–z` and `_`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::UnknownNamespace => "unknown_namespace",
            Self::Middleware => "middleware",
            Self::MiddlewarePanic => "middleware_panic",
            Self::NoRandomness => "no_randomness",
            Self::TooManyRooms => "too_many_rooms",
            Self::RoomNameTooLong => "room_name_too_long",
            Self::TooManyAcks => "too_many_acks",
            Self::InboxFull => "inbox_full",
        }
    }
}

impl Tally {
    fn count(&self, name: &'static str) {
        *self.names().entry(name).or_default() += 1;
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Leaves a counter alone that does not change, so that other threads keep it in their caches.
fn add(counter: &AtomicU64, more: usize) {
    if more > 0 {
        counter.fetch_add(more as u64, Ordering::Relaxed);
    }
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
