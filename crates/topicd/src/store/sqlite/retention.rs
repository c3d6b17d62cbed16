//! Finding what is outdated, and taking a slice of it out.

use rusqlite::{Connection, OptionalExtension, Row};

use super::writer::{Changed, Transaction};
use crate::{
    datetime::Timestamp,
    store::{Cut, Effect, Outdated, Retention, Seq, SeriesRow, StoreError, Trimmed},
};

/// Resources that are looked at in one read.
const MAX_SERIES: u16 = 64;
/// Values that are taken out in one change.
const SLICE: u16 = 256;

/// Looks at some resources behind the one that was the last before.
pub(super) fn outdated(
    db: &Connection,
    retention: Retention,
    now: Timestamp,
    after: Option<SeriesRow>,
) -> Result<Outdated, StoreError> {
    let select = "SELECT id FROM series WHERE id > ?1 ORDER BY id LIMIT ?2";
    let mut select = db.prepare_cached(select)?;
    let rows = select.query_map((after.map_or(i64::MIN, |row| row.0), MAX_SERIES), |row| {
        row.get(0).map(SeriesRow)
    })?;
    let looked_at: Vec<SeriesRow> = rows.collect::<Result<_, _>>()?;
    let mut cuts = Vec::new();
    for series in &looked_at {
        cuts.extend(cut(db, retention, now, *series)?);
    }
    let last = looked_at.last().copied();
    Ok(Outdated {
        cuts,
        last: last.filter(|_| looked_at.len() == usize::from(MAX_SERIES)),
    })
}

fn cut(
    db: &Connection,
    retention: Retention,
    now: Timestamp,
    series: SeriesRow,
) -> Result<Option<Cut>, StoreError> {
    let by_age = retention.oldest(now).map(|oldest| (oldest, Seq(0)));
    let by_count = match retention.values {
        Some(values) => surplus(db, series, values)?,
        None => None,
    };
    let Some(before) = by_age.max(by_count) else {
        return Ok(None);
    };
    let cut = Cut { series, before };
    Ok((!oldest(db, cut, 1)?.is_empty()).then_some(cut))
}

/// The place behind the newest value that is one too many.
fn surplus(
    db: &Connection,
    series: SeriesRow,
    values: u32,
) -> Result<Option<(Timestamp, Seq)>, StoreError> {
    let select = "SELECT datetime, seq FROM records WHERE series = ?1
                  ORDER BY datetime DESC, seq DESC LIMIT 1 OFFSET ?2";
    let behind = |row: &Row<'_>| {
        let datetime = Timestamp::from_millis(row.get(0)?);
        Ok((datetime, Seq(row.get::<_, i64>(1)?.saturating_add(1))))
    };
    let mut select = db.prepare_cached(select)?;
    Ok(select.query_row((series.0, values), behind).optional()?)
}

/// A value that is to be taken out.
struct Old {
    datetime: i64,
    seq: i64,
    arrived: i64,
}

fn oldest(db: &Connection, cut: Cut, count: u16) -> Result<Vec<Old>, StoreError> {
    let select = "SELECT datetime, seq, arrived FROM records
                  WHERE series = ?1 AND (datetime, seq) < (?2, ?3)
                  ORDER BY datetime, seq LIMIT ?4";
    let old = |row: &Row<'_>| {
        Ok(Old {
            datetime: row.get(0)?,
            seq: row.get(1)?,
            arrived: row.get(2)?,
        })
    };
    let (datetime, Seq(seq)) = cut.before;
    let mut select = db.prepare_cached(select)?;
    let rows = select.query_map((cut.series.0, datetime.millis(), seq, count), old)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Takes a slice out and notes what a replay from before it would lack.
pub(super) fn trim(tx: &Transaction<'_>, cut: Cut) -> Changed<Trimmed> {
    let slice = oldest(tx.db, cut, SLICE)?;
    let Some(last) = slice.last() else {
        return Ok((Trimmed::All, Effect::None));
    };
    let delete = "DELETE FROM records WHERE series = ?1 AND (datetime, seq) <= (?2, ?3)";
    let mut delete = tx.db.prepare_cached(delete)?;
    delete.execute((cut.series.0, last.datetime, last.seq))?;
    let note = "UPDATE series SET trimmed_seq = max(ifnull(trimmed_seq, ?2), ?2),
                trimmed_arrived = max(ifnull(trimmed_arrived, ?3), ?3) WHERE id = ?1";
    let seq = slice.iter().map(|old| old.seq).max();
    let arrived = slice.iter().map(|old| old.arrived).max();
    tx.db
        .prepare_cached(note)?
        .execute((cut.series.0, seq, arrived))?;
    let trimmed = if slice.len() == usize::from(SLICE) {
        Trimmed::Slice
    } else {
        Trimmed::All
    };
    Ok((trimmed, Effect::None))
}
