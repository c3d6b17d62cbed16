//! Rates: how often a device may write and somebody may guess. Bounded tables of token buckets.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// So much at once, so much per second after that.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rate {
    /// What a full bucket holds.
    pub burst: f64,
    /// What flows in per second.
    pub per_second: f64,
}

/// What one writer or guesser has left.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    left: f64,
    at: Instant,
}

/// One bucket for each writer or guesser.
#[derive(Debug)]
pub struct Buckets<K> {
    rate: Rate,
    buckets: Mutex<HashMap<K, Bucket>>,
}

/// The bucket is empty: how long until there is enough in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exceeded(pub Duration);

/// Buckets in one table. One that is full again is no different from one that is not there.
const MAX_BUCKETS: usize = 100_000;

impl Bucket {
    /// A full one.
    pub fn full(rate: Rate, now: Instant) -> Self {
        Self {
            left: rate.burst,
            at: now,
        }
    }

    /// Takes `amount` out.
    ///
    /// # Errors
    ///
    /// There is not so much in it; nothing is taken then.
    pub fn take(&mut self, rate: Rate, amount: f64, now: Instant) -> Result<(), Exceeded> {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = rate.burst.min(self.left + elapsed * rate.per_second);
        self.at = now;
        if self.left < amount {
            let seconds = (amount - self.left) / rate.per_second;
            return Err(Exceeded(Duration::from_secs_f64(seconds)));
        }
        self.left -= amount;
        Ok(())
    }
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// An empty table.
    pub fn new(rate: Rate) -> Self {
        Self {
            rate,
            buckets: Mutex::default(),
        }
    }

    /// Takes `amount` out of the bucket of `key`.
    ///
    /// # Errors
    ///
    /// As [`Bucket::take`].
    pub fn take(&self, key: &K, amount: f64, now: Instant) -> Result<(), Exceeded> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_BUCKETS && !buckets.contains_key(key) {
            self.make_room(&mut buckets, now);
        }
        let bucket = buckets.entry(key.clone());
        bucket
            .or_insert_with(|| Bucket::full(self.rate, now))
            .take(self.rate, amount, now)
    }

    /// Looks whether `amount` could be taken.
    ///
    /// # Errors
    ///
    /// As [`Bucket::take`].
    pub fn check(&self, key: &K, amount: f64, now: Instant) -> Result<(), Exceeded> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.get(key).copied();
        bucket.map_or(Ok(()), |mut copy| copy.take(self.rate, amount, now))
    }

    fn make_room(&self, buckets: &mut HashMap<K, Bucket>, now: Instant) {
        let rate = self.rate;
        buckets.retain(|_, bucket| bucket.clone().take(rate, rate.burst, now).is_err());
        if buckets.len() >= MAX_BUCKETS {
            buckets.clear();
        }
    }
}

impl Exceeded {
    /// Whole seconds to wait, for `Retry-After`.
    pub fn seconds(self) -> u64 {
        self.0.as_secs() + u64::from(self.0.subsec_nanos() > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        burst: 10.0,
        per_second: 2.0,
    };

    #[test]
    fn a_bucket_runs_dry_and_fills_again() {
        let start = Instant::now();
        let mut bucket = Bucket::full(RATE, start);
        assert_eq!(bucket.take(RATE, 10.0, start), Ok(()));
        let exceeded = bucket.take(RATE, 3.0, start).unwrap_err();
        assert_eq!(exceeded.seconds(), 2);
        assert_eq!(bucket.take(RATE, 3.0, start + exceeded.0), Ok(()));
        let later = start + Duration::from_secs(3600);
        assert_eq!(bucket.take(RATE, 10.0, later), Ok(()));
        assert!(bucket.take(RATE, 1.0, later).is_err());
    }

    #[test]
    fn each_key_has_its_own_and_looking_takes_nothing() {
        let (table, now) = (Buckets::new(RATE), Instant::now());
        assert_eq!(table.take(&1, 10.0, now), Ok(()));
        assert!(table.check(&1, 1.0, now).is_err());
        for _ in 0..20 {
            assert_eq!(table.check(&2, 10.0, now), Ok(()));
        }
    }

    #[test]
    fn the_table_is_bounded() {
        let (table, now) = (Buckets::new(RATE), Instant::now());
        for key in 0..=MAX_BUCKETS {
            let _ = table.take(&key, 1.0, now);
        }
        assert!(table.buckets.lock().unwrap().len() <= MAX_BUCKETS);
    }
}
