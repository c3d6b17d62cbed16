//! What the driver keeps for a socket that is away.

use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// What stays of a socket beside its place in the log.
#[derive(Clone)]
pub(crate) struct Kept {
    /// The application's.
    pub(super) state: Arc<dyn Any + Send + Sync>,
    /// Of the session with which it was lost.
    pub(super) dismissal: Arc<Dismissal>,
}

/// Whether the application has sent away the client of a session. The sockets of the session share
/// it: whoever closes one that is away closes those that were lost with it in other namespaces.
#[derive(Debug, Default)]
pub(crate) struct Dismissal(AtomicBool);

impl Dismissal {
    pub(crate) fn give(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(super) fn is_given(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
