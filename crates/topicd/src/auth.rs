//! Who somebody is: registration, login, sessions, and what guessing costs.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use crate::{
    datetime::Timestamp,
    limits::{Buckets, Exceeded, Rate},
    store::{NewSession, NewUser, Session, Store, StoreError, UserId},
    token::{Digest, NoRandomness, Token},
    topic::AllowedTopic,
};

mod password;

pub use password::{HashError, Passwords};

/// Failures of an address: ten a minute.
const ADDRESS_FAILURES: Rate = Rate {
    burst: 10.0,
    per_second: 10.0 / 60.0,
};
/// Failures of an account: twenty an hour. It is never locked for good.
const ACCOUNT_FAILURES: Rate = Rate {
    burst: 20.0,
    per_second: 20.0 / 3600.0,
};

/// Accounts and sessions.
pub struct Auth {
    store: Arc<dyn Store>,
    passwords: Passwords,
    session_seconds: AtomicU64,
    addresses: Buckets<IpAddr>,
    accounts: Buckets<Digest>,
}

/// What somebody logs in or registers with.
#[derive(Debug)]
pub struct Login {
    /// The app.
    pub app: String,
    /// The user within the app.
    pub email: String,
    /// The password.
    pub password: Secret,
}

/// A password that is tried, and has been counted.
struct Guess {
    from: IpAddr,
    account: Digest,
}

/// A password as it was typed. `Debug` hides it.
pub struct Secret(pub String);

/// Why nobody was let in.
#[derive(Debug)]
pub enum AuthError {
    /// E-mail or password are wrong; which, is not told.
    BadCredentials,
    /// The e-mail has an account already.
    Taken,
    /// Too many failures.
    TooManyFailures(Exceeded),
    /// Too many passwords are being checked.
    Busy,
    /// The store did not answer.
    Store(StoreError),
    /// We cannot make tokens or hashes.
    Local(String),
}

impl Auth {
    /// Accounts in `store`, with sessions of this length.
    pub fn new(store: Arc<dyn Store>, session_seconds: u64) -> Self {
        Self {
            store,
            passwords: Passwords::new(),
            session_seconds: AtomicU64::new(session_seconds),
            addresses: Buckets::new(ADDRESS_FAILURES),
            accounts: Buckets::new(ACCOUNT_FAILURES),
        }
    }

    /// Makes an account and logs in.
    ///
    /// # Errors
    ///
    /// [`AuthError`].
    pub async fn register(&self, login: Login) -> Result<Token, AuthError> {
        let password = self.passwords.hash(login.password).await?;
        let user = NewUser {
            app: login.app,
            email: login.email,
            password,
        };
        let (token, session) = self.new_session(None)?;
        match self.store.create_user(user, session).await? {
            true => Ok(token),
            false => Err(AuthError::Taken),
        }
    }

    /// Logs in. An unknown user costs the same time as a wrong password.
    ///
    /// # Errors
    ///
    /// [`AuthError`].
    pub async fn login(&self, login: Login, from: IpAddr) -> Result<Token, AuthError> {
        let guess = self.count_guess(&login, from)?;
        let token = self.check(login).await;
        if !matches!(token, Err(AuthError::BadCredentials)) {
            self.forgive(&guess);
        }
        token
    }

    async fn check(&self, login: Login) -> Result<Token, AuthError> {
        let known = self.store.credentials(&login.app, &login.email).await?;
        let hash = known.as_ref().map(|known| known.password.clone());
        let right = self.passwords.verify(login.password, hash).await?;
        let known = known.filter(|_| right);
        let known = known.ok_or(AuthError::BadCredentials)?;
        let (token, session) = self.new_session(None)?;
        self.store.open_session(known.user, session).await?;
        Ok(token)
    }

    /// Counts a guess before it is known to be wrong: of many at once, all would be looked at. The
    /// store finds an account by its e-mail in whatever case of ASCII, so that is one account here.
    fn count_guess(&self, login: &Login, from: IpAddr) -> Result<Guess, AuthError> {
        let account = format!("{}\n{}", login.app, login.email.to_ascii_lowercase());
        let guess = Guess {
            from: network(from),
            account: Token::presented(&account).digest(),
        };
        let now = Instant::now();
        let counted = self.addresses.take(&guess.from, 1.0, now).and_then(|()| {
            let counted = self.accounts.take(&guess.account, 1.0, now);
            counted.inspect_err(|_| self.addresses.give_back(&guess.from, 1.0))
        });
        counted.map_err(AuthError::TooManyFailures)?;
        Ok(guess)
    }

