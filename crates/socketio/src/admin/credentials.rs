//! Who may enter as an admin.

use std::{fmt, sync::Arc};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::{sync::Mutex, task};

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
        turn: Mutex<()>,
    },
}

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
    /// It is called on a thread that may block, for one guess at a time. Whether it betrays by its
    /// timing which part is wrong is its own affair. A panic is a no.
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
            turn: Mutex::new(()),
        }))
    }

    /// True if these are the right ones.
    pub(super) async fn are(&self, username: String, password: String) -> bool {
        match &*self.0 {
            Kind::Password {
                username: right_name,
                password: right_password,
            } => {
                let name = hash(&username).ct_eq(right_name);
                let password = hash(&password).ct_eq(right_password);
                (name & password).into()
            }
            Kind::Verifier { verify, turn } => {
                let _turn = turn.lock().await;
                let verify = Arc::clone(verify);
                let answer = task::spawn_blocking(move || verify(&username, &password));
                answer.await.unwrap_or(false)
            }
        }
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
