//! What subscribers get before the live values, read at their place among the commits.
//!
//! This runs where the writes run, so that there is neither a gap nor a duplicate between what is
//! replayed and what is pushed. It is bounded in rows and bytes: commits wait for it.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use super::{
    records::{self, columns},
    writer::Transaction,
};
use crate::{
    datetime::Timestamp,
    store::{Epoch, Replay, ReplayRequest, Replayed, Seq, Start, StoreError, Thing},
    topic::Key,
};

/// Bytes of values in one replay: half of what may wait for one client. One value of any size is
/// taken.
const MAX_BYTES: usize = 512 * 1024;
/// Rows and resources that are looked at for one replay.
const MAX_WORK: usize = 10_000;
/// What an element has beside its value, about.
const ELEMENT_OVERHEAD: usize = 160;

/// One resource of one thing.
struct Series {
    id: i64,
    key: Key,
    /// The last arrival that retention has taken out.
    trimmed: Option<(Seq, Timestamp)>,
}

/// The newest values that were offered, as many as fit.
struct Newest {
    kept: BTreeMap<Age, Replayed>,
    bytes: usize,
    max_values: usize,
    /// Nothing as old as this is taken any more: there would be a hole after it.
    floor: Option<Age>,
    work_left: usize,
    is_cut: bool,
}

/// What the order is by: datetime and number where the newest by datetime are asked for, else the
/// number alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Age {
    datetime: Option<Timestamp>,
    seq: Seq,
}

pub(super) fn read(
    tx: &Transaction<'_>,
    things: &[Thing],
    request: &ReplayRequest,
) -> Result<Replay, StoreError> {
    let (seq, epoch) = (tx.last_seq(), epoch(tx.db)?);
    let mut newest = Newest::new(request);
    if is_of_another_history(&request.start, seq, epoch) {
        newest.is_cut = true;
    } else {
        for thing in things {
            newest.collect(tx.db, thing, request)?;
        }
    }
    Ok(Replay {
        seq,
        epoch,
        is_complete: !newest.is_cut,
        values: newest.kept.into_values().collect(),
    })
}

fn is_of_another_history(start: &Start, last: Seq, own: Epoch) -> bool {
    match start {
        Start::After(seq, epoch) => *seq > last || epoch.is_some_and(|epoch| epoch != own),
        Start::Last(_) | Start::Since(_) => false,
    }
}

impl Newest {
    fn new(request: &ReplayRequest) -> Self {
        // A number of values is meant for each thing of a user, but for all resources of one thing.
        let max_values = match (&request.key, &request.start) {
            (None, Start::Last(count)) => usize::try_from(*count).unwrap_or(usize::MAX),
            _ => usize::MAX,
        };
        Self {
            kept: BTreeMap::new(),
            bytes: 0,
            max_values,
            floor: None,
            work_left: MAX_WORK,
            is_cut: false,
        }
    }

    fn collect(
        &mut self,
        db: &Connection,
        thing: &Thing,
        request: &ReplayRequest,
    ) -> Result<(), StoreError> {
        for series in series(db, thing, request.key.as_ref(), self.work_left)? {
            if !self.works_on() {
                break;
            }
            self.is_cut |= series.lacks(&request.start);
            self.collect_series(db, thing, &series, &request.start)?;
        }
        Ok(())
    }

    fn collect_series(
        &mut self,
        db: &Connection,
        thing: &Thing,
        series: &Series,
        start: &Start,
    ) -> Result<(), StoreError> {
        let mut select = db.prepare_cached(newest_first(start))?;
        let mut rows = match start {
            Start::Last(count) => select.query((series.id, *count))?,
            Start::After(seq, _) => select.query((series.id, seq.0))?,
            Start::Since(_) => select.query((series.id, 0))?,
        };
        while let Some(row) = rows.next()? {
            if is_before(start, row)? || !self.works_on() {
                break;
            }
            let (record, seq) = records::read(row, series.id, &series.key)?;
            let thing = thing.id.clone();
            let value = Replayed { thing, record, seq };
            if !self.offer(age(start, &value), value) {
                break;
            }
        }
        Ok(())
    }

