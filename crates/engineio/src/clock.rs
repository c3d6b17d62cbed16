//! The only place that reads the time.

use std::time::Instant;

/// Now, by tokio's clock, so that a test with paused time moves everything.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
