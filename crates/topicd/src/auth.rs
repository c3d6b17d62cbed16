//! Who somebody is: registration, login, sessions, and what guessing costs.

use std::{fmt, net::IpAddr, sync::Arc, time::Instant};

use zeroize::Zeroizing;

use crate::{
    limits::{Buckets, Exceeded, Rate},
    live::Live,
    network::network,
    store::{NewUser, Store, StoreError},
    token::{Digest, NoRandomness, Token},
};

mod password;
mod sessions;

pub use password::{HashError, Passwords, Verdict};

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

/// Accounts that an address makes: twenty an hour. Each takes a row for good.
const REGISTRATIONS: Rate = Rate {
    burst: 20.0,
    per_second: 20.0 / 3600.0,
};

/// Longest e-mail in bytes.
const MAX_EMAIL: usize = 254;
/// Longest password in bytes.
const MAX_PASSWORD: usize = 1024;

/// Accounts and sessions.
pub struct Auth {
    store: Arc<dyn Store>,
    passwords: Passwords,
    live: Arc<Live>,
    registrations: Buckets<IpAddr>,
    addresses: Buckets<IpAddr>,
    accounts: Buckets<Digest>,
    /// Accounts from where they have been logged in to, which others cannot lock.
    regulars: Buckets<Digest>,
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
    /// The account from this network.
    here: Digest,
}

/// A password as it was typed. `Debug` hides it, and it is overwritten when it is gone.
pub struct Secret(Zeroizing<String>);

/// Why nobody was let in.
#[derive(Debug)]
pub enum AuthError {
    /// E-mail or password are wrong; which, is not told.
    BadCredentials,
    /// The e-mail has an account already.
    Taken,
    /// Too many tries.
    TooOften(Exceeded),
    /// Too many passwords are being checked.
    Busy,
    /// The store did not answer.
    Store(StoreError),
    /// We cannot make tokens or hashes.
    Local(String),
}

impl Auth {
    /// Accounts in `store`.
    pub(crate) fn new(store: Arc<dyn Store>, live: Arc<Live>) -> Self {
        Self {
            store,
            passwords: Passwords::new(),
            live,
            registrations: Buckets::new(REGISTRATIONS),
            addresses: Buckets::new(ADDRESS_FAILURES),
            accounts: Buckets::new(ACCOUNT_FAILURES),
            regulars: Buckets::new(ACCOUNT_FAILURES),
        }
    }

    /// Makes an account for somebody who comes from an address, and logs in.
    ///
    /// # Errors
    ///
    /// [`AuthError`].
    pub async fn register_from(&self, login: Login, from: IpAddr) -> Result<Token, AuthError> {
        let registrations = &self.registrations;
        let taken = registrations.take(&network(from), 1.0, Instant::now());
        taken.map_err(AuthError::TooOften)?;
        let guess = Guess::new(&login, from);
        let token = self.register(login).await?;
        self.remember(&guess);
        Ok(token)
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
        let token = Token::generate()?;
        let session = self.login_session(&token);
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
        if token.is_ok() {
            self.remember(&guess);
        }
        token
    }

    async fn check(&self, login: Login) -> Result<Token, AuthError> {
        let known = self.store.credentials(&login.app, &login.email).await?;
        let hash = known.as_ref().map(|known| known.password.clone());
        let verdict = self.passwords.verify(login.password, hash).await?;
        let (Some(known), Verdict::Right { rehashed }) = (known, verdict) else {
            return Err(AuthError::BadCredentials);
        };
        let mut hash = known.password;
        if let Some(renewed) = rehashed {
            let replaced = self
                .store
                .replace_hash(known.user, hash.clone(), renewed.clone());
            // Whoever is right is let in, also if the disk is full.
            if replaced.await.is_ok() {
                hash = renewed;
            }
        }
        let token = Token::generate()?;
        let session = self.login_session(&token);
        match self.store.open_login(known.user, hash, session).await? {
            true => Ok(token),
            // The password was changed while it was compared, or another login renewed its hash.
            false => Err(AuthError::Busy),
        }
    }

    /// Counts a guess before it is known to be wrong: of many at once, all would be looked at.
    fn count_guess(&self, login: &Login, from: IpAddr) -> Result<Guess, AuthError> {
        let guess = Guess::new(login, from);
        let now = Instant::now();
        let counted = self.addresses.take(&guess.from, 1.0, now).and_then(|()| {
            let (buckets, account) = self.account_of(&guess);
            let counted = buckets.take(account, 1.0, now);
            counted.inspect_err(|_| self.addresses.give_back(&guess.from, 1.0))
        });
        counted.map_err(AuthError::TooOften)?;
        Ok(guess)
    }

    /// Where guesses at an account are counted: from a network where its owner has been, apart. Guesses
    /// from all over the world keep nobody out who is at home.
    fn account_of<'a>(&'a self, guess: &'a Guess) -> (&'a Buckets<Digest>, &'a Digest) {
        match self.regulars.knows(&guess.here) {
            true => (&self.regulars, &guess.here),
            false => (&self.accounts, &guess.account),
        }
    }

    /// It was right, or nobody has looked at it.
    fn forgive(&self, guess: &Guess) {
        self.addresses.give_back(&guess.from, 1.0);
        let (buckets, account) = self.account_of(guess);
        buckets.give_back(account, 1.0);
    }

    /// Its owner has been here, for as long as the table has room.
    fn remember(&self, guess: &Guess) {
        let _ = self.regulars.take(&guess.here, 0.0, Instant::now());
    }

    /// The hash of a password, as the store keeps it.
    ///
    /// # Errors
    ///
    /// [`AuthError`].
    pub async fn hash(&self, password: Secret) -> Result<String, AuthError> {
        Ok(self.passwords.hash(password).await?)
    }

    /// Looks whether an address may try a secret.
    ///
    /// # Errors
    ///
    /// It has failed too often.
    pub fn may_try(&self, from: IpAddr) -> Result<(), AuthError> {
        let allowed = self.addresses.check(&network(from), 1.0, Instant::now());
        allowed.map_err(AuthError::TooOften)
    }

    /// Counts a failure of an address.
    pub fn failed(&self, from: IpAddr) {
        let _ = self.addresses.take(&network(from), 1.0, Instant::now());
    }
}

impl Guess {
    /// The store finds an account by its e-mail in whatever case of ASCII, so that is one account here.
    fn new(login: &Login, from: IpAddr) -> Self {
        let from = network(from);
        let account = format!("{}\n{}", login.app, login.email.to_ascii_lowercase());
        Self {
            from,
            account: Token::presented(&account).digest(),
            here: Token::presented(&format!("{account}\n{from}")).digest(),
        }
    }
}

impl Login {
    /// As it was typed; none if nobody can have such an e-mail or password.
    pub(crate) fn typed(app: String, email: String, password: String) -> Option<Self> {
        let fits = (1..=MAX_EMAIL).contains(&email.len())
            && (1..=MAX_PASSWORD).contains(&password.len())
            && !email.contains(char::is_control);
        let password = Secret::new(password);
        fits.then_some(Self {
            app,
            email,
            password,
        })
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Auth")
    }
}

impl Secret {
    /// Takes what was typed.
    pub fn new(password: String) -> Self {
        Self(Zeroizing::new(password))
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
            Self::TooOften(_) => f.write_str("too many tries"),
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
mod tests;
