//! The live sessions by sid.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use engineio_proto::Sid;

use crate::{places::Place, session::SessionCell};

/// A map in shards, so that handshakes on several threads seldom meet.
pub(crate) struct Registry {
    shards: [Mutex<HashMap<Sid, Registered>>; SHARDS],
    hasher: RandomState,
    len: AtomicUsize,
}

/// A session and the place that it takes, which is free again once it has gone from here.
struct Registered {
    cell: Arc<SessionCell>,
    _place: Place,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            len: AtomicUsize::new(0),
        }
    }

    /// False if the sid is taken, which only an application's own ids can bring about.
    pub(crate) fn insert(&self, cell: &Arc<SessionCell>, place: Place) -> bool {
        let mut shard = self.shard(cell.sid().as_str());
        if shard.contains_key(cell.sid()) {
            return false;
        }
        let registered = Registered {
            cell: Arc::clone(cell),
            _place: place,
        };
        shard.insert(cell.sid().clone(), registered);
        self.len.fetch_add(1, Ordering::Relaxed);
        true
    }

    pub(crate) fn find(&self, sid: &str) -> Option<Arc<SessionCell>> {
        let shard = self.shard(sid);
        shard.get(sid).map(|found| Arc::clone(&found.cell))
    }

    pub(crate) fn remove(&self, sid: &Sid) {
        if self.shard(sid.as_str()).remove(sid).is_some() {
            self.len.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// All sessions of this moment.
    pub(crate) fn all(&self) -> Vec<Arc<SessionCell>> {
        let shards = self.shards.iter().map(lock);
        shards
            .flat_map(|shard| {
                let cells = shard.values().map(|found| Arc::clone(&found.cell));
                cells.collect::<Vec<_>>()
            })
            .collect()
    }

    fn shard(&self, sid: &str) -> MutexGuard<'_, HashMap<Sid, Registered>> {
        lock(&self.shards[self.hasher.hash_one(sid) as usize % SHARDS])
    }
}

/// A panic under this lock leaves the map whole: each step is one call of the map.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const SHARDS: usize = 16;
