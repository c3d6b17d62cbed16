//! The store in one SQLite file.
//!
//! One thread owns the connection that writes and commits in groups; reads have connections of their
//! own that cannot write. The statements are in `accounts.rs`, `things.rs`, `grants.rs` and `values.rs`.

use std::{
    fmt,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};
use tokio::sync::mpsc;

use super::{
    Admission, Answer, Append, Appended, Credentials, Cut, Grant, GrantId, Granted, NewSession,
    NewThing, NewUser, OnAdmitted, Outdated, Page, ReplayRequest, Retention, Right, Scope,
    SeriesRow, Session, Staged, Store, StoreError, Thing, ThingEntry, ThingRow, Ticket, Trimmed,
    UserEntry, UserId, Window,
};
use crate::{
    config::StoreConfig,
    datetime::Timestamp,
    token::{Digest, ThingId},
    topic::Key,
};

mod accounts;
mod admission;
mod backup;
mod grants;
mod operation;
mod readers;
mod records;
mod replay;
mod retention;
mod schema;
mod things;
mod topics;
mod values;
mod writer;

pub use backup::{BackupError, back_up};
use readers::Readers;
use writer::Writer;

/// The database in the folder of a server.
const FILE: &str = "topicd.sqlite";

/// A store in the folder of one server.
#[derive(Debug)]
pub struct SqliteStore {
    /// Closed before the writer: only a connection that may write can empty the log into the file.
    readers: Readers,
    writer: Writer,
    file: PathBuf,
    /// Held as long as the store lives: a second server on the same folder is refused.
    _lock: File,
}

/// Why the folder cannot be used. The operator can help.
#[derive(Debug)]
pub enum OpenError {
    /// It cannot be made, read or written.
    Folder(PathBuf, io::Error),
    /// Another server uses it.
    InUse(PathBuf),
    /// The file in it is no database of ours, or of a newer release.
    Database(PathBuf, String),
    /// The file in it is damaged.
    Damaged(PathBuf, String),
}

impl SqliteStore {
    /// Opens the store in `folder` and makes both if they are missing. The whole file is checked
    /// first. What is committed goes into `stage`.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(
        folder: &Path,
        config: &StoreConfig,
        stage: mpsc::Sender<Vec<Staged>>,
    ) -> Result<Self, OpenError> {
        let lock = lock(folder)?;
        let file = folder.join(FILE);
        let broken = |error: rusqlite::Error| OpenError::Database(file.clone(), error.to_string());
        open_private(&file).map_err(|error| OpenError::Folder(folder.to_owned(), error))?;
        let mut connection = Connection::open(&file).map_err(broken)?;
        if let Some(damage) = schema::damage(&connection).map_err(broken)? {
            return Err(OpenError::Damaged(file, damage));
        }
        schema::prepare(&mut connection).map_err(broken)?;
        schema::bound_size(&connection, config.max_mib).map_err(broken)?;
        let writer = Writer::start(connection, stage).map_err(broken)?;
        let readers = Readers::open(|| reader(&file)).map_err(broken)?;
        Ok(Self {
            writer,
            readers,
            file,
            _lock: lock,
        })
    }
}

impl Store for SqliteStore {
    fn create_user(&self, user: NewUser, session: NewSession) -> Answer<bool> {
        self.writer
            .write(move |tx| accounts::create_user(tx, &user, &session))
    }

    fn credentials(&self, app: &str, email: &str) -> Answer<Option<Credentials>> {
        let (app, email) = (app.to_owned(), email.to_owned());
        self.readers
            .read(move |db| accounts::credentials(db, &app, &email))
    }

    fn open_session(&self, user: UserId, session: NewSession) -> Answer<()> {
        self.writer
            .write(move |tx| accounts::open_session(tx, user, &session))
    }

    fn open_login(&self, user: UserId, hash: String, session: NewSession) -> Answer<bool> {
        self.writer
            .write(move |tx| accounts::open_login(tx, user, &hash, &session))
    }

    fn session(&self, token: Digest) -> Answer<Option<Session>> {
        self.readers.read(move |db| accounts::session(db, token))
    }

