//! The session ids that admins come back with after they have shown their credentials once.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use tokio::time::{Duration, Instant};

/// What admins may come back with, oldest first. Only hashes are kept.
#[derive(Default)]
pub(super) struct Logins(Mutex<VecDeque<Login>>);

struct Login {
    hash: [u8; 32],
    until: Instant,
}

impl Logins {
    /// A new session id; the oldest gives way if there are too many.
    pub(super) fn open(&self, now: Instant) -> Result<String, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut logins = self.logins();
        if logins.len() >= MAX_LOGINS {
            logins.pop_front();
        }
        logins.push_back(Login {
            hash: hash(&id),
            until: now + LIFETIME,
        });
        Ok(id)
    }

    /// True if this one has been opened and is not too old.
    pub(super) fn knows(&self, id: &str, now: Instant) -> bool {
        let mut logins = self.logins();
        logins.retain(|login| login.until > now);
        let hash = hash(id);
        let found = logins.iter().fold(Choice::from(0), |found, login| {
            found | login.hash.ct_eq(&hash)
        });
        found.into()
    }

    fn logins(&self) -> MutexGuard<'_, VecDeque<Login>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(id: &str) -> [u8; 32] {
    Sha256::digest(id).into()
}

/// For how long an admin may come back.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_LOGINS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_lasts_a_day() {
        let (logins, start) = (Logins::default(), Instant::now());
        let id = logins.open(start).unwrap();
        assert!(logins.knows(&id, start + LIFETIME / 2));
        assert!(!logins.knows("", start) && !logins.knows(&id[1..], start));
        assert!(!logins.knows(&id, start + LIFETIME));
        assert!(logins.logins().is_empty());
    }

    #[test]
    fn the_oldest_gives_way() {
        let (logins, now) = (Logins::default(), Instant::now());
        let first = logins.open(now).unwrap();
        let second = logins.open(now).unwrap();
        for _ in 0..MAX_LOGINS - 1 {
            logins.open(now).unwrap();
        }
        assert!(!logins.knows(&first, now) && logins.knows(&second, now));
    }
}
