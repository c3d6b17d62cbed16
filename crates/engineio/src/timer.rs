//! One timer for all sessions.
//!
//! Each session stands here once, under the tick in which it wants to be looked at. A packet that
//! moves a deadline touches nothing: the entry fires at its old tick, finds the later deadline and is
//! put back. An earlier deadline moves the entry, and the end of the session takes it out.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::{
    clock,
    session::{SessionCell, SessionNumber},
};

/// The entries in order and the signal that the first one has changed.
pub(crate) struct Timer {
    start: Instant,
    entries: Mutex<BTreeMap<(Tick, SessionNumber), Weak<SessionCell>>>,
    earlier: Notify,
}

/// Ten-millisecond steps since the timer was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u64);

impl Timer {
    pub(crate) fn new() -> Self {
        Self {
            start: clock::now(),
            entries: Mutex::default(),
            earlier: Notify::new(),
        }
    }

    /// The first tick that is not before `deadline`.
    pub(crate) fn tick(&self, deadline: Instant) -> Tick {
        let since = deadline.saturating_duration_since(self.start);
        // Without a division of 128 bits, for every packet.
        let begun = since.subsec_nanos().div_ceil(STEP.subsec_nanos());
        let whole = since.as_secs().saturating_mul(STEPS_PER_SECOND);
        Tick(whole.saturating_add(begun.into()))
    }

    /// Has the session looked at in this tick, and no longer in the one that it was armed for.
    pub(crate) fn arm(&self, cell: &Arc<SessionCell>, armed: Option<Tick>, tick: Tick) {
        let mut entries = self.entries();
        if let Some(armed) = armed {
            entries.remove(&(armed, cell.number()));
        }
        let entry = (tick, cell.number());
        let is_first = entries
            .first_key_value()
            .is_none_or(|(first, _)| entry < *first);
        entries.insert(entry, Arc::downgrade(cell));
        drop(entries);
        if is_first {
            self.earlier.notify_one();
        }
    }

    /// Forgets a session that has ended.
    pub(crate) fn disarm(&self, cell: &SessionCell, armed: Tick) {
        self.entries().remove(&(armed, cell.number()));
    }

    /// Looks at sessions as they fall due, until the task is aborted.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let next = self
                .entries()
                .first_key_value()
                .map(|((tick, _), _)| self.instant(*tick));
            match next {
                None => self.earlier.notified().await,
                Some(next) if next <= clock::now() => self.fire().await,
                Some(next) => tokio::select! {
                    () = tokio::time::sleep_until(next.into()) => {}
                    () = self.earlier.notified() => {}
                },
            }
        }
    }

    async fn fire(&self) {
        for (index, ((tick, _), cell)) in self.take_due().into_iter().enumerate() {
            if let Some(cell) = cell.upgrade() {
                cell.timer_fired(tick);
            }
            // Sessions that came at once ask for their pings at once; others get their turn, too.
            if index % SLICE == SLICE - 1 {
                tokio::task::yield_now().await;
            }
        }
    }

    fn take_due(&self) -> BTreeMap<(Tick, SessionNumber), Weak<SessionCell>> {
        let elapsed = clock::now().saturating_duration_since(self.start);
        let next = Tick((elapsed.as_micros() / STEP.as_micros()) as u64 + 1);
        let mut entries = self.entries();
        let later = entries.split_off(&(next, SessionNumber::FIRST));
        mem::replace(&mut *entries, later)
    }

    fn instant(&self, tick: Tick) -> Instant {
        let millis = tick.0.saturating_mul(STEP.as_millis() as u64);
        self.start + Duration::from_millis(millis)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries().len()
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<(Tick, SessionNumber), Weak<SessionCell>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const STEP: Duration = Duration::from_millis(10);
const STEPS_PER_SECOND: u64 = 100;
const SLICE: usize = 256;
