//! The one thread that writes: takes what is waiting, commits it as a group, hands it on in order.
//!
//! The group grows while the disk is busy with the one before, so no timer is needed: alone a write
//! waits for its own flush only, and under load many share one.

use std::{
    cell::Cell,
    fmt,
    sync::{
        Arc,
        mpsc::{self, Receiver, SyncSender},
    },
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use crate::{
    datetime::Timestamp,
    store::{Answer, Effect, Seq, Staged, StoreError},
};

/// Changes that may wait; the next one is refused.
const MAX_WAITING: usize = 1024;
/// Kibibytes of values that may wait.
const MAX_WAITING_KIB: usize = 64 * 1024;
/// Most changes of one commit.
const MAX_GROUP: usize = 256;

/// The front of the thread.
pub(super) struct Writer {
    /// Gone only while dropping: its absence tells the thread to end.
    jobs: Option<SyncSender<Job>>,
    room: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
}

/// A change that waits. What it leaves is done when the fate of its group is known.
type Job = Box<dyn FnOnce(Result<&Transaction<'_>, StoreError>) -> Applied + Send>;

struct Applied {
    outcome: Result<Effect, StoreError>,
    answer: Box<dyn FnOnce(Result<(), StoreError>) + Send>,
}

/// What a change works with: the group's transaction.
pub(super) struct Transaction<'a> {
    pub(super) db: &'a Connection,
    pub(super) now: Timestamp,
    /// Like `now`, but never before an earlier arrival: a clock that is put back must not make values
    /// arrive before those that are there.
    pub(super) arrival: Timestamp,
    seq: &'a Cell<i64>,
}

/// What a change comes to: an answer for the caller, and what the publish stage has to do.
pub(super) type Changed<T> = Result<(T, Effect), StoreError>;

impl Transaction<'_> {
    /// The next sequence number: one for each value, in the order of commits.
    pub(super) fn next_seq(&self) -> Seq {
        self.seq.set(self.seq.get() + 1);
        self.last_seq()
    }

    /// The number of the newest value, of this transaction or before it.
    pub(super) fn last_seq(&self) -> Seq {
        Seq(self.seq.get())
    }
}

impl Writer {
    pub(super) fn start(
        db: Connection,
        stage: tokio::sync::mpsc::Sender<Vec<Staged>>,
    ) -> rusqlite::Result<Self> {
        let counter = |name: &str| {
            let select = "SELECT value FROM counters WHERE name = ?1";
            db.query_row(select, [name], |row| row.get::<_, i64>(0))
        };
        let (seq, arrived) = (counter("seq")?, counter("arrived")?);
        let (jobs, waiting) = mpsc::sync_channel(MAX_WAITING);
        let mut thread = WriterThread {
            db,
            stage,
            seq: Cell::new(seq),
            arrived: Cell::new(Timestamp::from_millis(arrived)),
            failed: None,
        };
        Ok(Self {
            jobs: Some(jobs),
            room: Arc::new(Semaphore::new(MAX_WAITING_KIB)),
            thread: Some(thread::spawn(move || thread.run(&waiting))),
        })
    }

    /// Queues a small change.
    pub(super) fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Changed<T> + Send + 'static,
    ) -> Answer<T> {
        self.write_heavy(0, change)
    }

    /// Queues a change that keeps `bytes` in memory while it waits.
    pub(super) fn write_heavy<T: Send + 'static>(
        &self,
        bytes: usize,
        change: impl FnOnce(&Transaction<'_>) -> Changed<T> + Send + 'static,
    ) -> Answer<T> {
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
        let (sender, answer) = oneshot::channel();
        let room = Arc::clone(&self.room).try_acquire_many_owned(kib);
        let queued = room.map_err(|_| StoreError::Busy).and_then(|room| {
            let job: Job = Box::new(move |tx| {
                let applied = apply(tx, change, sender);
                drop(room);
                applied
            });
            let jobs = self.jobs.as_ref().ok_or(StoreError::Busy)?;
            jobs.try_send(job).map_err(|_| StoreError::Busy)
        });
        Box::pin(async move {
            queued?;
            let lost = |_| StoreError::Failed("the writer has ended".into());
            answer.await.unwrap_or_else(|error| Err(lost(error)))
        })
    }
}

/// The thread ends when it has committed what is waiting; the file is left without a log.
impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

