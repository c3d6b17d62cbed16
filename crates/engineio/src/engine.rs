//! What all sessions of one service share, and how a session comes to life and goes.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use engineio_proto::{OpenRequest, Session, Sid};
use tokio::{sync::Notify, task::AbortHandle};

use crate::{
    Application, Config, Handshake, clock,
    flush::Flusher,
    registry::Registry,
    session::{OpenPanicked, SessionCell},
    timer::Timer,
};

/// Registry, timer and flushers of a service, and the application behind it.
pub(crate) struct Engine {
    config: Config,
    protocol: Arc<engineio_proto::Config>,
    application: Box<dyn Application>,
    registry: Registry,
    timer: Arc<Timer>,
    flushers: Box<[Arc<Flusher>]>,
    hasher: RandomState,
    /// Started with the first session: a service may be made outside of a runtime.
    tasks: OnceLock<Vec<AbortHandle>>,
    closing: AtomicBool,
    ended: Notify,
}

/// Why no session was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenError {
    /// The server is full or ending: 503, come back later.
    Unavailable,
    /// The application made no id, or one that is taken: code 3.
    NoSid,
    /// The operating system gave no random bytes: 500.
    NoRandomness,
}

impl Engine {
    pub(crate) fn new(config: Config, application: Box<dyn Application>) -> Arc<Self> {
        let shards = std::thread::available_parallelism().map_or(1, usize::from);
        Arc::new(Self {
            protocol: Arc::new(config.protocol.clone()),
            config,
            application,
            registry: Registry::new(),
            timer: Arc::new(Timer::new()),
            flushers: (0..shards).map(|_| Arc::new(Flusher::new())).collect(),
            hasher: RandomState::new(),
            tasks: OnceLock::new(),
            closing: AtomicBool::new(false),
            ended: Notify::new(),
        })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn timer(&self) -> &Timer {
        &self.timer
    }

    /// Opens a session and registers it; nothing is delivered before [`Engine::start`].
    pub(crate) fn open(
        self: &Arc<Self>,
        request: &OpenRequest,
        handshake: Handshake,
    ) -> Result<Arc<SessionCell>, OpenError> {
        if self.closing.load(Ordering::Acquire) || self.registry.len() >= self.config.max_sessions {
            return Err(OpenError::Unavailable);
        }
        self.run_tasks();
        let sid = self.make_sid(&handshake)?;
        let session = Session::open(clock::now(), request, sid, Arc::clone(&self.protocol));
        let cell = SessionCell::new(session, handshake, Arc::clone(self));
        if self.registry.insert(&cell) {
            Ok(cell)
        } else {
            Err(OpenError::NoSid)
        }
    }

    fn make_sid(&self, handshake: &Handshake) -> Result<Sid, OpenError> {
        if let Some(made) = self.config.hooks.make_sid(handshake) {
            return made.ok_or(OpenError::NoSid);
        }
        let mut bytes = [0; 15];
        getrandom::fill(&mut bytes).map_err(|_| OpenError::NoRandomness)?;
        Ok(Sid::from_random(bytes))
    }

    /// Shows the session to the application; from here on events flow.
    pub(crate) fn start(&self, cell: &Arc<SessionCell>) -> Result<(), OpenPanicked> {
        cell.start(|session| self.application.open(session))
    }

    pub(crate) fn mark_dirty(&self, cell: Arc<SessionCell>) {
        let shard = self.hasher.hash_one(cell.sid()) as usize % self.flushers.len();
        self.flushers[shard].mark(cell);
    }

    /// The session has ended: its sid is unknown from now on.
    pub(crate) fn forget(&self, sid: &Sid) {
        self.registry.remove(sid);
        if self.closing.load(Ordering::Acquire) {
            self.ended.notify_waiters();
        }
    }

    /// From now on handshakes get 503.
    pub(crate) fn refuse_handshakes(&self) {
        self.closing.store(true, Ordering::Release);
    }

    pub(crate) async fn all_ended(&self) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.registry.len() == 0 {
                return;
            }
            ended.await;
        }
    }

    fn run_tasks(&self) {
        self.tasks.get_or_init(|| {
            let timer = tokio::spawn(Arc::clone(&self.timer).run()).abort_handle();
            let flushers = self.flushers.iter();
            let flushers = flushers.map(|flusher| tokio::spawn(Arc::clone(flusher).run()));
            let flushers = flushers.map(|task| task.abort_handle());
            std::iter::once(timer).chain(flushers).collect()
        });
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.tasks
            .take()
            .into_iter()
            .flatten()
            .for_each(|task| task.abort());
    }
}