    /// One row or resource more is looked at; false if that would be one too many.
    fn works_on(&mut self) -> bool {
        let left = self.work_left.checked_sub(1);
        self.is_cut |= left.is_none();
        self.work_left = left.unwrap_or(0);
        left.is_some()
    }

    /// Takes a value if it is newer than what was left out; what is the oldest then makes room.
    fn offer(&mut self, age: Age, value: Replayed) -> bool {
        if self.floor.is_some_and(|floor| age <= floor) {
            return false;
        }
        self.bytes = self.bytes.saturating_add(weight(&value));
        self.kept.insert(age, value);
        loop {
            let (is_too_heavy, count) = (self.bytes > MAX_BYTES, self.kept.len());
            if count <= self.max_values && !(is_too_heavy && count > 1) {
                return self.kept.contains_key(&age);
            }
            self.is_cut |= is_too_heavy;
            if let Some((oldest, value)) = self.kept.pop_first() {
                self.bytes = self.bytes.saturating_sub(weight(&value));
                self.floor = Some(oldest);
            }
        }
    }
}

impl Series {
    /// Whether retention has taken out what a replay would have to begin with.
    fn lacks(&self, start: &Start) -> bool {
        self.trimmed.is_some_and(|(seq, arrived)| match start {
            Start::Last(_) => false,
            Start::After(after, _) => seq > *after,
            Start::Since(since) => arrived >= *since,
        })
    }
}

fn newest_first(start: &Start) -> &'static str {
    match start {
        Start::Last(_) => concat!(
            "SELECT ",
            columns!(),
            " FROM records WHERE series = ?1 ORDER BY datetime DESC, seq DESC LIMIT ?2"
        ),
        Start::After(..) | Start::Since(_) => concat!(
            "SELECT ",
            columns!(),
            " FROM records WHERE series = ?1 AND seq > ?2 ORDER BY seq DESC"
        ),
    }
}

/// Arrivals never go back: what follows such a row is before the start, too.
fn is_before(start: &Start, row: &Row<'_>) -> rusqlite::Result<bool> {
    match start {
        Start::Since(instant) => Ok(row.get::<_, i64>(2)? < instant.millis()),
        Start::Last(_) | Start::After(..) => Ok(false),
    }
}

fn age(start: &Start, value: &Replayed) -> Age {
    let datetime = match start {
        Start::Last(_) => Some(value.record.datetime),
        Start::After(..) | Start::Since(_) => None,
    };
    Age {
        datetime,
        seq: value.seq,
    }
}

fn weight(value: &Replayed) -> usize {
    let geo = value.record.geo.as_ref().map_or(0, |geo| geo.len());
    value.record.value.len() + geo + ELEMENT_OVERHEAD
}

fn series(
    db: &Connection,
    thing: &Thing,
    key: Option<&Key>,
    max: usize,
) -> Result<Vec<Series>, StoreError> {
    let select = "SELECT id, key, trimmed_seq, trimmed_arrived FROM series
                  WHERE thing = ?1 AND (?2 IS NULL OR key = ?2) LIMIT ?3";
    let mut select = db.prepare_cached(select)?;
    // One more than may be looked at shows that there are more.
    let limit = i64::try_from(max).unwrap_or(i64::MAX).saturating_add(1);
    let series = |row: &Row<'_>| {
        let (id, seq, arrived) = (row.get(0)?, row.get::<_, Option<_>>(2)?, row.get(3)?);
        let trimmed = seq.zip(arrived);
        let trimmed = trimmed.map(|(seq, at)| (Seq(seq), Timestamp::from_millis(at)));
        let key = Key::parse(row.get_ref(1)?.as_str()?);
        Ok(key.map(|key| Series { id, key, trimmed }))
    };
    let found = select.query_map((thing.row.0, key.map(Key::as_str), limit), series)?;
    Ok(found
        .filter_map(Result::transpose)
        .collect::<Result<_, _>>()?)
}

fn epoch(db: &Connection) -> Result<Epoch, StoreError> {
    let select = "SELECT value FROM counters WHERE name = 'epoch'";
    Ok(Epoch(
        db.prepare_cached(select)?.query_row([], |row| row.get(0))?,
    ))
}
