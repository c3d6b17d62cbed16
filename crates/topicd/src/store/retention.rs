//! Taking out what is too old or too much, a slice at a time.
//!
//! What is outdated is looked for by those who read; only what is taken out passes the queue of
//! changes, in slices that are small beside a commit. So writes do not wait for it.

use std::{sync::Weak, time::Duration};

use super::{Seq, Store, StoreError};
use crate::datetime::Timestamp;

/// How often the store is looked through.
const EVERY: Duration = Duration::from_secs(60);
/// Between two slices: room for the writes of others.
const PAUSE: Duration = Duration::from_millis(10);

/// How much is kept of each resource.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Retention {
    /// Days, by datetime; for good if none.
    pub days: Option<u32>,
    /// The newest values, by datetime; all if none.
    pub values: Option<u32>,
}

/// A resource of a thing, as the store counts them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SeriesRow(pub i64);

/// A part of a resource that is to be taken out: what is older than this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    /// The resource.
    pub series: SeriesRow,
    /// The first value that stays, by its place in the timeline.
    pub before: (Timestamp, Seq),
}

/// What was found in some resources.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outdated {
    /// What is to be taken out of them.
    pub cuts: Vec<Cut>,
    /// The last one that was looked at, if there are more.
    pub last: Option<SeriesRow>,
}

/// What is left of a [`Cut`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trimmed {
    /// Nothing.
    All,
    /// More than one slice was to be taken out.
    Slice,
}

impl Retention {
    /// What is older than this is outdated.
    pub fn oldest(&self, now: Timestamp) -> Option<Timestamp> {
        let seconds = i64::from(self.days?) * 24 * 60 * 60;
        let millis = now.millis().saturating_sub(seconds * 1000);
        Some(Timestamp::from_millis(millis))
    }
}

/// Takes out what is outdated, again and again, as long as the store is there.
pub(crate) async fn run(store: Weak<dyn Store>, retention: Retention) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        let Some(store) = store.upgrade() else {
            return;
        };
        if let Err(error) = sweep(&*store, retention, Timestamp::now()).await {
            tracing::warn!(%error, "outdated values were not taken out");
        }
    }
}

/// Looks through all resources once.
///
/// # Errors
///
/// The store did not do it. What was taken out stays out.
pub(crate) async fn sweep(
    store: &dyn Store,
    retention: Retention,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let outdated = store.outdated(retention, now, after).await?;
        for cut in outdated.cuts {
            while store.trim(cut).await? == Trimmed::Slice {
                tokio::time::sleep(PAUSE).await;
            }
        }
        if outdated.last.is_none() {
            return Ok(());
        }
        after = outdated.last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_back_from_now() {
        let now = Timestamp::parse("2020-01-31T12:00:00Z").unwrap();
        let retention = Retention {
            days: Some(30),
            values: None,
        };
        let oldest = retention.oldest(now).unwrap().to_string();
        assert_eq!(oldest, "2020-01-01T12:00:00.000Z");
        assert_eq!(Retention::default().oldest(now), None);
        let ages = Retention {
            days: Some(u32::MAX),
            values: None,
        };
        assert_eq!(ages.oldest(now), Some(Timestamp::MIN));
    }
}
