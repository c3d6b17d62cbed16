//! The front of the server: a service for hyper, tower and axum.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use http_body_util::Full;

#[cfg(feature = "compression")]
use crate::compression::Encoding;
use crate::{
    Application, Config, Stats, engine::Engine, hooks::Answer, refused::Refused, request, response,
};

/// An Engine.IO server as a service for hyper, tower and axum.
///
/// Cheap to clone; all clones share their sessions. Connections must be served with upgrades
/// enabled, or WebSocket handshakes are refused.
///
/// # What a host bounds itself
///
/// [`EngineService::serve`] sets every bound. A service does not see its connections, so another host
/// sets those of them: a time for a request's head, as [`Http1`](crate::Http1) does, and one for an answer
/// that nobody reads, which [`WriteLimit`](crate::WriteLimit) brings. No body of ours could do the latter: an answer is out of
/// our hands once hyper has taken it into its buffer, long before the peer has.
#[derive(Clone)]
pub struct EngineService {
    engine: Arc<Engine>,
    path: Path,
}

/// A service that may be gone, for what must not keep its sessions.
#[derive(Clone)]
pub struct WeakEngineService {
    engine: Weak<Engine>,
    path: Path,
}

/// Which requests are ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path {
    /// Those for the configured path; others get 404.
    Configured,
    /// All: a router has decided already.
    Any,
}

impl EngineService {
    /// A server for an application.
    pub fn new(config: Config, application: impl Application) -> Self {
        let engine = Engine::new(config, Box::new(application));
        Self {
            engine,
            path: Path::Configured,
        }
    }

    /// The same server for a router that has matched the path itself, such as axum's
    /// `nest_service`, which strips it.
    pub fn mounted(&self) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
            path: Path::Any,
        }
    }

    /// True if a request for this path is ours.
    pub fn serves(&self, path: &str) -> bool {
        self.path == Path::Any || path == self.engine.config().path
    }

    /// Sessions that are open at this moment.
    pub fn sessions(&self) -> usize {
        self.engine.registry().len()
    }

    /// What is open at this moment, and what has been opened, closed and refused since the start.
    pub fn stats(&self) -> Stats {
        self.engine.counters().snapshot()
    }

    /// Sets [`Limits::max_sessions`](crate::Limits::max_sessions) and
    /// [`Limits::max_sessions_per_address`](crate::Limits::max_sessions_per_address) anew.
    /// Sessions that are open stay.
    pub fn limit_sessions(&self, most: usize, most_per_address: usize) {
        self.engine.places().limit(most, most_per_address);
    }

    /// Refuses new sessions, lets every session take what is queued for it, and ends them all
    /// within [`Limits::close_deadline`](crate::Limits::close_deadline).
    pub async fn close(&self) {
        self.engine.close().await;
    }

    /// Refuses new sessions with 503 and ends those that are open little by little, spread over
    /// `window`, so that their clients do not come back all at once. Then closes.
    pub async fn drain(&self, window: Duration) {
        self.engine.drain(window).await;
    }

    /// The same service, kept by others.
    pub fn downgrade(&self) -> WeakEngineService {
        WeakEngineService {
            engine: Arc::downgrade(&self.engine),
            path: self.path,
        }
    }

    /// Counts and logs a request that hyper has refused by itself.
    pub(crate) fn count_refusal(&self, refused: &Refused) {
        let _ = request::refuse(&self.engine, refused, None);
    }

    pub(crate) fn config(&self) -> &Config {
        self.engine.config()
    }

    /// Answers one request. A refused request is an answer, too.
    pub fn answer<B: HttpBody>(
        &self,
        request: Request<B>,
    ) -> impl Future<Output = Response<Full<Bytes>>> + use<B> {
        let service = self.clone();
        // Boxed, as futures keep the place of their arguments for as long as they live.
        let request = Box::new(request);
        async move { service.answered(request).await }
    }

    async fn answered<B: HttpBody>(self, request: Box<Request<B>>) -> Response<Full<Bytes>> {
        if !self.serves(request.uri().path()) {
            return request::refuse(&self.engine, &Refused::Path, None);
        }
        let config = self.engine.config();
        let origin = config.cors.origin(request.headers());
        let old_browser = response::is_old_browser(request.headers());
        #[cfg(feature = "compression")]
        let encoding = Encoding::accepted(request.headers());
        let (kind, mut response) = match config.cors.preflight(&request) {
            Some(preflight) => (Answer::Later, preflight),
            None => request::answer(&self.engine, request).await,
        };
        #[cfg(feature = "compression")]
        if let Some(compression) = config.compression {
            response = compression.apply(encoding, response).await;
        }
        let headers = response.headers_mut();
        config.cors.apply(origin.as_ref(), headers);
        if old_browser {
            response::calm_old_browser(headers);
        }
        config.hooks.decorate(kind, headers);
        response
    }
}

impl WeakEngineService {
    /// The service, unless nobody keeps it any more.
    pub fn upgrade(&self) -> Option<EngineService> {
        Some(EngineService {
            engine: self.engine.upgrade()?,
            path: self.path,
        })
    }
}

type Answered = Pin<Box<dyn Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send>>;

impl<B> hyper::service::Service<Request<B>> for EngineService
where
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Answered;

    fn call(&self, request: Request<B>) -> Self::Future {
        let answer = self.answer(request);
        Box::pin(async move { Ok(answer.await) })
    }
}

impl<B> tower_service::Service<Request<B>> for EngineService
where
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Answered;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        hyper::service::Service::call(self, request)
    }
}