    fn renew_sessions(&self, tokens: Vec<Digest>, until: Timestamp) -> Answer<()> {
        self.writer
            .write(move |tx| accounts::renew_sessions(tx, &tokens, until))
    }

    fn end_session(&self, token: Digest) -> Answer<()> {
        self.writer
            .write(move |tx| accounts::end_session(tx, token))
    }

    fn settings(&self, user: UserId) -> Answer<String> {
        self.readers.read(move |db| accounts::settings(db, user))
    }

    fn set_settings(&self, user: UserId, settings: String) -> Answer<()> {
        self.writer
            .write(move |tx| accounts::set_settings(tx, user, &settings))
    }

    fn create_code(&self, code: Digest) -> Answer<()> {
        self.writer.write(move |tx| things::create_code(tx, code))
    }

    fn activate(&self, code: Digest, thing: NewThing) -> Answer<bool> {
        self.writer
            .write(move |tx| things::activate(tx, code, &thing))
    }

    fn thing(&self, token: Digest, right: Right) -> Answer<Option<Thing>> {
        self.readers
            .read(move |db| things::by_token(db, token, right))
    }

    fn link(&self, user: UserId, token: Digest) -> Answer<Option<ThingId>> {
        self.writer.write(move |tx| things::link(tx, user, token))
    }

    fn unlink(&self, user: UserId, thing: ThingId) -> Answer<bool> {
        self.writer
            .write(move |tx| things::unlink(tx, user, &thing))
    }

    fn linked_things(&self, user: UserId) -> Answer<Vec<Thing>> {
        self.readers.read(move |db| things::linked(db, user))
    }

    fn things_with(&self, user: UserId, key: Key) -> Answer<Vec<Thing>> {
        self.readers
            .read(move |db| things::linked_with(db, user, &key))
    }

    fn append(&self, append: Append) -> Answer<Appended> {
        let weight = append.records.iter().map(|record| record.value.len()).sum();
        self.writer
            .write_heavy(weight, move |tx| values::append(tx, append))
    }

    fn timeline(&self, thing: ThingRow, key: Key, window: Window) -> Answer<Option<Page>> {
        self.readers
            .read(move |db| values::timeline(db, thing, &key, &window))
    }

    fn resources(&self, thing: ThingRow) -> Answer<Vec<Key>> {
        self.readers.read(move |db| values::resources(db, thing))
    }

    fn outdated(
        &self,
        retention: Retention,
        now: Timestamp,
        after: Option<SeriesRow>,
    ) -> Answer<Outdated> {
        self.readers
            .read(move |db| retention::outdated(db, retention, now, after))
    }

    fn trim(&self, cut: Cut) -> Answer<Trimmed> {
        self.writer.write(move |tx| retention::trim(tx, cut))
    }

    fn admit(
        &self,
        ticket: Ticket,
        replay: Option<ReplayRequest>,
        then: OnAdmitted,
    ) -> Answer<Admission> {
        self.writer
            .write(move |tx| admission::admit(tx, &ticket, replay.as_ref(), then))
    }

    fn users(&self, after: UserId, limit: u32) -> Answer<Vec<UserEntry>> {
        self.readers
            .read(move |db| operation::users(db, after, limit))
    }

    fn remove_user(&self, user: UserId) -> Answer<bool> {
        self.writer
            .write(move |tx| operation::remove_user(tx, user))
    }

    fn replace_hash(&self, user: UserId, old: String, new: String) -> Answer<()> {
        self.writer
            .write(move |tx| accounts::replace_hash(tx, user, &old, &new))
    }

    fn set_password(&self, user: UserId, password: String) -> Answer<bool> {
        self.writer
            .write(move |tx| operation::set_password(tx, user, &password))
    }

    fn end_sessions(&self, user: UserId) -> Answer<usize> {
        self.writer
            .write(move |tx| operation::end_sessions(tx, user))
    }

    fn things(&self, after: ThingRow, limit: u32) -> Answer<Vec<ThingEntry>> {
        self.readers
            .read(move |db| operation::things(db, after, limit))
    }

