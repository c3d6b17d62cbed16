//! A copy of the database while a server works on it.

use std::{
    fmt,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};

use super::{FILE, open_private, reader, schema};

/// Why there is no copy. The operator can help.
#[derive(Debug)]
pub enum BackupError {
    /// There is no database to be copied.
    Missing(PathBuf),
    /// There is something where the copy was to go.
    Exists(PathBuf),
    /// The copy cannot be written.
    File(PathBuf, io::Error),
    /// The database cannot be read or copied.
    Database(String),
    /// The copy is damaged, as the database is.
    Damaged(String),
}

/// Copies the database in `folder` to the new file `copy`, as it is at one moment, and checks the
/// copy. Returns its bytes.
///
/// A server may be working on the folder: it goes on, and what is committed later is not in the copy.
/// The copy is one file, with an epoch of its own: what will be stored in it gets numbers that the
/// original gives to other values.
///
/// # Errors
///
/// See [`BackupError`]. There is no file then.
pub fn back_up(folder: &Path, copy: &Path) -> Result<u64, BackupError> {
    let file = folder.join(FILE);
    if !file.exists() {
        return Err(BackupError::Missing(file));
    }
    if copy.exists() {
        return Err(BackupError::Exists(copy.to_owned()));
    }
    let mut part = copy.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let copied = copy_to(&file, &part).and_then(|()| finish(&part, copy));
    if copied.is_err() {
        // What is half done is of no use, and what matters has gone wrong before.
        let _ = fs::remove_file(&part);
    }
    copied
}

fn copy_to(file: &Path, part: &Path) -> Result<(), BackupError> {
    let unusable = |error| BackupError::File(part.to_owned(), error);
    let _ = fs::remove_file(part);
    open_private(part).map_err(unusable)?;
    let source = reader(file)?;
    let mut copy = Connection::open(part)?;
    // All in one step, which reads one moment of the database; in several, each commit of the server
    // would make it begin again.
    match Backup::new(&source, &mut copy)?.step(-1)? {
        StepResult::Done => {}
        _ => return Err(BackupError::Database("it is locked".into())),
    }
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    if let Some(damage) = schema::damage(&copy)? {
        return Err(BackupError::Damaged(damage));
    }
    schema::begin_epoch(&copy)?;
    copy.close().map_err(|(_, error)| error.into())
}

/// Only what is complete gets the name.
fn finish(part: &Path, copy: &Path) -> Result<u64, BackupError> {
    let unusable = |error| BackupError::File(copy.to_owned(), error);
    let file = File::open(part).map_err(unusable)?;
    file.sync_all().map_err(unusable)?;
    fs::rename(part, copy).map_err(unusable)?;
    if let Some(folder) = copy
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(unusable)?;
    }
    Ok(file.metadata().map_err(unusable)?.len())
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(file) => write!(f, "there is no database {}", file.display()),
            Self::Exists(copy) => write!(
                f,
                "{} exists; name another file or move it away",
                copy.display()
            ),
            Self::File(file, error) => write!(f, "cannot write {}: {error}", file.display()),
            Self::Database(reason) => write!(f, "cannot copy the database: {reason}"),
            Self::Damaged(damage) => {
                write!(f, "the database is damaged, no copy is made: {damage}")
            }
        }
    }
}

impl std::error::Error for BackupError {}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.to_string())
    }
}