/// Runs a change in a savepoint: one that fails leaves nothing and does not disturb its group.
fn apply<T: Send + 'static>(
    tx: Result<&Transaction<'_>, StoreError>,
    change: impl FnOnce(&Transaction<'_>) -> Changed<T>,
    sender: oneshot::Sender<Result<T, StoreError>>,
) -> Applied {
    match tx.and_then(|tx| in_savepoint(tx, change)) {
        Ok((value, effect)) => Applied {
            outcome: Ok(effect),
            answer: Box::new(move |committed| {
                let _ = sender.send(committed.map(|()| value));
            }),
        },
        Err(error) => Applied {
            outcome: Err(error.clone()),
            answer: Box::new(move |_| {
                let _ = sender.send(Err(error));
            }),
        },
    }
}

fn in_savepoint<T>(
    tx: &Transaction<'_>,
    change: impl FnOnce(&Transaction<'_>) -> Changed<T>,
) -> Changed<T> {
    run(tx.db, "SAVEPOINT change")?;
    let outcome = change(tx);
    if outcome.is_err() && !tx.db.is_autocommit() {
        run(tx.db, "ROLLBACK TO change")?;
    }
    if !tx.db.is_autocommit() {
        run(tx.db, "RELEASE change")?;
    }
    outcome
}

struct WriterThread {
    db: Connection,
    stage: tokio::sync::mpsc::Sender<Vec<Staged>>,
    seq: Cell<i64>,
    arrived: Cell<Timestamp>,
    /// Set by a commit that failed for another reason than want of room, memory or a lock. Those leave
    /// what is committed as it was, and the next commit writes where they wrote; but what the kernel
    /// holds after a failed flush is unknown, and a file that cannot be read is not written to. So
    /// nothing is acknowledged any more until a restart has read the file again.
    failed: Option<StoreError>,
}

impl WriterThread {
    fn run(&mut self, waiting: &Receiver<Job>) {
        while let Ok(first) = waiting.recv() {
            let group = std::iter::once(first).chain(waiting.try_iter());
            let group = group.take(MAX_GROUP).collect();
            let staged = self.commit(group);
            if self.stage.blocking_send(staged).is_err() {
                return;
            }
        }
    }

    /// Commits a group; what comes out goes into the publish stage in this order.
    fn commit(&mut self, group: Vec<Job>) -> Vec<Staged> {
        let before = self.seq.get();
        let mut applied = Vec::with_capacity(group.len());
        let committed = self.transact(group, &mut applied);
        if let Err(error) = &committed {
            self.seq.set(before);
            if !self.db.is_autocommit() {
                let _ = run(&self.db, "ROLLBACK");
            }
            if matches!(error, StoreError::Failed(_)) {
                tracing::error!(%error, "no write is acknowledged from here on");
                self.failed = Some(error.clone());
            }
        }
        applied
            .into_iter()
            .map(|change| staged(change, committed.clone()))
            .collect()
    }

    fn transact(&self, group: Vec<Job>, applied: &mut Vec<Applied>) -> Result<(), StoreError> {
        let before = self.seq.get();
        let now = Timestamp::now();
        let tx = Transaction {
            db: &self.db,
            now,
            arrival: now.max(self.arrived.get()),
            seq: &self.seq,
        };
        let mut usable = self.failed.clone().map_or(Ok(()), Err);
        usable = usable.and_then(|()| run(&self.db, "BEGIN"));
        for job in group {
            let change = job(usable.clone().map(|()| &tx));
            // A full disk may end the whole transaction. Later changes must not run outside of it:
            // each would commit by itself.
            if usable.is_ok() && self.db.is_autocommit() {
                usable = change
                    .outcome
                    .as_ref()
                    .map_or_else(|error| Err(error.clone()), |_| Ok(()));
            }
            applied.push(change);
        }
        usable?;
        if self.seq.get() != before {
            self.arrived.set(tx.arrival);
            let update = "UPDATE counters SET value = iif(name = 'seq', ?1, ?2)
                          WHERE name IN ('seq', 'arrived')";
            let counters = (self.seq.get(), tx.arrival.millis());
            self.db.prepare_cached(update)?.execute(counters)?;
        }
        run(&self.db, "COMMIT")
    }
}

fn staged(change: Applied, committed: Result<(), StoreError>) -> Staged {
    let Applied { outcome, answer } = change;
    let effect = match &committed {
        Ok(()) => outcome.unwrap_or(Effect::None),
        Err(_) => Effect::None,
    };
    Staged {
        effect,
        answer: Box::new(move || answer(committed)),
    }
}

fn run(db: &Connection, statement: &str) -> Result<(), StoreError> {
    db.prepare_cached(statement)?.execute([])?;
    Ok(())
}
