//! Keeps the generator below its core's limit, because a generator at its limit measures itself.
//!
//! Where a client costs as much as the server that it loads, as with an echo, all clients pause together
//! once they have used more than their share.

use std::{convert::Infallible, io, thread, time::Duration};

use tokio::time::{Instant, sleep};

use crate::process;

/// Of the generator's core; a run above 0.9 does not count.
const SHARE: f64 = 0.8;

/// How often the accounts are read.
const PERIOD: Duration = Duration::from_millis(2);

/// What idle time may be saved up: a publish to thousands keeps the generator busy for this long at once.
const CREDIT: Duration = Duration::from_millis(50);

/// Pauses the thread, and so all clients, whenever they have used more than their share.
pub(crate) async fn keep() -> io::Result<Infallible> {
    let mut owed = Owed::default();
    let (mut seen, mut used) = (Instant::now(), process::own_cpu()?);
    loop {
        sleep(PERIOD).await;
        let (now, cpu) = (Instant::now(), process::own_cpu()?);
        owed.account(now - seen, cpu - used);
        (seen, used) = (now, cpu);
        thread::sleep(owed.pause());
    }
}

/// Time that must pass idly until the share is kept, in seconds; negative while there is credit.
#[derive(Default)]
struct Owed(f64);

impl Owed {
    fn account(&mut self, passed: Duration, used: Duration) {
        let owed = self.0 + used.as_secs_f64() / SHARE - passed.as_secs_f64();
        self.0 = owed.max(-CREDIT.as_secs_f64());
    }

    fn pause(&self) -> Duration {
        Duration::from_secs_f64(self.0.max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: Duration = Duration::from_millis(8);

    #[test]
    fn who_uses_the_whole_core_pauses_for_a_fifth_of_the_time() {
        let mut owed = Owed::default();
        owed.account(BUSY, BUSY);
        assert_eq!(owed.pause(), Duration::from_millis(2));
        // The pause itself passes idly.
        owed.account(Duration::from_millis(2), Duration::ZERO);
        assert_eq!(owed.pause(), Duration::ZERO);
    }

    #[test]
    fn who_was_idle_may_be_busy_for_a_while() {
        let mut owed = Owed::default();
        owed.account(Duration::from_secs(1), Duration::ZERO);
        owed.account(BUSY * 20, BUSY * 20);
        assert_eq!(owed.pause(), Duration::ZERO);
        owed.account(BUSY * 10, BUSY * 10);
        assert_eq!(owed.pause(), Duration::from_millis(10));
    }
}
