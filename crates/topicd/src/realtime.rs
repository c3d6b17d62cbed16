//! The Socket.IO side: namespace `/v2` with `authenticate`, `subscribe` and `unsubscribe`.
//!
//! Owns the handlers of the namespace and the sweep. What they do is in `login.rs` and
//! `subscription.rs`; who may come in is decided by the store, in step with the commits; values arrive
//! through the hub.

use std::{
    collections::HashSet,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use socketio::{
    ConnectRequest, Event, Namespace, Refusal, Server, SessionKey, Socket,
    engineio::{Config as EngineConfig, Hooks, Refusal as HandshakeRefusal},
};

use crate::{
    auth::Auth,
    datetime::Timestamp,
    hub::{Hub, Outlet},
    live::Live,
    metrics::Metrics,
    read_budget::ReadBudget,
    store::{Session, Store},
};

mod answer;
mod asked;
mod client;
mod login;
mod operation;
mod outlet;
mod renewal;
mod request;
mod subscription;

pub(crate) use operation::{Connection, Whom};

use asked::Asked;
use client::Client;
use login::log_out;
use outlet::V2Outlet;

/// How often expired sessions and silent clients are looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// What clients may send. Anything else means nothing here, and is counted.
const EVENTS: [&str; 3] = ["authenticate", "subscribe", "unsubscribe"];

/// The server behind `/socket.io/` and what its handlers work with.
pub(crate) struct Realtime {
    io: Server,
    v2: Namespace<Client>,
    hub: Arc<Hub>,
    store: Arc<dyn Store>,
    auth: Arc<Auth>,
    reads: ReadBudget,
    live: Arc<Live>,
    metrics: Metrics,
}

/// A server whose namespace `/v2` exists and handles nothing yet, and the way to its sockets.
pub(crate) fn server(
    live: &Arc<Live>,
    metrics: &Metrics,
) -> (Server, Namespace<Client>, impl Outlet + use<>) {
    let engine = engine_config(live);
    let io = Server::builder().engine(engine).path("/socket.io/").build();
    let settings = Arc::clone(live);
    let v2 = io.namespace("/v2", move |_: ConnectRequest| {
        let auth_timeout = settings.auth_timeout();
        async move { Ok::<_, Refusal>(Client::new(auth_timeout, Instant::now())) }
    });
    let outlet = V2Outlet {
        v2: v2.clone(),
        live: Arc::clone(live),
        metrics: metrics.clone(),
    };
    (io, v2, outlet)
}

/// What browsers of other hosts are told is the server's business, for all paths alike.
fn engine_config(live: &Arc<Live>) -> EngineConfig {
    let mut engine = EngineConfig::default();
    let (now, live) = (live.now(), Arc::clone(live));
    let settings = &now.config;
    engine.protocol.legacy_eio = settings.realtime.legacy_eio;
    let limits = &mut engine.protocol.limits;
    limits.max_sessions = settings.realtime.max_connections;
    limits.max_sessions_per_address = settings.limits.sessions_per_address;
    engine.hooks = Hooks::default().allow(move |handshake| {
        let allowed = live.now().origins.allow(handshake.headers());
        async move {
            if allowed {
                Ok(())
            } else {
                Err(HandshakeRefusal::default())
            }
        }
    });
    engine
}

impl Realtime {
    /// Sets the handlers. They work as long as what is returned lives.
    pub(crate) fn open(
        (io, v2): (Server, Namespace<Client>),
        hub: Arc<Hub>,
        store: Arc<dyn Store>,
        auth: Arc<Auth>,
        reads: ReadBudget,
        live: Arc<Live>,
        metrics: Metrics,
    ) -> Arc<Self> {
        let realtime = Arc::new(Self {
            io,
            v2,
            hub,
            store,
            auth,
            reads,
            live,
            metrics,
        });
        realtime.handle_events();
        realtime
    }

    /// Takes the limits that hold from now on.
    pub(crate) fn reload(&self) {
        let settings = &self.live.now().config;
        let here = settings.limits.sessions_per_address;
        let most = settings.realtime.max_connections;
        self.io.service().limit_sessions(most, here);
    }

    pub(crate) fn io(&self) -> &Server {
        &self.io
    }

    /// Logs out whoever's session has expired and closes who does not log in, until `this` is gone.
    pub(crate) async fn sweep(this: Weak<Self>) {
        let mut ticks = tokio::time::interval(SWEEP);
        loop {
            ticks.tick().await;
            let Some(this) = this.upgrade() else {
                return;
            };
            let (now, clock) = (Timestamp::now(), Instant::now());
            let sockets = this.v2.sockets();
            this.close_idlers(sockets.iter().map(session_of).collect());
            for socket in sockets {
                // It is in use, and so does not expire before its end.
                let ended = |session: &Session| session.has_ended(now);
                log_out(&this.hub, &socket, ended, this.live.auth_timeout());
                if socket.state().is_given_up(clock) {
                    socket.close();
                }
            }
        }
    }

    /// Closes who is in `/`, where nobody can log in, and not in `/v2`.
    fn close_idlers(&self, in_v2: HashSet<SessionKey>) {
        let Some(timeout) = self.live.auth_timeout() else {
            return;
        };
        let is_old = |socket: &Socket| {
            let age = socket.handshake().issued().elapsed();
            age.is_ok_and(|age| age >= timeout)
        };
        let mut idlers = self.io.of("/").sockets();
        idlers.retain(|socket| !in_v2.contains(&session_of(socket)) && is_old(socket));
        idlers.iter().for_each(Socket::close);
    }

    /// The namespace holds its handlers and we hold the namespace: a strong reference would keep
    /// both for good.
    fn handle_events(self: &Arc<Self>) {
        let this = Arc::downgrade(self);
        self.v2.on_connect(move |socket| {
            let this = this.upgrade();
            async move {
                if let Some(this) = this {
                    this.connected(socket).await;
                }
            }
        });
        self.v2.layer(|socket, event, next| async move {
            if socket.state().may_send(&event) {
                return next.run(event).await;
            }
            socket.close();
            Ok(())
        });
        let metrics = self.metrics.clone();
        self.v2.on_any(move |_, event| {
            if !EVENTS.contains(&event.name()) {
                metrics.unknown_event();
            }
            async {}
        });
        self.on("authenticate", Self::authenticate);
        self.on("subscribe", Self::subscribe);
        self.on("unsubscribe", Self::unsubscribe);
        let hub = Arc::downgrade(&self.hub);
        self.v2.on_disconnect(move |socket, _| {
            let hub = hub.upgrade();
            async move {
                let rooms = socket.state().disconnect();
                hub.iter()
                    .for_each(|hub| rooms.iter().for_each(|room| hub.leave(room)));
            }
        });
    }

    fn on<F>(
        self: &Arc<Self>,
        name: &'static str,
        handle: impl Fn(Arc<Self>, Asked, Event) -> F + Copy + Send + Sync + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let this = Arc::downgrade(self);
        self.v2.on(name, move |socket, event| {
            let asked = Asked {
                event: name,
                socket,
                ack: event.responder(),
            };
            let handling = this.upgrade().map(|this| handle(this, asked, event));
            async move {
                if let Some(handling) = handling {
                    handling.await;
                }
            }
        });
    }
}

fn session_of<S>(socket: &Socket<S>) -> SessionKey {
    socket.handshake().session_key()
}
