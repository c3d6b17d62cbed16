//! How exactly times are measured on a machine that does other things too.

use std::time::{Duration, Instant};

use crate::case::{Check, ensure};

/// How much later than due something may come on a busy machine.
pub(crate) const SLACK: Duration = Duration::from_millis(150);

/// Timers may fire this much early: they count whole milliseconds from different instants.
const EARLY: Duration = Duration::from_millis(15);

/// The time since `start` lies between `earliest` and `latest`, with the tolerances above.
pub(crate) fn expect_elapsed(start: Instant, earliest: Duration, latest: Duration) -> Check {
    let elapsed = start.elapsed();
    let expected = format!(
        "{} to {} ms",
        earliest.as_millis(),
        (latest + SLACK).as_millis()
    );
    let received = format!("{} ms", elapsed.as_millis());
    ensure(
        elapsed + EARLY >= earliest && elapsed <= latest + SLACK,
        expected,
        received,
    )
}
