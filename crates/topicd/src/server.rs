//! A server with everything in place: store, publish stage, REST, Socket.IO, on one port.

use std::{fmt, future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, response::IntoResponse};
use engineio::{EngineService, PeerAddr, WriteLimit};
use http::{Request, Response, StatusCode, Version, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

use crate::{
    auth::Auth,
    config::{Config, ConfigError},
    hub::{self, Hub},
    read_budget::ReadBudget,
    realtime::{self, Realtime},
    rest::{self, Api, ApiError},
    store::{
        Store, retention,
        sqlite::{OpenError, SqliteStore},
    },
};

/// How long a request's head may take.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a peer may take nothing of an answer or a stream.
const BLOCKED_WRITE: Duration = Duration::from_secs(10);
/// Bytes of a request's head.
const MAX_HEAD: usize = 16 * 1024;
/// Fields of a request's head.
const MAX_HEADERS: usize = 64;
/// Bytes of a request's target.
const MAX_URI: usize = 8 * 1024;
/// Out of descriptors: waiting is all that helps, and spinning would hurt.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long requests that are being answered may take when the server ends.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// A server that is ready to serve.
pub struct Server {
    store: Arc<dyn Store>,
    auth: Arc<Auth>,
    hub: Arc<Hub>,
    max_connections: usize,
    realtime: Arc<Realtime>,
    router: Router,
}

/// Why a server does not start. The operator can help.
#[derive(Debug)]
pub enum StartError {
    /// The settings contradict each other.
    Config(ConfigError),
    /// The data folder cannot be used.
    Store(OpenError),
}

/// Answers the requests of all connections.
#[derive(Clone)]
struct Front {
    engine: EngineService,
    router: Router,
}

impl Server {
    /// Opens the store and puts everything together. Must be called in a runtime.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn open(config: &Config) -> Result<Self, StartError> {
        let origins = config.check().map_err(StartError::Config)?;
        let (stage, staged) = hub::stage();
        let store =
            SqliteStore::open(&config.data_dir, &config.store, stage).map_err(StartError::Store)?;
        let store: Arc<dyn Store> = Arc::new(store);
        if let Some(retention) = config.store.retention() {
            tokio::spawn(retention::run(Arc::downgrade(&store), retention));
        }
        let session_seconds = config.accounts.session_seconds();
        let auth = Arc::new(Auth::new(Arc::clone(&store), session_seconds));

        let (io, v2, outlet) = realtime::server(&config.realtime, &origins);
        let hub = Arc::new(Hub::new(outlet));
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
            config.realtime.clone(),
        );
        tokio::spawn(Realtime::sweep(Arc::downgrade(&realtime)));
        let accounts = config.accounts.clone();
        let api = Arc::new(Api::new(
            Arc::clone(&store),
            Arc::clone(&auth),
            Arc::clone(&hub),
            reads,
            accounts,
        ));
        Ok(Self {
            store,
            auth,
            hub,
            max_connections: config.realtime.max_connections,
            realtime,
            router: rest::router(api, origins),
        })
    }

    /// Serves further routes, beside the API.
    #[must_use]
    pub fn with_routes(mut self, routes: Router) -> Self {
        self.router = self.router.merge(routes);
        self
    }

    /// What the server keeps.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Its accounts.
    pub fn auth(&self) -> &Arc<Auth> {
        &self.auth
    }

    /// Serves connections of `listener` until `shutdown` resolves. Then ends every session and
    /// stream, finishes the answers that are on their way, and closes the store.
    ///
    /// # Errors
    ///
    /// None from single connections.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let ending = CancellationToken::new();
        let mut connections = self.accept(&listener, shutdown, &ending).await;
        drop(listener);
        self.hub.end_listeners();
        ending.cancel();
        let answered = async { while connections.join_next().await.is_some() {} };
        let _ = timeout(LAST_ANSWERS, answered).await;
        // Connections hold the store, too.
        connections.shutdown().await;
        // The writer commits what is waiting: that may take a while.
        let closed = tokio::task::spawn_blocking(move || drop(self)).await;
        closed.map_err(io::Error::other)
    }

    /// Accepts until `shutdown` has resolved and the sessions are closed. Returns the connections
    /// that are open then.
    async fn accept(
        &self,
        listener: &TcpListener,
        shutdown: impl Future<Output = ()>,
        ending: &CancellationToken,
    ) -> JoinSet<()> {
        let io = self.realtime.io();
        let front = Front {
            engine: io.service(),
            router: self.router.clone(),
        };
        let mut end = pin!(async {
            shutdown.await;
            io.close().await;
        });
        let mut connections = JoinSet::new();
        loop {
            let has_room = connections.len() < self.max_connections;
            tokio::select! {
                () = &mut end => return connections,
                accepted = listener.accept(), if has_room => match accepted {
                    Ok((stream, peer)) => {
                        let front = front.clone();
                        connections.spawn(front.connection(stream, peer, ending.clone()));
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
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

impl Front {
    async fn connection(self, stream: TcpStream, peer: SocketAddr, ending: CancellationToken) {
        let _ = stream.set_nodelay(true);
        let answer = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(PeerAddr(peer));
            let front = self.clone();
            async move { Ok::<_, std::convert::Infallible>(front.answer(request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(MAX_HEAD)
            .max_headers(MAX_HEADERS)
            .serve_connection(TokioIo::new(WriteLimit::new(stream, BLOCKED_WRITE)), answer)
            .with_upgrades();
        let mut connection = pin!(connection);
        tokio::select! {
            // A connection that breaks is the peer's affair; its sessions notice by themselves.
            _ = &mut connection => return,
            () = ending.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }

    async fn answer(mut self, mut request: Request<Incoming>) -> Response<Body> {
        if let Some(refusal) = refuse(&request) {
            return refusal.into_response();
        }
        if self.engine.serves(request.uri().path()) {
            return self.engine.answer(request).await.map(Body::new);
        }
        *request.uri_mut() = rest::normalise(request.uri());
        match self.router.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// What hyper lets through and we do not.
fn refuse(request: &Request<Incoming>) -> Option<ApiError> {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Some(ApiError::bad_request("there must be one Host"));
    }
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    (target > MAX_URI).then(|| ApiError::new(StatusCode::URI_TOO_LONG, "the URL is too long"))
}
