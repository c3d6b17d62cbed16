//! Tokens of things that are given and taken back.

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::{
    operation::thing_named,
    writer::{Changed, Transaction},
};
use crate::{
    datetime::Timestamp,
    store::{
        Effect, Grant, GrantId, Granted, Scope, StoreError, Thing, ThingRow, grant::MAX_GRANTS,
    },
    token::{Digest, ThingId},
};

/// The old token is unknown from here on.
pub(super) fn replace_own(tx: &Transaction<'_>, id: &ThingId, token: Digest) -> Changed<bool> {
    let select = "SELECT id, token FROM things WHERE name = ?1";
    let mut select = tx.db.prepare_cached(select)?;
    let own = select.query_row([id.as_str()], |row| {
        Ok((ThingRow(row.get(0)?), Digest::from_stored(row.get(1)?)))
    });
    let Some((thing, old)) = own.optional()? else {
        return Ok((false, Effect::None));
    };
    replace(tx, old, token)?;
    Ok((true, Effect::ThingTokenRevoked(thing, old)))
}

/// A thing has a token of its own always: one that is taken back gives way to `unknown`.
pub(super) fn revoke(tx: &Transaction<'_>, token: Digest, unknown: Digest) -> Changed<bool> {
    let delete = "DELETE FROM grants WHERE token = ?1 RETURNING thing";
    let mut delete = tx.db.prepare_cached(delete)?;
    let granted = delete.query_row([token.as_bytes()], |row| row.get(0));
    let thing = match granted.optional()? {
        Some(thing) => Some(thing),
        None => replace(tx, token, unknown)?,
    };
    Ok(match thing {
        Some(thing) => (true, Effect::ThingTokenRevoked(ThingRow(thing), token)),
        None => (false, Effect::None),
    })
}

fn replace(tx: &Transaction<'_>, old: Digest, new: Digest) -> Result<Option<i64>, StoreError> {
    let update = "UPDATE things SET token = ?2 WHERE token = ?1 RETURNING id";
    let mut update = tx.db.prepare_cached(update)?;
    let row = (old.as_bytes(), new.as_bytes());
    Ok(update.query_row(row, |row| row.get(0)).optional()?)
}

pub(super) fn add(
    tx: &Transaction<'_>,
    id: &ThingId,
    token: Digest,
    scope: Scope,
) -> Changed<Granted> {
    let Some(Thing { row: thing, .. }) = thing_named(tx.db, id)? else {
        return Ok((Granted::UnknownThing, Effect::None));
    };
    let count = "SELECT count(*) FROM grants WHERE thing = ?1";
    let mut count = tx.db.prepare_cached(count)?;
    if count.query_row([thing.0], |row| row.get::<_, u32>(0))? >= MAX_GRANTS {
        return Ok((Granted::TooMany, Effect::None));
    }
    let insert = "INSERT INTO grants (thing, token, scope, created) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = tx.db.prepare_cached(insert)?;
    let row = (thing.0, token.as_bytes(), scope.as_str(), tx.now.millis());
    let grant = Grant {
        id: GrantId(insert.insert(row)?),
        scope,
        created: tx.now,
    };
    Ok((Granted::Made(grant), Effect::None))
}

pub(super) fn list(db: &Connection, id: &ThingId) -> Result<Option<Vec<Grant>>, StoreError> {
    let Some(thing) = thing_named(db, id)? else {
        return Ok(None);
    };
    let select = "SELECT id, scope = 'read', created FROM grants WHERE thing = ?1 ORDER BY id";
    let grant = |row: &Row<'_>| {
        let reads: bool = row.get(1)?;
        Ok(Grant {
            id: GrantId(row.get(0)?),
            scope: if reads { Scope::Read } else { Scope::Write },
            created: Timestamp::from_millis(row.get(2)?),
        })
    };
    let mut select = db.prepare_cached(select)?;
    let grants = select.query_map([thing.row.0], grant)?;
    Ok(Some(grants.collect::<Result<_, _>>()?))
}

pub(super) fn remove(tx: &Transaction<'_>, id: &ThingId, grant: GrantId) -> Changed<bool> {
    let delete = "DELETE FROM grants WHERE id = ?2
                  AND thing = (SELECT id FROM things WHERE name = ?1)
                  RETURNING thing, token";
    let mut delete = tx.db.prepare_cached(delete)?;
    let removed = delete.query_row((id.as_str(), grant.0), |row| {
        Ok((ThingRow(row.get(0)?), Digest::from_stored(row.get(1)?)))
    });
    Ok(match removed.optional()? {
        Some((thing, token)) => (true, Effect::ThingTokenRevoked(thing, token)),
        None => (false, Effect::None),
    })
}
