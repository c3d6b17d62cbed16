//! One timer for all sessions.
//!
//! Sessions are kept by the tick in which they want to be looked at. A packet that moves a deadline
//! touches nothing here: the entry fires at its old tick, finds the later deadline and is put back.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::{clock, session::SessionCell};

/// The wheel and the signal that its first entry has changed.
pub(crate) struct Timer {
    start: Instant,
    wheel: Mutex<BTreeMap<Tick, Vec<Weak<SessionCell>>>>,
    earlier: Notify,
}

/// Ten-millisecond steps since the timer was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u64);

impl Timer {
    pub(crate) fn new() -> Self {
        Self {
            start: clock::now(),
            wheel: Mutex::default(),
            earlier: Notify::new(),
        }
    }

    /// The first tick that is not before `deadline`.
    pub(crate) fn tick(&self, deadline: Instant) -> Tick {
        let since = deadline.saturating_duration_since(self.start).as_micros();
        Tick(u64::try_from(since.div_ceil(STEP.as_micros())).unwrap_or(u64::MAX))
    }

    /// Has the session looked at in this tick.
    pub(crate) fn arm(&self, tick: Tick, cell: &Arc<SessionCell>) {
        let mut wheel = self.wheel();
        let first = wheel
            .first_key_value()
            .is_none_or(|(first, _)| tick < *first);
        wheel.entry(tick).or_default().push(Arc::downgrade(cell));
        drop(wheel);
        if first {
            self.earlier.notify_one();
        }
    }

    /// Looks at sessions as they fall due, until the task is aborted.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let next = self
                .wheel()
                .first_key_value()
                .map(|(tick, _)| self.instant(*tick));
            match next {
                None => self.earlier.notified().await,
                Some(next) if next <= clock::now() => self.fire(),
                Some(next) => tokio::select! {
                    () = tokio::time::sleep_until(next.into()) => {}
                    () = self.earlier.notified() => {}
                },
            }
        }
    }

    fn fire(&self) {
        let Some((tick, cells)) = self.wheel().pop_first() else {
            return;
        };
        for cell in cells {
            if let Some(cell) = cell.upgrade() {
                cell.timer_fired(tick);
            }
        }
    }

    fn instant(&self, tick: Tick) -> Instant {
        let millis = tick.0.saturating_mul(STEP.as_millis() as u64);
        self.start + Duration::from_millis(millis)
    }

    fn wheel(&self) -> MutexGuard<'_, BTreeMap<Tick, Vec<Weak<SessionCell>>>> {
        self.wheel.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const STEP: Duration = Duration::from_millis(10);
