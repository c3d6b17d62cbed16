//! Sessions: how long they last, and that those in use go on.

use super::{Auth, AuthError};
use crate::{
    datetime::Timestamp,
    store::{NewSession, Session, StoreError, UserId},
    token::{Digest, Token},
    topic::AllowedTopic,
};

/// How old the last use must be for the next one to be written down, in seconds.
const RENEWED_EVERY: u64 = 60 * 60;
/// Sessions that are renewed in one write, so that those of devices need not wait for long.
const RENEWED_AT_ONCE: usize = 1000;

impl Auth {
    /// The session of a token, if it is known and not expired. It is used by that.
    ///
    /// # Errors
    ///
    /// The store did not answer.
    pub async fn session(&self, token: &Token) -> Result<Option<Session>, StoreError> {
        let session = self.store.session(token.digest()).await?;
        let session = session.filter(|session| !session.has_expired(Timestamp::now()));
        if let Some(session) = &session {
            self.used(session).await;
        }
        Ok(session)
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
        ends: Timestamp,
    ) -> Result<Token, AuthError> {
        let token = Token::generate()?;
        let session = self.new_session(&token, topics, ends);
        self.store.open_session(user, session).await?;
        Ok(token)
    }

    /// Somebody uses a session, which so goes on. Once an hour that is written down.
    pub(crate) async fn used(&self, session: &Session) {
        let expires = self.expires(Timestamp::now(), session.ends);
        if session.is_full() && expires >= session.expires.plus_seconds(RENEWED_EVERY) {
            self.renew(&[session.token]).await;
        }
    }

    /// Sessions are in use. A store that is busy or full is no reason to send anybody away: the next
    /// use is written down then.
    pub(crate) async fn renew(&self, tokens: &[Digest]) {
        let until = self.expires(Timestamp::now(), Timestamp::MAX);
        for tokens in tokens.chunks(RENEWED_AT_ONCE) {
            let _ = self.store.renew_sessions(tokens.to_vec(), until).await;
        }
    }

    /// The session of a login.
    pub(super) fn login_session(&self, token: &Token) -> NewSession {
        let accounts = &self.live.now().config.accounts;
        let ends = Timestamp::now().plus_seconds(accounts.session_seconds());
        self.new_session(token, None, ends)
    }

    /// Tokens that only subscribe live as long as whoever made them said, used or not.
    fn new_session(
        &self,
        token: &Token,
        topics: Option<Vec<AllowedTopic>>,
        ends: Timestamp,
    ) -> NewSession {
        let expires = match topics {
            None => self.expires(Timestamp::now(), ends),
            Some(_) => ends,
        };
        NewSession {
            token: token.digest(),
            expires,
            ends,
            topics,
        }
    }

    /// When a session expires that was used at an instant for the last time.
    fn expires(&self, used: Timestamp, ends: Timestamp) -> Timestamp {
        let idle = self.live.now().config.accounts.idle_seconds();
        idle.map_or(ends, |idle| used.plus_seconds(idle).min(ends))
    }
}
