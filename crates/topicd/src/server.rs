//! A server with everything in place: store, publish stage, REST, Socket.IO, and the operator's
//! listener.
//!
//! Owns what is put together and the order in which it ends. Who comes in is `doors.rs`, what they
//! are answered `front.rs`.

use std::{fmt, future::Future, io, sync::Arc, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, sync::oneshot, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{self, Admin, Beacon, Lifecycle},
    auth::Auth,
    config::{Config, ConfigError},
    console,
    hub::{self, Hub},
    live::Live,
    metrics::Metrics,
    read_budget::ReadBudget,
    realtime::{self, Realtime},
    reload::Reloader,
    rest::{self, Api},
    store::{
        Store, retention,
        sqlite::{OpenError, SqliteStore},
    },
    tls::Tls,
    token::Token,
    webhooks::Webhooks,
};

mod doors;
mod front;
mod operator;

use doors::{Connections, Doors};
use front::Front;

/// How long requests that are being answered may take when the server ends.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// A server that is ready to serve.
pub struct Server {
    store: Arc<dyn Store>,
    auth: Arc<Auth>,
    hub: Arc<Hub>,
    live: Arc<Live>,
    realtime: Arc<Realtime>,
    api: Arc<Api>,
    metrics: Metrics,
    lifecycle: Arc<Lifecycle>,
    routes: Router,
    tls: Option<(TcpListener, Arc<Tls>)>,
    operator: Option<Operator>,
}

/// The operator's listener.
struct Operator {
    listener: TcpListener,
    token: Token,
    /// Goes out with the server.
    _beacon: Beacon,
}

/// Why a server does not start. The operator can help.
#[derive(Debug)]
pub enum StartError {
    /// The settings contradict each other.
    Config(ConfigError),
    /// The data folder cannot be used.
    Store(OpenError),
}

impl Server {
    /// Opens the store and puts everything together. Must be called in a runtime.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn open(config: &Config) -> Result<Self, StartError> {
        let live = Arc::new(Live::new(config.clone()).map_err(StartError::Config)?);
        let metrics = Metrics::new();
        let webhooks = Webhooks::start(&config.webhooks, &metrics).map_err(StartError::Config)?;
        let (stage, staged) = hub::stage();
        let store =
            SqliteStore::open(&config.data_dir, &config.store, stage).map_err(StartError::Store)?;
        let store: Arc<dyn Store> = Arc::new(store);
        if let Some(retention) = config.store.retention() {
            tokio::spawn(retention::run(Arc::downgrade(&store), retention));
        }
        let auth = Arc::new(Auth::new(Arc::clone(&store), Arc::clone(&live)));

