//! The time of day for the machines of `socketio-proto`, which have no clock.

use std::time::Instant;

/// Now, by tokio's clock, so that a test with paused time moves everything.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
