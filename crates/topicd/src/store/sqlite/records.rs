//! One stored value as a row, with a sum over it: a damaged one is never served as if it were right.
//!
//! The check of the whole file at the start finds broken pages, not a bit that changes a value.

use std::sync::Arc;

use rusqlite::{Connection, Row};
use sha2::{Digest, Sha256};

use crate::{
    datetime::Timestamp,
    store::{Seq, StoreError},
    topic::Key,
    value::Record,
};

/// What [`read`] takes, in this order; a statement may select more behind it.
macro_rules! columns {
    () => {
        "seq, datetime, arrived, value, geo, sum"
    };
}
pub(super) use columns;

/// Stores a value.
pub(super) fn insert(
    db: &Connection,
    series: i64,
    seq: Seq,
    arrival: Timestamp,
    record: &Record,
) -> Result<(), StoreError> {
    let insert = concat!(
        "INSERT INTO records (series, ",
        columns!(),
        ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
    );
    let (datetime, arrived) = (record.datetime.millis(), arrival.millis());
    let (value, geo) = (&*record.value, record.geo.as_deref());
    let sum = sum([series, seq.0, datetime, arrived], value, geo);
    let row = (series, seq.0, datetime, arrived, value, geo, sum);
    db.prepare_cached(insert)?.execute(row)?;
    Ok(())
}

/// Reads a value of a series that has this key.
pub(super) fn read(row: &Row<'_>, series: i64, key: &Key) -> Result<(Record, Seq), StoreError> {
    let (seq, datetime, arrived) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let value: Arc<str> = row.get(3)?;
    let geo: Option<Arc<str>> = row.get(4)?;
    // Values of the first releases have no sum.
    let stored: Option<i64> = row.get(5)?;
    let own = sum([series, seq, datetime, arrived], &value, geo.as_deref());
    if stored.is_some_and(|stored| stored != own) {
        let place = format!("value {seq} of series {series} is damaged");
        return Err(StoreError::Failed(place));
    }
    let record = Record {
        key: key.clone(),
        value,
        datetime: Timestamp::from_millis(datetime),
        geo,
    };
    Ok((record, Seq(seq)))
}

fn sum(numbers: [i64; 4], value: &str, geo: Option<&str>) -> i64 {
    let mut sum = Sha256::new();
    for number in numbers {
        sum.update(number.to_le_bytes());
    }
    sum.update(value.len().to_le_bytes());
    sum.update(value);
    sum.update(geo.unwrap_or_default());
    let sum: [u8; 32] = sum.finalize().into();
    let mut first = [0; 8];
    first.copy_from_slice(&sum[..8]);
    i64::from_le_bytes(first)
}