        let (io, v2, outlet) = realtime::server(&live, &metrics);
        let hub = Arc::new(Hub::new(outlet, metrics.clone()).telling(webhooks));
        let publishing = Arc::clone(&hub);
        // Ends with the store, when everything that was committed has been published.
        tokio::spawn(async move { publishing.run(staged).await });
        let reads = ReadBudget::default();
        let realtime = Realtime::open(
            (io, v2),
            Arc::clone(&hub),
            Arc::clone(&store),
            Arc::clone(&auth),
            reads.clone(),
            Arc::clone(&live),
            metrics.clone(),
        );
        tokio::spawn(Realtime::sweep(Arc::downgrade(&realtime)));
        tokio::spawn(Realtime::renew_in_use(Arc::downgrade(&realtime)));
        let api = Arc::new(Api::new(
            Arc::clone(&store),
            Arc::clone(&auth),
            Arc::clone(&hub),
            Arc::clone(&live),
            metrics.clone(),
            reads,
        ));
        let mut routes = rest::router(Arc::clone(&api));
        if config.console {
            routes = routes.merge(console::router());
        }
        Ok(Self {
            store,
            auth,
            hub,
            live,
            realtime,
            routes,
            api,
            metrics,
            lifecycle: Arc::default(),
            tls: None,
            operator: None,
        })
    }

    /// Serves further routes, beside the API.
    #[must_use]
    pub fn with_routes(mut self, routes: Router) -> Self {
        self.routes = self.routes.merge(routes);
        self
    }

    /// Serves the same on a further listener, with TLS.
    ///
    /// # Errors
    ///
    /// The certificate or its key cannot be used.
    pub fn with_tls(mut self, listener: TcpListener) -> Result<Self, StartError> {
        let tls = Tls::load(&self.live.now().config.tls).map_err(StartError::Config)?;
        self.tls = Some((listener, Arc::new(tls)));
        Ok(self)
    }

    /// Serves health, metrics and the admin API on a listener of its own. Its address is kept in the
    /// data folder while the server runs, for the commands.
    ///
    /// # Errors
    ///
    /// The token's file cannot be used, or the data folder takes no file.
    pub fn with_admin(mut self, listener: TcpListener) -> Result<Self, StartError> {
        let config = &self.live.now().config;
        let token = admin::load_token(config).map_err(StartError::Config)?;
        let beacon = listener
            .local_addr()
            .and_then(|address| Beacon::light(config, address))
            .map_err(|error| {
                StartError::Store(OpenError::Folder(config.data_dir.clone(), error))
            })?;
        self.operator = Some(Operator {
            listener,
            token,
            _beacon: beacon,
        });
        Ok(self)
    }

    /// What the server keeps.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Its accounts.
    pub fn auth(&self) -> &Arc<Auth> {
        &self.auth
    }

    /// Gives the server other settings while it runs.
    pub fn reloader(&self) -> Reloader {
        Reloader {
            live: Arc::clone(&self.live),
            api: Arc::downgrade(&self.api),
            realtime: Arc::downgrade(&self.realtime),
            tls: self.tls.as_ref().map(|(_, tls)| Arc::clone(tls)),
        }
    }

    /// The routes of the admin API, for whoever holds the data folder and needs no token.
    pub fn admin_routes(&self) -> Router {
        admin::routes(self.admin())
    }

    /// Serves connections of `listener` until `shutdown` resolves, and then ends: readiness goes,
    /// new sessions are refused with 503, sessions end little by little, then streams, listeners and
    /// the store.
    ///
    /// # Errors
    ///
    /// None from single connections.
    pub async fn serve(
        mut self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let (close_operator, operator_closed) = oneshot::channel::<()>();
        let operator = self.operator.take().map(|operator| {
            let routes = admin::listener_routes(self.admin(), &operator.token);
            let until = async { drop(operator_closed.await) };
            tokio::spawn(operator::serve(operator, routes, until))
        });
        let doors = Doors {
            plain: listener,
            tls: self.tls.take(),
        };
        let mut connections = Connections::new();
        let ending = CancellationToken::new();
        let front = self.front();
        tokio::select! {
            () = self.end_sessions(shutdown) => {}
            () = doors.serve(&front, &mut connections, &ending) => {}
        }
        drop((doors, front));
        self.hub.end_listeners();
        ending.cancel();
        let _ = timeout(LAST_ANSWERS, connections.finish()).await;
        connections.shutdown().await;
        drop(close_operator);
        if let Some(operator) = operator {
            let _ = operator.await;
        }
        // The writer commits what is waiting: that may take a while.
        let closed = tokio::task::spawn_blocking(move || drop(self)).await;
        closed.map_err(io::Error::other)
    }

    /// Waits for the end, tells it to whoever balances, and ends the sessions. The listeners stay
    /// open meanwhile, so that sessions that are still here are served.
    async fn end_sessions(&self, shutdown: impl Future<Output = ()>) {
        shutdown.await;
        self.lifecycle.drain();
        let settings = self.live.now().config.shutdown.clone();
        let window = Duration::from_secs(settings.drain_seconds);
        let deadline = Duration::from_secs(settings.deadline_seconds);
        let left = deadline.saturating_sub(LAST_ANSWERS * 2).max(window);
        tracing::info!(?window, ?deadline, "the server ends");
        let _ = timeout(left, self.realtime.io().drain(window)).await;
    }

    fn front(&self) -> Front {
        Front {
            engine: self.realtime.io().service(),
            router: self.routes.clone(),
            live: Arc::clone(&self.live),
            metrics: self.metrics.clone(),
        }
    }

    fn admin(&self) -> Arc<Admin> {
        Arc::new(Admin {
            store: Arc::clone(&self.store),
            auth: Arc::clone(&self.auth),
            hub: Arc::clone(&self.hub),
            realtime: Arc::clone(&self.realtime),
            live: Arc::clone(&self.live),
            metrics: self.metrics.clone(),
            lifecycle: Arc::clone(&self.lifecycle),
        })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server")
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

#[cfg(test)]
mod tests;
