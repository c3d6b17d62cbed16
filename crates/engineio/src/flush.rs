//! The dirty lists: sessions that have something queued, each written once per burst.
//!
//! Owns who is dirty, not how a session is written: that is [`SessionCell::flush`].

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Notify;

use crate::session::SessionCell;

/// One dirty list and the signal for the task that empties it.
pub(crate) struct Flusher {
    dirty: Mutex<Vec<Arc<SessionCell>>>,
    /// True while the task has been told and has not yet taken the list.
    told: AtomicBool,
    signal: Notify,
}

impl Flusher {
    pub(crate) fn new() -> Self {
        Self {
            dirty: Mutex::default(),
            told: AtomicBool::new(false),
            signal: Notify::new(),
        }
    }

    /// Puts a session on the list. The session's own state says that it stands here once.
    pub(crate) fn mark(&self, cell: Arc<SessionCell>) {
        self.dirty().push(cell);
        if !self.told.swap(true, Ordering::AcqRel) {
            self.signal.notify_one();
        }
    }

    /// Writes dirty sessions until the task is aborted.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut batch = Vec::new();
        loop {
            self.signal.notified().await;
            self.told.store(false, Ordering::Release);
            mem::swap(&mut *self.dirty(), &mut batch);
            for (index, cell) in batch.drain(..).enumerate() {
                cell.flush_dirty();
                // A long fan-out goes out in slices, so that heartbeats and reads get their turn.
                if index % SLICE == SLICE - 1 {
                    tokio::task::yield_now().await;
                }
            }
            batch.shrink_to(KEPT);
        }
    }

    fn dirty(&self) -> MutexGuard<'_, Vec<Arc<SessionCell>>> {
        self.dirty.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const SLICE: usize = 256;
const KEPT: usize = 16 * 1024;
