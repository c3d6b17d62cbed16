//! What a server counts: sessions, ends and refusals, by names of fixed lists.
//!
//! No label comes from a peer, so that no peer can make a server count without bound.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use engineio_proto::{CloseReason, Transport, Version};

/// What a server has open and has done, as of one moment.
///
/// From [`EngineService::stats`](crate::EngineService::stats). The figures are read one after the
/// other, so that their sums may differ by what happened meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Open sessions of each revision on each transport.
    pub sessions: [OpenSessions; 4],
    /// Sessions opened since the start.
    pub opened: u64,
    /// Sessions closed since the start, by [`CloseReason::name`].
    pub closed: BTreeMap<&'static str, u64>,
    /// Requests refused since the start, by a short name: that of
    /// [`RequestError`](engineio_proto::RequestError::name), or of one of the driver's own limits.
    pub refused: BTreeMap<&'static str, u64>,
}

/// How many sessions of one kind are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenSessions {
    /// Their revision.
    pub version: Version,
    /// Their transport at this moment.
    pub transport: Transport,
    /// How many they are.
    pub count: usize,
}

/// The running counters.
#[derive(Default)]
pub(crate) struct Counters {
    open: [AtomicUsize; 4],
    opened: AtomicU64,
    closed: Tally,
    refused: Tally,
}

/// Counts by name. Ends and refusals are rare beside messages, so that a lock is cheap enough, and
/// no list of names can fall behind the ones that are in use.
#[derive(Default)]
struct Tally(Mutex<BTreeMap<&'static str, u64>>);

impl Counters {
    pub(crate) fn opened(&self, version: Version, transport: Transport) {
        self.opened.fetch_add(1, Ordering::Relaxed);
        self.open(version, transport)
            .fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn upgraded(&self, version: Version) {
        self.open(version, Transport::Polling)
            .fetch_sub(1, Ordering::Relaxed);
        self.open(version, Transport::WebSocket)
            .fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn closed(&self, version: Version, transport: Transport, reason: CloseReason) {
        self.open(version, transport)
            .fetch_sub(1, Ordering::Relaxed);
        self.closed.count(reason.name());
    }

    pub(crate) fn refused(&self, name: &'static str) {
        self.refused.count(name);
    }

    pub(crate) fn snapshot(&self) -> Stats {
        Stats {
            sessions: KINDS.map(|(version, transport)| OpenSessions {
                version,
                transport,
                count: self.open(version, transport).load(Ordering::Relaxed),
            }),
            opened: self.opened.load(Ordering::Relaxed),
            closed: self.closed.names().clone(),
            refused: self.refused.names().clone(),
        }
    }

    fn open(&self, version: Version, transport: Transport) -> &AtomicUsize {
        let kind = match (version, transport) {
            (Version::V3, Transport::Polling) => 0,
            (Version::V3, Transport::WebSocket) => 1,
            (Version::V4, Transport::Polling) => 2,
            (Version::V4, Transport::WebSocket) => 3,
        };
        &self.open[kind]
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

const KINDS: [(Version, Transport); 4] = [
    (Version::V3, Transport::Polling),
    (Version::V3, Transport::WebSocket),
    (Version::V4, Transport::Polling),
    (Version::V4, Transport::WebSocket),
];
