//! Users, their sessions and settings.

use rusqlite::{Connection, OptionalExtension, Row};

use super::{
    topics,
    writer::{Changed, Transaction},
};
use crate::{
    datetime::Timestamp,
    store::{Credentials, Effect, NewSession, NewUser, Session, StoreError, UserId},
    token::Digest,
};

/// Sessions of one user that do everything.
const MAX_SESSIONS: u32 = 100;
/// Sessions of one user that only subscribe.
const MAX_NARROW: u32 = 1000;

pub(super) fn create_user(
    tx: &Transaction<'_>,
    user: &NewUser,
    session: &NewSession,
) -> Changed<bool> {
    let insert = "INSERT INTO users (app, email, password, created) VALUES (?1, ?2, ?3, ?4)
                  ON CONFLICT DO NOTHING";
    let row = (&user.app, &user.email, &user.password, tx.now.millis());
    if tx.db.prepare_cached(insert)?.execute(row)? == 0 {
        return Ok((false, Effect::None));
    }
    open_session(tx, UserId(tx.db.last_insert_rowid()), session)?;
    Ok((true, Effect::None))
}

pub(super) fn credentials(
    db: &Connection,
    app: &str,
    email: &str,
) -> Result<Option<Credentials>, StoreError> {
    let select = "SELECT id, password FROM users WHERE app = ?1 AND email = ?2";
    let credentials = |row: &Row<'_>| {
        Ok(Credentials {
            user: UserId(row.get(0)?),
            password: row.get(1)?,
        })
    };
    let mut select = db.prepare_cached(select)?;
    Ok(select.query_row((app, email), credentials).optional()?)
}

pub(super) fn open_session(
    tx: &Transaction<'_>,
    user: UserId,
    session: &NewSession,
) -> Changed<()> {
    let expired = "DELETE FROM sessions WHERE expires <= ?1";
    tx.db.prepare_cached(expired)?.execute([tx.now.millis()])?;
    let ended = make_room(tx, user, session)?;
    let insert = "INSERT INTO sessions (token, user, created, expires, topics, ends)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let topics = session.topics.as_deref().map(topics::to_lines);
    tx.db.prepare_cached(insert)?.execute((
        session.token.as_bytes(),
        user.0,
        tx.now.millis(),
        session.expires.millis(),
        topics,
        session.ends.millis(),
    ))?;
    let effect = match ended.is_empty() {
        true => Effect::None,
        false => Effect::SessionsEnded(ended),
    };
    Ok(((), effect))
}

/// A password that is being changed ends all sessions: none is opened with the old one behind that.
pub(super) fn open_login(
    tx: &Transaction<'_>,
    user: UserId,
    hash: &str,
    session: &NewSession,
) -> Changed<bool> {
    let select = "SELECT 1 FROM users WHERE id = ?1 AND password = ?2";
    let mut select = tx.db.prepare_cached(select)?;
    if !select.exists((user.0, hash))? {
        return Ok((false, Effect::None));
    }
    let ((), effect) = open_session(tx, user, session)?;
    Ok((true, effect))
}

/// Ends sessions until there is a place for this one.
fn make_room(
    tx: &Transaction<'_>,
    user: UserId,
    session: &NewSession,
) -> Result<Vec<Digest>, StoreError> {
    let is_full = session.topics.is_none();
    let most = if is_full { MAX_SESSIONS } else { MAX_NARROW };
    let delete = "DELETE FROM sessions WHERE token IN (
                    SELECT token FROM sessions WHERE user = ?1 AND (topics IS NULL) = ?2
                    ORDER BY expires DESC LIMIT -1 OFFSET ?3)
                  RETURNING token";
    let mut delete = tx.db.prepare_cached(delete)?;
    let token = |row: &Row<'_>| Ok(Digest::from_stored(row.get(0)?));
    let ended = delete.query_map((user.0, is_full, most - 1), token)?;
    Ok(ended.collect::<Result<_, _>>()?)
}

pub(super) fn renew_sessions(
    tx: &Transaction<'_>,
    tokens: &[Digest],
    until: Timestamp,
) -> Changed<()> {
    let update = "UPDATE sessions SET expires = max(expires, min(ends, ?2))
                  WHERE token = ?1 AND expires > ?3";
    let mut update = tx.db.prepare_cached(update)?;
    for token in tokens {
        update.execute((token.as_bytes(), until.millis(), tx.now.millis()))?;
    }
    Ok(((), Effect::None))
}

/// The session with this token, expired or not.
pub(super) fn session(db: &Connection, token: Digest) -> Result<Option<Session>, StoreError> {
    let select = "SELECT token, user, expires, topics, ends FROM sessions WHERE token = ?1";
    let session = |row: &Row<'_>| {
        let stored: [u8; 32] = row.get(0)?;
        let topics: Option<String> = row.get(3)?;
        let session = Session {
            token,
            user: UserId(row.get(1)?),
            expires: Timestamp::from_millis(row.get(2)?),
            ends: Timestamp::from_millis(row.get(4)?),
            topics: topics.as_deref().map(topics::of_lines),
        };
        Ok(token.matches(&stored).then_some(session))
    };
    let mut select = db.prepare_cached(select)?;
    Ok(select
        .query_row([token.as_bytes()], session)
        .optional()?
        .flatten())
}

pub(super) fn end_session(tx: &Transaction<'_>, token: Digest) -> Changed<()> {
    let delete = "DELETE FROM sessions WHERE token = ?1";
    tx.db.prepare_cached(delete)?.execute([token.as_bytes()])?;
    Ok(((), Effect::SessionsEnded(vec![token])))
}

pub(super) fn settings(db: &Connection, user: UserId) -> Result<String, StoreError> {
    let select = "SELECT settings FROM users WHERE id = ?1";
    Ok(db
        .prepare_cached(select)?
        .query_row([user.0], |row| row.get(0))?)
}

pub(super) fn set_settings(tx: &Transaction<'_>, user: UserId, settings: &str) -> Changed<()> {
    let update = "UPDATE users SET settings = ?2 WHERE id = ?1";
    tx.db.prepare_cached(update)?.execute((user.0, settings))?;
    Ok(((), Effect::None))
}

pub(super) fn replace_hash(
    tx: &Transaction<'_>,
    user: UserId,
    old: &str,
    new: &str,
) -> Changed<()> {
    let update = "UPDATE users SET password = ?3 WHERE id = ?1 AND password = ?2";
    tx.db.prepare_cached(update)?.execute((user.0, old, new))?;
    Ok(((), Effect::None))
}
