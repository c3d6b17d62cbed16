//! How often somebody may guess a password: a bounded table, by address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::time::{Duration, Instant};

/// Who has guessed, and until when that counts against them.
#[derive(Default)]
pub(super) struct Guesses(Mutex<HashMap<Source, Instant>>);

/// From where somebody guesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    V4([u8; 4]),
    /// A network: whoever has one address of it has all.
    V6([u8; 8]),
    /// All whose address is not known, or for whom the table has no room.
    Others,
}

/// A guess that was allowed.
#[derive(Debug)]
pub(super) struct Guess(Source);

/// Too many wrong ones.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Guesses {
    /// Counts a guess, before it is known to be wrong: many at once are counted, too.
    pub(super) fn count(&self, address: Option<IpAddr>, now: Instant) -> Result<Guess, TooMany> {
        let mut sources = self.sources();
        let source = admitted(&mut sources, Source::of(address), now);
        let forgotten = sources.entry(source).or_insert(now);
        let next = (*forgotten).max(now) + PENALTY;
        if next > now + PENALTY * BURST {
            return Err(TooMany);
        }
        *forgotten = next;
        Ok(Guess(source))
    }

    /// It was right.
    pub(super) fn forgive(&self, guess: &Guess) {
        if let Some(forgotten) = self.sources().get_mut(&guess.0)
            && let Some(earlier) = forgotten.checked_sub(PENALTY)
        {
            *forgotten = earlier;
        }
    }

    fn sources(&self) -> MutexGuard<'_, HashMap<Source, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => Self::V4(address.octets()),
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
            None => Self::Others,
        }
    }
}

/// The place in the table that counts for a source.
fn admitted(sources: &mut HashMap<Source, Instant>, source: Source, now: Instant) -> Source {
    if sources.len() >= MAX_SOURCES {
        sources.retain(|_, forgotten| *forgotten > now);
    }
    if sources.len() < MAX_SOURCES || sources.contains_key(&source) {
        source
    } else {
        Source::Others
    }
}

/// How many wrong guesses one source has at once.
const BURST: u32 = 10;
/// After how long it has one more.
const PENALTY: Duration = Duration::from_secs(30);
/// Sources that are counted apart.
const MAX_SOURCES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn ten_at_once_then_one_every_half_minute() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        let here = address("192.0.2.1");
        for _ in 0..10 {
            guesses.count(here, start).unwrap();
        }
        assert_eq!(guesses.count(here, start).unwrap_err(), TooMany);
        assert!(guesses.count(address("192.0.2.2"), start).is_ok());
        let later = start + PENALTY;
        guesses.count(here, later).unwrap();
        assert_eq!(guesses.count(here, later).unwrap_err(), TooMany);
    }

    #[test]
    fn right_ones_do_not_count() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        for _ in 0..100 {
            let guess = guesses.count(None, now).unwrap();
            guesses.forgive(&guess);
        }
    }

    #[test]
    fn a_network_is_one_source() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        for last in 0..10 {
            let one = address(&format!("2001:db8::{last}"));
            guesses.count(one, now).unwrap();
        }
        assert!(guesses.count(address("2001:db8::ffff"), now).is_err());
        assert!(guesses.count(address("2001:db8:0:1::1"), now).is_ok());
    }

    #[test]
    fn a_full_table_counts_the_others_together() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        let sources = || (0_u32..).map(|n| Some(IpAddr::from(n.to_be_bytes())));
        for source in sources().take(MAX_SOURCES + 10) {
            guesses.count(source, start).unwrap();
        }
        let mut more = sources().skip(MAX_SOURCES + 10);
        assert!(guesses.count(more.next().unwrap(), start).is_err());
        assert!(guesses.sources().len() <= MAX_SOURCES + 1);
        assert!(guesses.count(more.next().unwrap(), start + PENALTY).is_ok());
    }
}
