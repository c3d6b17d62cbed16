//! What only the operator asks for: lists, apps, and taking rights away.

use rusqlite::{Connection, Row};

use super::writer::{Changed, Transaction};
use crate::{
    datetime::Timestamp,
    store::{Effect, StoreError, Thing, ThingEntry, ThingRow, UserEntry, UserId},
    token::{Digest, ThingId},
};

pub(super) fn users(
    db: &Connection,
    after: UserId,
    limit: u32,
) -> Result<Vec<UserEntry>, StoreError> {
    let select = "SELECT id, app, email, created,
                    (SELECT count(*) FROM sessions WHERE user = users.id),
                    (SELECT count(*) FROM links WHERE user = users.id)
                  FROM users WHERE id > ?1 ORDER BY id LIMIT ?2";
    let entry = |row: &Row<'_>| {
        Ok(UserEntry {
            user: UserId(row.get(0)?),
            app: row.get(1)?,
            email: row.get(2)?,
            created: Timestamp::from_millis(row.get(3)?),
            sessions: row.get(4)?,
            things: row.get(5)?,
        })
    };
    let mut select = db.prepare_cached(select)?;
    let users = select.query_map((after.0, limit), entry)?;
    Ok(users.collect::<Result<_, _>>()?)
}

pub(super) fn things(
    db: &Connection,
    after: ThingRow,
    limit: u32,
) -> Result<Vec<ThingEntry>, StoreError> {
    let select = "SELECT id, name, product, created,
                    (SELECT count(*) FROM links WHERE thing = things.id)
                  FROM things WHERE id > ?1 ORDER BY id LIMIT ?2";
    let entry = |row: &Row<'_>| {
        let name: String = row.get(1)?;
        Ok(ThingEntry {
            thing: Thing {
                row: ThingRow(row.get(0)?),
                id: ThingId::named(&name),
            },
            product: row.get(2)?,
            created: Timestamp::from_millis(row.get(3)?),
            owners: row.get(4)?,
        })
    };
    let mut select = db.prepare_cached(select)?;
    let things = select.query_map((after.0, limit), entry)?;
    Ok(things.collect::<Result<_, _>>()?)
}

pub(super) fn thing_named(db: &Connection, id: &ThingId) -> Result<Option<Thing>, StoreError> {
    let mut select = db.prepare_cached("SELECT id FROM things WHERE name = ?1")?;
    let mut rows = select.query_map([id.as_str()], |row| row.get(0))?;
    let row = rows.next().transpose()?;
    Ok(row.map(|row| Thing {
        row: ThingRow(row),
        id: id.clone(),
    }))
}

pub(super) fn thing_id(db: &Connection, row: ThingRow) -> Result<Option<ThingId>, StoreError> {
    let mut select = db.prepare_cached("SELECT name FROM things WHERE id = ?1")?;
    let mut names = select.query_map([row.0], |row| row.get::<_, String>(0))?;
    let name = names.next().transpose()?;
    Ok(name.map(|name| ThingId::named(&name)))
}

pub(super) fn end_sessions(tx: &Transaction<'_>, user: UserId) -> Changed<usize> {
    let delete = "DELETE FROM sessions WHERE user = ?1 RETURNING token";
    let mut delete = tx.db.prepare_cached(delete)?;
    let ended = delete.query_map([user.0], |row| Ok(Digest::from_stored(row.get(0)?)))?;
    let ended: Vec<_> = ended.collect::<Result<_, _>>()?;
    Ok((ended.len(), Effect::SessionsEnded(ended)))
}

/// Their sessions and links go with them; the things stay.
pub(super) fn remove_user(tx: &Transaction<'_>, user: UserId) -> Changed<bool> {
    let (_, effect) = end_sessions(tx, user)?;
    let delete = "DELETE FROM users WHERE id = ?1";
    let removed = tx.db.prepare_cached(delete)?.execute([user.0])?;
    Ok((removed > 0, effect))
}

pub(super) fn set_password(tx: &Transaction<'_>, user: UserId, password: &str) -> Changed<bool> {
    let update = "UPDATE users SET password = ?2 WHERE id = ?1";
    let changed = tx.db.prepare_cached(update)?.execute((user.0, password))?;
    Ok((changed > 0, Effect::None))
}

pub(super) fn apps(db: &Connection) -> Result<Vec<String>, StoreError> {
    let mut select = db.prepare_cached("SELECT id FROM apps ORDER BY id")?;
    let apps = select.query_map([], |row| row.get(0))?;
    Ok(apps.collect::<Result<_, _>>()?)
}

pub(super) fn create_app(tx: &Transaction<'_>, id: &str) -> Changed<bool> {
    let insert = "INSERT INTO apps VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    let row = (id, tx.now.millis());
    let made = tx.db.prepare_cached(insert)?.execute(row)?;
    Ok((made > 0, Effect::None))
}

pub(super) fn remove_app(tx: &Transaction<'_>, id: &str) -> Changed<bool> {
    let delete = "DELETE FROM apps WHERE id = ?1";
    let removed = tx.db.prepare_cached(delete)?.execute([id])?;
    Ok((removed > 0, Effect::None))
}

/// A write that changes nothing: a store that cannot do it is found out before a device does.
pub(super) fn probe(tx: &Transaction<'_>) -> Changed<()> {
    let touch = "UPDATE counters SET value = value WHERE name = 'seq'";
    tx.db.prepare_cached(touch)?.execute([])?;
    Ok(((), Effect::None))
}
