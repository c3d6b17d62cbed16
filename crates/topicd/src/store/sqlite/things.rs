//! Activation codes, things and links.

use rusqlite::{Connection, OptionalExtension, Row};

use super::writer::{Changed, Transaction};
use crate::{
    store::{Effect, NewThing, Right, Scope, StoreError, Thing, ThingRow, UserId},
    token::{Digest, ThingId},
    topic::Key,
};

pub(super) fn create_code(tx: &Transaction<'_>, code: Digest) -> Changed<()> {
    let insert = "INSERT INTO codes (code, created) VALUES (?1, ?2)";
    tx.db
        .prepare_cached(insert)?
        .execute((code.as_bytes(), tx.now.millis()))?;
    Ok(((), Effect::None))
}

/// Uses the code up and makes the thing in one transaction: a code makes one thing at most.
pub(super) fn activate(tx: &Transaction<'_>, code: Digest, thing: &NewThing) -> Changed<bool> {
    let unused = "SELECT 1 FROM codes WHERE code = ?1 AND thing IS NULL";
    if !tx.db.prepare_cached(unused)?.exists([code.as_bytes()])? {
        return Ok((false, Effect::None));
    }
    let insert = "INSERT INTO things (name, token, product, created) VALUES (?1, ?2, ?3, ?4)";
    let (name, token) = (thing.id.as_str(), thing.token.as_bytes());
    let row = (name, token, &thing.product, tx.now.millis());
    let thing = tx.db.prepare_cached(insert)?.insert(row)?;
    let used = "UPDATE codes SET thing = ?2 WHERE code = ?1";
    tx.db
        .prepare_cached(used)?
        .execute((code.as_bytes(), thing))?;
    Ok((true, Effect::None))
}

/// The thing that a token gives a right to. A grant of another scope is as unknown as no token.
pub(super) fn by_token(
    db: &Connection,
    token: Digest,
    right: Right,
) -> Result<Option<Thing>, StoreError> {
    let select = "SELECT id, name, token FROM things WHERE token = ?1
                  UNION ALL
                  SELECT things.id, name, grants.token
                  FROM grants JOIN things ON things.id = grants.thing
                  WHERE grants.token = ?1 AND scope = ?2";
    let matching = |row: &Row<'_>| {
        let stored: [u8; 32] = row.get(2)?;
        Ok(token.matches(&stored).then_some(thing(row)?))
    };
    let scope = right.scope().map(Scope::as_str);
    let mut select = db.prepare_cached(select)?;
    Ok(select
        .query_row((token.as_bytes(), scope), matching)
        .optional()?
        .flatten())
}

/// Linking twice is linking once.
pub(super) fn link(tx: &Transaction<'_>, user: UserId, token: Digest) -> Changed<Option<ThingId>> {
    let Some(thing) = by_token(tx.db, token, Right::Own)? else {
        return Ok((None, Effect::None));
    };
    let insert = "INSERT INTO links VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    let row = (thing.row.0, user.0, tx.now.millis());
    let effect = match tx.db.prepare_cached(insert)?.execute(row)? {
        0 => Effect::None,
        _ => Effect::Linked(user, thing.id.clone()),
    };
    Ok((Some(thing.id), effect))
}

pub(super) fn unlink(tx: &Transaction<'_>, user: UserId, thing: &ThingId) -> Changed<bool> {
    let delete = "DELETE FROM links WHERE user = ?1
                  AND thing = (SELECT id FROM things WHERE name = ?2)";
    let deleted = tx
        .db
        .prepare_cached(delete)?
        .execute((user.0, thing.as_str()))?;
    Ok((deleted > 0, Effect::None))
}

pub(super) fn linked(db: &Connection, user: UserId) -> Result<Vec<Thing>, StoreError> {
    let select = "SELECT id, name FROM things JOIN links ON links.thing = things.id
                  WHERE links.user = ?1 ORDER BY name";
    let mut select = db.prepare_cached(select)?;
    let things = select.query_map([user.0], thing)?;
    Ok(things.collect::<Result<_, _>>()?)
}

/// Those of the user's things that have a resource.
pub(super) fn linked_with(
    db: &Connection,
    user: UserId,
    key: &Key,
) -> Result<Vec<Thing>, StoreError> {
    let select = "SELECT things.id, name FROM things JOIN links ON links.thing = things.id
                  JOIN series ON series.thing = things.id AND series.key = ?2
                  WHERE links.user = ?1 ORDER BY name";
    let mut select = db.prepare_cached(select)?;
    let things = select.query_map((user.0, key.as_str()), thing)?;
    Ok(things.collect::<Result<_, _>>()?)
}

/// The user's thing of this name.
pub(super) fn owned(
    db: &Connection,
    user: UserId,
    name: &ThingId,
) -> Result<Option<Thing>, StoreError> {
    let select = "SELECT id, name FROM things JOIN links ON links.thing = things.id
                  WHERE links.user = ?1 AND name = ?2";
    let mut select = db.prepare_cached(select)?;
    Ok(select
        .query_row((user.0, name.as_str()), thing)
        .optional()?)
}

/// Who owns a thing now.
pub(super) fn owners(db: &Connection, thing: ThingRow) -> Result<Vec<UserId>, StoreError> {
    let select = "SELECT user FROM links WHERE thing = ?1";
    let mut select = db.prepare_cached(select)?;
    let owners = select.query_map([thing.0], |row| Ok(UserId(row.get(0)?)))?;
    Ok(owners.collect::<Result<_, _>>()?)
}

/// Of a row that begins with the number and the name.
fn thing(row: &Row<'_>) -> rusqlite::Result<Thing> {
    let name: String = row.get(1)?;
    Ok(Thing {
        row: ThingRow(row.get(0)?),
        id: ThingId::named(&name),
    })
}
