//! Password hashes: Argon2id, few at a time.
//!
//! One hash takes 19 MiB and tens of milliseconds of a core, so a burst of logins must neither take
//! the memory nor the time of everything else.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use super::Secret;

/// Hashes that are computed at once.
const AT_ONCE: usize = 2;
/// Hashes that may wait; the next login is sent away.
const MAX_WAITING: usize = 50;
/// Memory in KiB, passes, lanes.
const COST: (u32, u32, u32) = (19_456, 2, 1);
/// What the password of an unknown user is compared with, so that it costs the same time.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlzIQ\
                      $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Makes and checks password hashes.
#[derive(Debug)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// No hash was made.
#[derive(Debug)]
pub enum HashError {
    /// Too many wait already.
    Busy,
    /// We failed.
    Failed(String),
}

impl Passwords {
    /// Nothing is being hashed yet.
    pub fn new() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: AtomicUsize::new(0),
        }
    }

    /// A hash with its salt and its cost, as a PHC string.
    ///
    /// # Errors
    ///
    /// [`HashError`].
    pub async fn hash(&self, password: Secret) -> Result<String, HashError> {
        self.in_turn(move || {
            let hash: PasswordHash = hasher()?.hash_password(password.0.as_bytes())?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Checks a password against a hash; against nobody's if there is none.
    ///
    /// # Errors
    ///
    /// [`HashError`].
    pub async fn verify(&self, password: Secret, hash: Option<String>) -> Result<bool, HashError> {
        let is_known = hash.is_some();
        let right = self.in_turn(move || {
            let hash = PasswordHash::new(hash.as_deref().unwrap_or(NOBODY))?;
            Ok(hasher()?
                .verify_password(password.0.as_bytes(), &hash)
                .is_ok())
        });
        Ok(right.await? && is_known)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, argon2::password_hash::Error> + Send + 'static,
    ) -> Result<T, HashError> {
        let waiting = Waiting::enter(&self.waiting)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        drop(waiting);
        let failed = |reason: String| HashError::Failed(reason);
        let done = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop(turn);
            outcome
        });
        let outcome = done.await.map_err(|error| failed(error.to_string()))?;
        outcome.map_err(|error| failed(error.to_string()))
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

/// One place among those who wait; given back when a caller goes away, too.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(waiting: &'a AtomicUsize) -> Result<Self, HashError> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING + AT_ONCE {
            return Err(HashError::Busy);
        }
        Ok(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn hasher() -> Result<Argon2<'static>, argon2::password_hash::Error> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None)
        .map_err(|_| argon2::password_hash::Error::Crypto)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret(text.into())
    }

    #[tokio::test]
    async fn right_wrong_and_nobody() {
        let passwords = Passwords::new();
        let hash = passwords.hash(secret("hunter2")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let right = passwords
            .verify(secret("hunter2"), Some(hash.clone()))
            .await;
        assert!(right.unwrap());
        assert!(
            !passwords
                .verify(secret("hunter3"), Some(hash))
                .await
                .unwrap()
        );
        assert!(!passwords.verify(secret(""), None).await.unwrap());
    }

    #[tokio::test]
    async fn more_than_may_wait_are_sent_away() {
        let passwords = Arc::new(Passwords::new());
        let busy = passwords.turns.clone().acquire_many_owned(2).await.unwrap();
        let mut waiting: Vec<_> = (0..MAX_WAITING + AT_ONCE)
            .map(|_| Box::pin(passwords.hash(secret("a"))))
            .collect();
        assert!(waiting.iter_mut().all(|hash| poll_once(hash).is_pending()));
        assert!(matches!(
            passwords.hash(secret("a")).await,
            Err(HashError::Busy)
        ));
        drop(waiting);
        drop(busy);
        assert!(passwords.hash(secret("a")).await.is_ok());
    }

    fn poll_once<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        std::pin::Pin::new(future).poll(&mut context)
    }
}
