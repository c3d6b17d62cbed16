//! Who may enter as an admin.

use std::{fmt, sync::Arc};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::{
    sync::{Mutex, Semaphore},
    task,
};

/// A user name and a password, or what can tell whether they are right.
#[derive(Clone)]
pub struct Credentials(Arc<Kind>);

enum Kind {
    Password {
        username: Hash,
        password: Hash,
    },
    Verifier {
        verify: Arc<Verify>,
        /// Hashing a password is slow on purpose: guesses must not take all processors.
        turn: Arc<Mutex<()>>,
        places: Arc<Semaphore>,
    },
}

/// Too many guesses wait already.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Busy;

type Hash = [u8; 32];
type Verify = dyn Fn(&str, &str) -> bool + Send + Sync;

impl Credentials {
    /// One user name with its password. They are kept as hashes and compared in constant time.
    ///
    /// # Panics
    ///
    /// If one of them is empty.
    pub fn password(username: &str, password: &str) -> Self {
        let given = !username.is_empty() && !password.is_empty();
        assert!(given, "an admin has a user name and a password");
        Self(Arc::new(Kind::Password {
            username: hash(username),
            password: hash(password),
        }))
    }

    /// What decides about a user name and a password, for instance by a bcrypt or an Argon2 hash.
    ///
    /// It is called on a thread that may block, for one guess at a time; 16 at most wait, and others
    /// are refused at once. Whether it betrays by its timing which part is wrong is its own affair. A
    /// panic is a no.
    ///
    /// ```
    /// # fn verify(_: &str, _: &str) -> bool { false }
    /// # const HASH: &str = "$2b$10$…";
    /// use socketio::admin::Credentials;
    ///
    /// let credentials = Credentials::verified_by(|username, password| {
    ///     let is_password = verify(password, HASH);
    ///     username == "ops" && is_password
    /// });
    /// ```
    pub fn verified_by(verify: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(Kind::Verifier {
            verify: Arc::new(verify),
            turn: Arc::default(),
            places: Arc::new(Semaphore::new(MAX_WAITING)),
        }))
    }

    /// True if these are the right ones.
    ///
    /// # Errors
    ///
    /// That cannot be told now.
    pub(super) async fn are(&self, username: String, password: String) -> Result<bool, Busy> {
        Ok(match &*self.0 {
            Kind::Password {
                username: right_name,
                password: right_password,
            } => {
                let name = hash(&username).ct_eq(right_name);
                let password = hash(&password).ct_eq(right_password);
                (name & password).into()
            }
            Kind::Verifier {
                verify,
                turn,
                places,
            } => {
                let place = Arc::clone(places).try_acquire_owned().map_err(|_| Busy)?;
                let turn = Arc::clone(turn).lock_owned().await;
                let verify = Arc::clone(verify);
                let answer = task::spawn_blocking(move || {
                    // Held until it is done, also for a client that has gone away meanwhile.
                    let _held = (place, turn);
                    verify(&username, &password)
                });
                answer.await.unwrap_or(false)
            }
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

fn hash(text: &str) -> Hash {
    Sha256::digest(text).into()
}

/// Guesses that wait for an application's answer, with the one that has its turn.
const MAX_WAITING: usize = 16;

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use super::*;

    /// What answers as it is told to, and the way to tell it.
    fn asked() -> (Credentials, mpsc::Sender<bool>) {
        let (say, answers) = mpsc::channel();
        let answers = Mutex::new(answers);
        let verify = move |_: &str, _: &str| answers.lock().unwrap().recv().unwrap();
        (Credentials::verified_by(verify), say)
    }

    fn guess(credentials: &Credentials) -> task::JoinHandle<Result<bool, Busy>> {
        let credentials = credentials.clone();
        tokio::spawn(async move { credentials.are("ops".into(), "?".into()).await })
    }

    #[tokio::test]
    async fn few_guesses_wait_and_others_are_refused() {
        let (credentials, say) = asked();
        let waiting: Vec<_> = (0..MAX_WAITING).map(|_| guess(&credentials)).collect();
        assert_eq!(guess(&credentials).await.unwrap(), Err(Busy));
        for guess in waiting {
            say.send(true).unwrap();
            assert_eq!(guess.await.unwrap(), Ok(true));
        }
        say.send(false).unwrap();
        assert_eq!(guess(&credentials).await.unwrap(), Ok(false));
    }

    #[tokio::test]
    async fn a_guess_that_is_given_up_keeps_its_turn_until_it_is_done() {
        let (credentials, say) = asked();
        let Kind::Verifier { turn, places, .. } = &*credentials.0 else {
            panic!("no verifier");
        };
        let given_up = guess(&credentials);
        while turn.try_lock().is_ok() {
            task::yield_now().await;
        }
        given_up.abort();
        assert!(given_up.await.unwrap_err().is_cancelled());
        assert!(turn.try_lock().is_err());
        assert_eq!(places.available_permits(), MAX_WAITING - 1);
        say.send(true).unwrap();
        drop(turn.lock().await);
        say.send(true).unwrap();
        assert_eq!(guess(&credentials).await.unwrap(), Ok(true));
    }
}
