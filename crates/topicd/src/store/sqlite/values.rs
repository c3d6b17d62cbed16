//! Values: appending batches, reading timelines.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row};

use super::{
    things,
    writer::{Changed, Transaction},
};
use crate::{
    datetime::Timestamp,
    store::{Append, Appended, Effect, Publication, StoreError, Thing, ThingRow, Window, Writer},
    token::Digest,
    topic::Key,
    value::Record,
};

/// How long a repeated write is recognised: a day.
const IDEMPOTENCY_SECONDS: u64 = 24 * 60 * 60;

/// Stores a batch. Owners are looked up in the same transaction, so that a push goes to exactly
/// those who own the thing at this point in the order of commits.
pub(super) fn append(tx: &Transaction<'_>, append: Append) -> Changed<Appended> {
    let Some(thing) = writable_thing(tx.db, &append.writer)? else {
        return Ok((Appended::UnknownThing, Effect::None));
    };
    if let Some(key) = append.idempotency
        && !is_first(tx, thing.row, key)?
    {
        return Ok((Appended::Repeated, Effect::None));
    }
    for record in &append.records {
        insert(tx, thing.row, record)?;
    }
    let publication = Publication {
        owners: things::owners(tx.db, thing.row)?,
        thing,
        records: append.records,
    };
    Ok((Appended::Stored, Effect::Publish(publication)))
}

fn writable_thing(db: &Connection, writer: &Writer) -> Result<Option<Thing>, StoreError> {
    match writer {
        Writer::Device(token) => things::by_token(db, *token),
        Writer::Owner(user, name) => things::owned(db, *user, name),
        Writer::OwnerByToken(user, token) => match things::by_token(db, *token)? {
            Some(thing) => things::owned(db, *user, &thing.id),
            None => Ok(None),
        },
    }
}

/// Remembers a client's key; false if it is remembered already.
fn is_first(tx: &Transaction<'_>, thing: ThingRow, key: Digest) -> Result<bool, StoreError> {
    let expired = "DELETE FROM idempotency WHERE expires <= ?1";
    tx.db.prepare_cached(expired)?.execute([tx.now.millis()])?;
    let expires = tx.now.plus_seconds(IDEMPOTENCY_SECONDS).millis();
    let insert = "INSERT INTO idempotency VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    let inserted = tx
        .db
        .prepare_cached(insert)?
        .execute((thing.0, key.as_bytes(), expires))?;
    Ok(inserted > 0)
}

fn insert(tx: &Transaction<'_>, thing: ThingRow, record: &Record) -> Result<(), StoreError> {
    let series = match series(tx.db, thing, &record.key)? {
        Some(series) => series,
        None => tx
            .db
            .prepare_cached("INSERT INTO series (thing, key) VALUES (?1, ?2)")?
            .insert((thing.0, record.key.as_str()))?,
    };
    let insert = "INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    tx.db.prepare_cached(insert)?.execute((
        series,
        record.datetime.millis(),
        tx.next_seq(),
        tx.now.millis(),
        &record.value,
        &record.geo,
    ))?;
    Ok(())
}

fn series(db: &Connection, thing: ThingRow, key: &Key) -> Result<Option<i64>, StoreError> {
    let select = "SELECT id FROM series WHERE thing = ?1 AND key = ?2";
    let mut select = db.prepare_cached(select)?;
    Ok(select
        .query_row((thing.0, key.as_str()), |row| row.get(0))
        .optional()?)
}

pub(super) fn timeline(
    db: &Connection,
    thing: ThingRow,
    key: &Key,
    window: &Window,
) -> Result<Option<Vec<Record>>, StoreError> {
    let Some(series) = series(db, thing, key)? else {
        return Ok(None);
    };
    let select = "SELECT value, datetime, geo FROM records
                  WHERE series = ?1 AND datetime BETWEEN ?2 AND ?3
                  ORDER BY datetime DESC, seq DESC LIMIT ?4";
    let (start, end) = (window.range.start().millis(), window.range.end().millis());
    let record = |row: &Row<'_>| {
        Ok(Record {
            key: key.clone(),
            value: row.get::<_, Arc<str>>(0)?,
            datetime: Timestamp::from_millis(row.get(1)?),
            geo: row.get(2)?,
        })
    };
    let mut select = db.prepare_cached(select)?;
    let records = select.query_map((series, start, end, window.limit), record)?;
    Ok(Some(records.collect::<Result<_, _>>()?))
}

pub(super) fn resources(db: &Connection, thing: ThingRow) -> Result<Vec<Key>, StoreError> {
    let select = "SELECT key FROM series WHERE thing = ?1 ORDER BY key";
    let mut select = db.prepare_cached(select)?;
    let keys = select.query_map([thing.0], |row| row.get::<_, String>(0))?;
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    Ok(keys.iter().filter_map(|key| Key::parse(key)).collect())
}