    /// It was right, or nobody has looked at it.
    fn forgive(&self, guess: &Guess) {
        self.addresses.give_back(&guess.from, 1.0);
        self.accounts.give_back(&guess.account, 1.0);
    }

    /// The session of a token, if it is known and not expired.
    ///
    /// # Errors
    ///
    /// The store did not answer.
    pub async fn session(&self, token: &Token) -> Result<Option<Session>, StoreError> {
        let session = self.store.session(token.digest()).await?;
        Ok(session.filter(|session| !session.has_expired(Timestamp::now())))
    }

    /// Ends a session. When this returns, whoever used it is logged out.
    ///
    /// # Errors
    ///
    /// The store did not do it.
    pub async fn logout(&self, session: &Session) -> Result<(), StoreError> {
        self.store.end_session(session.token).await
    }

    /// Opens a further session of a user, for some topics or all.
    ///
    /// # Errors
    ///
    /// [`AuthError`].
    pub async fn open_session(
        &self,
        user: UserId,
        topics: Option<Vec<AllowedTopic>>,
        expires: Timestamp,
    ) -> Result<Token, AuthError> {
        let (token, mut opened) = self.new_session(topics)?;
        opened.expires = expires;
        self.store.open_session(user, opened).await?;
        Ok(token)
    }

    /// The hash of a password, as the store keeps it.
    ///
    /// # Errors
    ///
    /// [`AuthError`].
    pub async fn hash(&self, password: Secret) -> Result<String, AuthError> {
        Ok(self.passwords.hash(password).await?)
    }

    /// How long sessions last that are opened from now on, in seconds.
    pub fn set_session_seconds(&self, seconds: u64) {
        self.session_seconds.store(seconds, Ordering::Relaxed);
    }

    /// Looks whether an address may try a secret.
    ///
    /// # Errors
    ///
    /// It has failed too often.
    pub fn may_try(&self, from: IpAddr) -> Result<(), AuthError> {
        let allowed = self.addresses.check(&network(from), 1.0, Instant::now());
        allowed.map_err(AuthError::TooManyFailures)
    }

    /// Counts a failure of an address.
    pub fn failed(&self, from: IpAddr) {
        let _ = self.addresses.take(&network(from), 1.0, Instant::now());
    }

    fn new_session(
        &self,
        topics: Option<Vec<AllowedTopic>>,
    ) -> Result<(Token, NewSession), AuthError> {
        let token = Token::generate()?;
        let session = NewSession {
            token: token.digest(),
            expires: Timestamp::now().plus_seconds(self.session_seconds.load(Ordering::Relaxed)),
            topics,
        };
        Ok((token, session))
    }
}

/// What one guesser has at least: an address of IPv4, a /64 of IPv6.
fn network(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(address) => {
            let prefix = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(prefix))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Auth")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadCredentials => f.write_str("wrong e-mail or password"),
            Self::Taken => f.write_str("the e-mail is taken in this app"),
            Self::TooManyFailures(_) => f.write_str("too many failures"),
            Self::Busy => f.write_str("too many logins at once"),
            Self::Store(error) => error.fmt(f),
            Self::Local(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for AuthError {}

impl From<StoreError> for AuthError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<NoRandomness> for AuthError {
    fn from(_: NoRandomness) -> Self {
        Self::Local("no random bytes".into())
    }
}

impl From<HashError> for AuthError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Busy,
            HashError::Failed(reason) => Self::Local(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_same(one: &str, other: &str) -> bool {
        network(one.parse().unwrap()) == network(other.parse().unwrap())
    }

    #[test]
    fn a_network_of_ipv6_is_one_guesser() {
        assert!(is_same(
            "2001:db8:0:1::1",
            "2001:db8:0:1:ffff:ffff:ffff:ffff"
        ));
        assert!(!is_same("2001:db8:0:1::1", "2001:db8:0:2::1"));
        assert!(!is_same("192.0.2.1", "192.0.2.2"));
        assert!(is_same("192.0.2.1", "::ffff:192.0.2.1"));
        assert!(!is_same("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
    }
}
