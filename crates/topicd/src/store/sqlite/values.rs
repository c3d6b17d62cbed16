//! Values: appending batches, reading timelines.

use rusqlite::{Connection, OptionalExtension};

use super::{
    records::{self, columns},
    things,
    writer::{Changed, Transaction},
};
use crate::{
    datetime::Timestamp,
    store::{
        Append, Appended, Effect, Page, Publication, Right, Seq, StoreError, Thing, ThingRow,
        Window, Writer,
    },
    token::Digest,
    topic::Key,
    value::Record,
};

/// How long a repeated write is recognised: a day.
const IDEMPOTENCY_SECONDS: u64 = 24 * 60 * 60;
/// Bytes after which a page of a timeline ends.
const MAX_PAGE: usize = 256 * 1024;
/// What a record takes beside its value, about.
const ROW_OVERHEAD: usize = 64;

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
    let first = Seq(tx.last_seq().0 + 1);
    for record in &append.records {
        insert(tx, thing.row, record)?;
    }
    let publication = Publication {
        owners: things::owners(tx.db, thing.row)?,
        thing,
        records: append.records,
        first,
    };
    Ok((Appended::Stored, Effect::Publish(publication)))
}

fn writable_thing(db: &Connection, writer: &Writer) -> Result<Option<Thing>, StoreError> {
    match writer {
        Writer::Device(token) => things::by_token(db, *token, Right::WRITE),
        Writer::Owner(user, name) => things::owned(db, *user, name),
        Writer::OwnerByToken(user, token) => match things::by_token(db, *token, Right::WRITE)? {
            Some(thing) => things::owned(db, *user, &thing.id),
            None => Ok(None),
        },
    }
}

/// Remembers a client's key; false if it is remembered already.
fn is_first(tx: &Transaction<'_>, thing: ThingRow, key: Digest) -> Result<bool, StoreError> {
    // A few more than are added: they go away, and no write has to wait for all of them.
    let expired = "DELETE FROM idempotency WHERE (thing, key) IN
                   (SELECT thing, key FROM idempotency WHERE expires <= ?1 LIMIT 10)";
    tx.db.prepare_cached(expired)?.execute([tx.now.millis()])?;
    let expires = tx.now.plus_seconds(IDEMPOTENCY_SECONDS).millis();
    // This one may have expired and not be among them.
    let insert = "INSERT INTO idempotency VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE
                  SET expires = excluded.expires WHERE expires <= ?4";
    let row = (thing.0, key.as_bytes(), expires, tx.now.millis());
    let inserted = tx.db.prepare_cached(insert)?.execute(row)?;
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
    records::insert(tx.db, series, tx.next_seq(), tx.arrival, record)
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
) -> Result<Option<Page>, StoreError> {
    let Some(series) = series(db, thing, key)? else {
        return Ok(None);
    };
    let select = concat!(
        "SELECT ",
        columns!(),
        " FROM records WHERE series = ?1 AND datetime >= ?2 AND (datetime, seq) < (?3, ?4)
         ORDER BY datetime DESC, seq DESC LIMIT ?5"
    );
    let start = window.range.start().millis();
    let (datetime, seq) = window.before.map_or_else(
        || (window.range.end().millis().saturating_add(1), 0),
        |(datetime, seq)| (datetime.millis(), seq.0),
    );
    let mut select = db.prepare_cached(select)?;
    let mut rows = select.query((series, start, datetime, seq, window.limit))?;
    let (mut records, mut bytes, mut last) = (Vec::new(), 0_usize, None);
    while let Some(row) = rows.next()? {
        if bytes >= MAX_PAGE {
            let rest = rest(window, &records, last);
            return Ok(Some(Page { records, rest }));
        }
        let (record, seq) = records::read(row, series, key)?;
        bytes = bytes.saturating_add(record.value.len() + ROW_OVERHEAD);
        last = Some((record.datetime, seq));
        records.push(record);
    }
    Ok(Some(Page {
        records,
        rest: None,
    }))
}

fn rest(window: &Window, records: &[Record], last: Option<(Timestamp, Seq)>) -> Option<Window> {
    let read = u32::try_from(records.len()).unwrap_or(u32::MAX);
    Some(Window {
        limit: window.limit.saturating_sub(read),
        before: last,
        ..window.clone()
    })
}

pub(super) fn resources(db: &Connection, thing: ThingRow) -> Result<Vec<Key>, StoreError> {
    let select = "SELECT key FROM series WHERE thing = ?1 ORDER BY key";
    let mut select = db.prepare_cached(select)?;
    let keys = select.query_map([thing.0], |row| row.get::<_, String>(0))?;
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    Ok(keys.iter().filter_map(|key| Key::parse(key)).collect())
}
