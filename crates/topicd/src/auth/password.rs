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

/// What a password is worth.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is not the one.
    Wrong,
    /// It is the one.
    Right {
        /// Its hash at today's cost, if that of the known hash is another.
        rehashed: Option<String>,
    },
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
        self.in_turn(move || hash_of(password.0.as_bytes())).await
    }

    /// Checks a password against a hash; against nobody's if there is none.
    ///
    /// # Errors
    ///
    /// [`HashError`].
    pub async fn verify(
        &self,
        password: Secret,
        hash: Option<String>,
    ) -> Result<Verdict, HashError> {
        self.in_turn(move || {
            let known = PasswordHash::new(hash.as_deref().unwrap_or(NOBODY))?;
            let password = password.0.as_bytes();
            let right = hasher()?.verify_password(password, &known).is_ok();
            if !right || hash.is_none() {
                return Ok(Verdict::Wrong);
            }
            let rehashed = match is_current(&known) {
                true => None,
                false => Some(hash_of(password)?),
            };
            Ok(Verdict::Right { rehashed })
        })
        .await
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

fn hash_of(password: &[u8]) -> Result<String, argon2::password_hash::Error> {
    let hash: PasswordHash = hasher()?.hash_password(password)?;
    Ok(hash.to_string())
}

/// Whether a hash costs what hashes cost today. Only the password gives another one, so that is made
/// at a login.
fn is_current(hash: &PasswordHash) -> bool {
    let (memory, passes, lanes) = COST;
    Params::try_from(hash).is_ok_and(|params| {
        (params.m_cost(), params.t_cost(), params.p_cost()) == (memory, passes, lanes)
            && hash.algorithm == Algorithm::Argon2id.ident()
    })
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
        Secret::new(text.into())
    }

    #[tokio::test]
    async fn right_wrong_and_nobody() {
        let passwords = Passwords::new();
        let hash = passwords.hash(secret("hunter2")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let verify = async |password, hash| passwords.verify(secret(password), hash).await.unwrap();
        let right = Verdict::Right { rehashed: None };
        assert_eq!(verify("hunter2", Some(hash.clone())).await, right);
        assert_eq!(verify("hunter3", Some(hash)).await, Verdict::Wrong);
        assert_eq!(verify("", None).await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_made_anew() {
        let passwords = Passwords::new();
        let cheap = Params::new(8192, 1, 1, None).unwrap();
        let cheap = Argon2::new(Algorithm::Argon2id, Version::V0x13, cheap);
        let old: PasswordHash = cheap.hash_password(b"hunter2").unwrap();
        let verify = async |password, hash| passwords.verify(secret(password), hash).await.unwrap();
        assert_eq!(verify("x", Some(old.to_string())).await, Verdict::Wrong);
        let renewed = match verify("hunter2", Some(old.to_string())).await {
            Verdict::Right {
                rehashed: Some(hash),
            } => hash,
            verdict => panic!("{verdict:?}"),
        };
        assert!(renewed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let right = Verdict::Right { rehashed: None };
        assert_eq!(verify("hunter2", Some(renewed)).await, right);
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
