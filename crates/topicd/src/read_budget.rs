//! Memory for what is read: bytes that have left the store and that their readers have not taken.
//!
//! One budget for all readers of a server, so that many slow ones cannot fill the memory. Whoever
//! reads takes a share first and keeps it until the bytes are on their way.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Kibibytes of all shares.
const KIB_IN_ALL: usize = 64 * 1024;
/// How long a reader waits for its share.
const PATIENCE: Duration = Duration::from_secs(5);

/// What readers may keep in memory, all together.
#[derive(Clone, Debug)]
pub(crate) struct ReadBudget(Arc<Semaphore>);

/// One reader's part of it, given back when dropped.
#[derive(Debug)]
pub(crate) struct Share(OwnedSemaphorePermit);

/// All of it is taken: come back later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Exhausted;

impl ReadBudget {
    /// Waits for a share of `bytes`, for a while.
    ///
    /// # Errors
    ///
    /// There is none in time.
    pub(crate) async fn share(&self, bytes: usize) -> Result<Share, Exhausted> {
        let waiting = Arc::clone(&self.0).acquire_many_owned(kib(bytes));
        match timeout(PATIENCE, waiting).await {
            Ok(Ok(permit)) => Ok(Share(permit)),
            _ => Err(Exhausted),
        }
    }
}

impl Default for ReadBudget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(KIB_IN_ALL)))
    }
}

impl Share {
    /// Gives back what is not needed.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let needed = usize::try_from(kib(bytes)).unwrap_or(usize::MAX);
        drop(self.0.split(self.0.num_permits().saturating_sub(needed)));
    }
}

fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: usize = KIB_IN_ALL * 1024 - 1;

    #[tokio::test(start_paused = true)]
    async fn who_comes_too_late_waits_and_is_sent_away() {
        let budget = ReadBudget::default();
        let mut first = budget.share(ALL).await.unwrap();
        assert_eq!(budget.share(0).await.err(), Some(Exhausted));
        first.shrink_to(ALL / 2);
        let second = budget.share(ALL / 4).await.unwrap();
        drop((first, second));
        assert!(budget.share(ALL).await.is_ok());
    }
}
