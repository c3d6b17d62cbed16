//! The pool of connections that read. None of them can write, whatever a statement says.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::store::{Answer, StoreError};

/// How many reads run at once; further ones wait.
const CONNECTIONS: usize = 4;

pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn open(
        connect: impl Fn() -> rusqlite::Result<Connection>,
    ) -> rusqlite::Result<Self> {
        let idle = (0..CONNECTIONS)
            .map(|_| connect())
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            idle: Arc::new(Mutex::new(idle)),
            turns: Arc::new(Semaphore::new(CONNECTIONS)),
        })
    }

    /// Runs a read on a connection of its own, on a thread that may block.
    pub(super) fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<T> {
        let (idle, turns) = (Arc::clone(&self.idle), Arc::clone(&self.turns));
        Box::pin(async move {
            let turn = turns.acquire_owned().await;
            let reading = tokio::task::spawn_blocking(move || {
                let connection = lock(&idle).pop();
                let connection = connection.ok_or(StoreError::Busy)?;
                let outcome = read(&connection);
                lock(&idle).push(connection);
                drop(turn);
                outcome
            });
            let lost = |error: tokio::task::JoinError| StoreError::Failed(error.to_string());
            reading.await.map_err(lost)?
        })
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readers")
    }
}

fn lock(idle: &Mutex<Vec<Connection>>) -> std::sync::MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
