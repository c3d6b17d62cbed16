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
    let insert = "INSERT INTO sessions VALUES (?1, ?2, ?3, ?4, ?5)";
    let topics = session.topics.as_deref().map(topics::to_lines);
    tx.db.prepare_cached(insert)?.execute((
        session.token.as_bytes(),
        user.0,
        tx.now.millis(),
        session.expires.millis(),
        topics,
    ))?;
    Ok(((), Effect::None))
}

/// The session with this token, expired or not.
pub(super) fn session(db: &Connection, token: Digest) -> Result<Option<Session>, StoreError> {
    let select = "SELECT token, user, expires, topics FROM sessions WHERE token = ?1";
    let session = |row: &Row<'_>| {
        let stored: [u8; 32] = row.get(0)?;
        let topics: Option<String> = row.get(3)?;
        let session = Session {
            token,
            user: UserId(row.get(1)?),
            expires: Timestamp::from_millis(row.get(2)?),
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
