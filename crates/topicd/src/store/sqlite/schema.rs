//! Settings of the database file, and its migrations.

use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use super::topics;

/// Applied in order; the number of those that have been is kept in `user_version`.
const MIGRATIONS: [Migration; 7] = [
    Migration::Sql(include_str!("../migrations/0001_initial.sql")),
    Migration::Sql(include_str!("../migrations/0002_replay.sql")),
    Migration::Sql(include_str!("../migrations/0003_apps.sql")),
    Migration::Sql(include_str!("../migrations/0004_sums.sql")),
    Migration::Sql(include_str!("../migrations/0005_grants.sql")),
    Migration::Code(topics::digest_things),
    Migration::Sql(include_str!("../migrations/0007_session_ends.sql")),
];

/// One step from a schema to the next.
#[derive(Clone, Copy)]
enum Migration {
    Sql(&'static str),
    /// For what SQL cannot say.
    Code(fn(&Connection) -> rusqlite::Result<()>),
}

/// A checkpoint may keep others waiting for a moment.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Readies the connection that writes, and brings the schema up to date.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // With NORMAL the end of the log may be lost with the power: acknowledged writes would be gone.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    migrate(connection)
}

/// What is wrong with the file, if it is damaged. The quick check would not do: it does not compare
/// rows with their indexes, and a row that has got another key by one bit would just be missing.
pub(super) fn damage(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let found: String = connection.pragma_query_value(None, "integrity_check", |row| row.get(0))?;
    Ok((found != "ok").then(|| found.lines().next().unwrap_or_default().to_owned()))
}

/// From here on numbers belong to another history.
pub(super) fn begin_epoch(connection: &Connection) -> rusqlite::Result<()> {
    let begin = "UPDATE counters SET value = random() & 0x1fffffffffffff WHERE name = 'epoch'";
    connection.execute(begin, ())?;
    Ok(())
}

/// Lets the file grow up to a size; as far as it can if that is 0.
pub(super) fn bound_size(connection: &Connection, max_mib: u32) -> rusqlite::Result<()> {
    if max_mib == 0 {
        return Ok(());
    }
    let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = i64::from(max_mib) * 1024 * 1024 / page.max(1);
    connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
}

fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let applied: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let skipped = usize::try_from(applied).unwrap_or(usize::MAX);
    let Some(missing) = MIGRATIONS.get(skipped..) else {
        let message = "it was made by a newer topicd".to_owned();
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_SCHEMA),
            Some(message),
        ));
    };
    if missing.is_empty() {
        return Ok(());
    }
    // A secret that a step takes out must not stay in the free parts of pages, nor in the old pages
    // that the log has not replaced yet.
    connection.pragma_update(None, "secure_delete", true)?;
    for (number, migration) in (applied + 1..).zip(missing) {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        match migration {
            Migration::Sql(batch) => tx.execute_batch(batch)?,
            Migration::Code(step) => step(&tx)?,
        }
        tx.pragma_update(None, "user_version", number)?;
        tx.commit()?;
    }
    connection.pragma_update(None, "secure_delete", false)?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))
}
