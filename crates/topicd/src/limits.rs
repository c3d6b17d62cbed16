//! Rates: how often a device may write and somebody may guess. Bounded tables of token buckets.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
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
pub struct Buckets<K>(Mutex<Table<K>>);

/// The buckets, and the order in which they were used last.
#[derive(Debug)]
struct Table<K> {
    rate: Rate,
    buckets: HashMap<K, Used>,
    by_use: BTreeMap<u64, K>,
    uses: u64,
}

#[derive(Debug)]
struct Used {
    bucket: Bucket,
    at: u64,
}

/// The bucket is empty: how long until there is enough in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exceeded(pub Duration);

/// Buckets in one table.
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
        Self(Mutex::new(Table {
            rate,
            buckets: HashMap::new(),
            by_use: BTreeMap::new(),
            uses: 0,
        }))
    }

    /// Another rate from now on.
    pub fn set_rate(&self, rate: Rate) {
        self.lock().rate = rate;
    }

    /// Takes `amount` out of the bucket of `key`.
    ///
    /// # Errors
    ///
    /// As [`Bucket::take`].
    pub fn take(&self, key: &K, amount: f64, now: Instant) -> Result<(), Exceeded> {
        let mut table = self.lock();
        let rate = table.rate;
        let taken = table.bucket(key, now).take(rate, amount, now);
        table.make_room();
        taken
    }

    /// Puts back what was taken and not used.
    pub fn give_back(&self, key: &K, amount: f64) {
        let mut table = self.lock();
        let burst = table.rate.burst;
        if let Some(used) = table.buckets.get_mut(key) {
            used.bucket.left = burst.min(used.bucket.left + amount);
        }
    }

    /// Whether a key has a bucket, full or not.
    pub fn knows(&self, key: &K) -> bool {
        self.lock().buckets.contains_key(key)
    }

    /// Looks whether `amount` could be taken.
    ///
    /// # Errors
    ///
    /// As [`Bucket::take`].
    pub fn check(&self, key: &K, amount: f64, now: Instant) -> Result<(), Exceeded> {
        let table = self.lock();
        let bucket = table.buckets.get(key).map(|used| used.bucket);
        bucket.map_or(Ok(()), |mut copy| copy.take(table.rate, amount, now))
    }

    fn lock(&self) -> MutexGuard<'_, Table<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq + Clone> Table<K> {
    /// The bucket of a key, which is used now.
    fn bucket(&mut self, key: &K, now: Instant) -> &mut Bucket {
        self.uses += 1;
        let used = self.buckets.entry(key.clone()).or_insert_with(|| Used {
            bucket: Bucket::full(self.rate, now),
            at: self.uses,
        });
        self.by_use.remove(&used.at);
        used.at = self.uses;
        self.by_use.insert(used.at, key.clone());
        &mut used.bucket
    }

    /// Whoever fails or writes all the time stays: what was used least recently goes.
    fn make_room(&mut self) {
        while self.buckets.len() > MAX_BUCKETS
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.buckets.remove(&oldest);
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
    fn what_is_given_back_can_be_taken_again_and_no_more() {
        let (table, now) = (Buckets::new(RATE), Instant::now());
        assert_eq!(table.take(&1, 10.0, now), Ok(()));
        table.give_back(&1, 4.0);
        assert_eq!(table.take(&1, 4.0, now), Ok(()));
        assert!(table.take(&1, 1.0, now).is_err());
        table.give_back(&1, 100.0);
        table.give_back(&2, 100.0);
        for key in [1, 2] {
            assert_eq!(table.take(&key, 10.0, now), Ok(()));
            assert!(table.take(&key, 1.0, now).is_err());
        }
    }

    #[test]
    fn the_table_is_bounded_and_who_fails_on_stays_in_it() {
        let (table, now) = (Buckets::new(RATE), Instant::now());
        let guesser = usize::MAX;
        assert_eq!(table.take(&guesser, 10.0, now), Ok(()));
        for key in 0..2 * MAX_BUCKETS {
            let _ = table.take(&key, 1.0, now);
            if key % 1000 == 0 {
                assert!(table.take(&guesser, 1.0, now).is_err());
            }
        }
        assert!(table.check(&guesser, 1.0, now).is_err());
        let table = table.lock();
        assert_eq!(table.buckets.len(), MAX_BUCKETS);
        assert_eq!(table.by_use.len(), MAX_BUCKETS);
    }
}
