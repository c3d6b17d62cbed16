//! What all sessions of one service share, and how a session comes to life and goes.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use engineio_proto::{CloseReason, OpenRequest, Session, Sid};
use tokio::{runtime::Handle, sync::Notify, task::AbortHandle};
use tokio_util::task::TaskTracker;

use crate::{
    Application, Config, Handshake, clock,
    flush::Flusher,
    places::Places,
    refused::Refused,
    registry::Registry,
    session::{OpenPanicked, SessionCell, SessionNumber},
    stats::Counters,
    timer::Timer,
};

/// Registry, timer and flushers of a service, and the application behind it.
pub(crate) struct Engine {
    config: Config,
    protocol: Arc<engineio_proto::Config>,
    application: Box<dyn Application>,
    registry: Registry,
    places: Arc<Places>,
    counters: Counters,
    /// The tasks of WebSockets, which may have a close frame to write after their session's end.
    websockets: TaskTracker,
    timer: Arc<Timer>,
    flushers: Box<[Arc<Flusher>]>,
    opened: AtomicU64,
    /// Started with the first session: a service may be made outside of a runtime.
    tasks: OnceLock<Tasks>,
    closing: AtomicBool,
    ended: Notify,
}

/// What runs for all sessions, and where.
struct Tasks {
    runtime: Handle,
    running: Vec<AbortHandle>,
}

impl Engine {
    pub(crate) fn new(config: Config, application: Box<dyn Application>) -> Arc<Self> {
        let shards = std::thread::available_parallelism().map_or(1, usize::from);
        Arc::new(Self {
            protocol: Arc::new(config.protocol.clone()),
            places: Arc::new(Places::new(&config.protocol.limits)),
            config,
            application,
            registry: Registry::new(),
            counters: Counters::default(),
            websockets: TaskTracker::new(),
            timer: Arc::new(Timer::new()),
            flushers: (0..shards).map(|_| Arc::new(Flusher::new())).collect(),
            opened: AtomicU64::new(0),
            tasks: OnceLock::new(),
            closing: AtomicBool::new(false),
            ended: Notify::new(),
        })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(crate) fn websockets(&self) -> &TaskTracker {
        &self.websockets
    }

    pub(crate) fn timer(&self) -> &Timer {
        &self.timer
    }

    /// Opens a session and registers it; nothing is delivered before [`Engine::start`].
    pub(crate) fn open(
        self: &Arc<Self>,
        request: &OpenRequest,
        handshake: Handshake,
    ) -> Result<Arc<SessionCell>, Refused> {
        if self.is_closing() {
            return Err(Refused::Ending);
        }
        let address = handshake.peer().map(|peer| peer.ip());
        let place = self.places.take(address)?;
        self.tasks();
        let sid = self.make_sid(&handshake)?;
        let session = Session::open(clock::now(), request, sid, Arc::clone(&self.protocol));
        let cell = SessionCell::new(session, handshake, Arc::clone(self));
        if !self.registry.insert(&cell, place) {
            return Err(Refused::Sid);
        }
        self.counters.opened(cell.version(), request.transport());
        // Again behind the insertion: whoever ends all sessions finds this one, or it is seen here.
        if self.is_closing() {
            let reason = CloseReason::ServerShuttingDown;
            cell.feed(|session, now| session.abort(now, reason));
            self.forget(cell.sid(), reason);
            return Err(Refused::Ending);
        }
        Ok(cell)
    }

    fn make_sid(&self, handshake: &Handshake) -> Result<Sid, Refused> {
        if let Some(made) = self.config.hooks.make_sid(handshake) {
            return made.ok_or(Refused::Sid);
        }
        let mut bytes = [0; 15];
        getrandom::fill(&mut bytes).map_err(|_| Refused::Randomness)?;
        Ok(Sid::from_random(bytes))
    }

    /// Shows the session to the application; from here on events flow.
    pub(crate) fn start(&self, cell: &Arc<SessionCell>) -> Result<(), Refused> {
        tracing::debug!(
            sid = ?cell.sid(),
            version = cell.version().number(),
            transport = cell.look(|session| session.transport()).as_str(),
            "session opened"
        );
        cell.start(|session| self.application.open(session))
            .map_err(|OpenPanicked| Refused::OpenPanicked)
    }

    pub(crate) fn next_number(&self) -> SessionNumber {
        SessionNumber::new(self.opened.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn mark_dirty(&self, cell: Arc<SessionCell>) {
        let shard = cell.number().shard(self.flushers.len());
        self.flushers[shard].mark(cell);
    }

    /// The session has ended: its sid is unknown from now on.
    pub(crate) fn forget(&self, sid: &Sid, reason: CloseReason) {
        match reason {
            CloseReason::ApplicationPanic => {
                tracing::error!(
                    ?sid,
                    reason = reason.name(),
                    hint = reason.hint(),
                    "session closed"
                );
            }
            _ => tracing::debug!(
                ?sid,
                reason = reason.name(),
                hint = reason.hint(),
                "session closed"
            ),
        }
        self.registry.remove(sid);
        if self.is_closing() {
            self.ended.notify_waiters();
        }
    }

    /// From now on handshakes get 503.
    pub(crate) fn refuse_handshakes(&self) {
        self.closing.store(true, Ordering::Release);
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
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

    /// Runs a task of a session, from whatever thread.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks().runtime.spawn(task);
    }

    fn tasks(&self) -> &Tasks {
        self.tasks.get_or_init(|| {
            let runtime = Handle::current();
            let timer = runtime.spawn(Arc::clone(&self.timer).run()).abort_handle();
            let flushers = self.flushers.iter();
            let flushers = flushers.map(|flusher| runtime.spawn(Arc::clone(flusher).run()));
            let flushers = flushers.map(|task| task.abort_handle());
            let running = std::iter::once(timer).chain(flushers).collect();
            Tasks { runtime, running }
        })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.tasks
            .take()
            .into_iter()
            .flat_map(|tasks| tasks.running)
            .for_each(|task| task.abort());
    }
}