    fn thing_named(&self, id: ThingId) -> Answer<Option<Thing>> {
        self.readers.read(move |db| operation::thing_named(db, &id))
    }

    fn thing_id(&self, thing: ThingRow) -> Answer<Option<ThingId>> {
        self.readers.read(move |db| operation::thing_id(db, thing))
    }

    fn replace_thing_token(&self, id: ThingId, token: Digest) -> Answer<bool> {
        self.writer
            .write(move |tx| grants::replace_own(tx, &id, token))
    }

    fn revoke_thing_token(&self, token: Digest, unknown: Digest) -> Answer<bool> {
        self.writer
            .write(move |tx| grants::revoke(tx, token, unknown))
    }

    fn grant(&self, id: ThingId, token: Digest, scope: Scope) -> Answer<Granted> {
        self.writer
            .write(move |tx| grants::add(tx, &id, token, scope))
    }

    fn grants(&self, id: ThingId) -> Answer<Option<Vec<Grant>>> {
        self.readers.read(move |db| grants::list(db, &id))
    }

    fn revoke_grant(&self, id: ThingId, grant: GrantId) -> Answer<bool> {
        self.writer.write(move |tx| grants::remove(tx, &id, grant))
    }

    fn apps(&self) -> Answer<Vec<String>> {
        self.readers.read(operation::apps)
    }

    fn create_app(&self, id: String) -> Answer<bool> {
        self.writer.write(move |tx| operation::create_app(tx, &id))
    }

    fn remove_app(&self, id: String) -> Answer<bool> {
        self.writer.write(move |tx| operation::remove_app(tx, &id))
    }

    fn probe(&self) -> Answer<()> {
        self.writer.write(operation::probe)
    }

    fn size(&self) -> u64 {
        let log = self.file.with_extension("sqlite-wal");
        let sizes = [&self.file, &log].map(|file| fs::metadata(file).map_or(0, |file| file.len()));
        sizes.iter().sum()
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path, error) => {
                let (path, advice) = (path.display(), folder_advice(error.kind()));
                write!(f, "cannot use the data folder {path}: {error}{advice}")
            }
            Self::InUse(path) => write!(
                f,
                "another topicd uses the data folder {}; stop it or name another with --data-dir",
                path.display()
            ),
            Self::Damaged(path, damage) => {
                let path = path.display();
                write!(
                    f,
                    "the database {path} is damaged: {damage}; put a backup in its place"
                )
            }
            Self::Database(path, reason) => {
                let path = path.display();
                write!(
                    f,
                    "cannot use the database {path}: {reason}; restore it or move it away"
                )
            }
        }
    }
}

impl std::error::Error for OpenError {}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error().map(|error| error.extended_code);
        match (error.sqlite_error_code(), code) {
            // A quota is told as a failed write, and so is a log whose index cannot grow.
            (Some(ErrorCode::DiskFull), _)
            | (_, Some(ffi::SQLITE_IOERR_WRITE | ffi::SQLITE_IOERR_SHMSIZE)) => Self::Full,
            (
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OutOfMemory),
                _,
            )
            | (_, Some(ffi::SQLITE_IOERR_NOMEM | ffi::SQLITE_IOERR_SHMMAP)) => Self::Busy,
            _ => Self::Failed(error.to_string()),
        }
    }
}

fn folder_advice(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::PermissionDenied => "; check its owner and mode",
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            "; name a folder, not a file, with --data-dir"
        }
        _ => "",
    }
}

fn lock(folder: &Path) -> Result<File, OpenError> {
    let unusable = |error| OpenError::Folder(folder.to_owned(), error);
    make_private(folder).map_err(unusable)?;
    let lock = open_private(&folder.join("lock")).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// Makes the folder for its owner alone; one that is there stays as it is.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens a file and makes it for its owner alone if it is missing; SQLite gives the files beside its
/// own the same mode. The folder may have been there, open to everybody.
fn open_private(file: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

fn reader(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(schema::BUSY_TIMEOUT)?;
    Ok(connection)
}

#[cfg(test)]
mod tests;
