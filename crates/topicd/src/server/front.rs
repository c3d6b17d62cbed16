//! What answers the requests of clients: Engine.IO for its path, REST for all others.

use std::{
    future::{self, Future},
    pin::Pin,
    sync::Arc,
};

use axum::{Router, body::Body, response::IntoResponse};
use engineio::{EngineService, PeerAddr, RequestBody};
use futures_util::future::Either;
use http::{Request, Response, StatusCode, Version, header};
use tower_service::Service as _;

use crate::{
    live::Live,
    metrics::Metrics,
    proxy,
    rest::{self, ApiError},
};

/// Bytes of a request's target.
const MAX_URI: usize = 8 * 1024;
/// Fields of a request's head.
const MAX_HEADERS: usize = 64;

/// Answers the requests of all connections.
#[derive(Clone)]
pub(super) struct Front {
    pub(super) engine: EngineService,
    pub(super) router: Router,
    pub(super) live: Arc<Live>,
    pub(super) metrics: Metrics,
}

pub(super) type Answering = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

impl Front {
    /// A future of its own for each kind of answer, so that a poll that waits has no room for REST.
    pub(super) fn answer(&self, mut request: Request<RequestBody>) -> Answering {
        self.find_client(&mut request);
        if let Some(refusal) = refuse(&request) {
            let response = refusal.into_response();
            self.metrics.answered(response.status().as_u16());
            Box::pin(future::ready(response))
        } else if self.engine.serves(request.uri().path()) {
            Box::pin(self.engine_answer(request))
        } else {
            Box::pin(self.clone().rest_answer(request))
        }
    }

    /// Puts the client in the place of the connection's peer.
    fn find_client(&self, request: &mut Request<RequestBody>) {
        let peer = request.extensions().get::<PeerAddr>().copied();
        let client = |PeerAddr(peer)| {
            let proxies = &self.live.now().proxies;
            PeerAddr(proxy::client(peer, request.headers(), proxies))
        };
        if let Some(client) = peer.map(client) {
            request.extensions_mut().insert(client);
        }
    }

    /// Engine.IO's own CORS is off: its list could not change while the server runs.
    fn engine_answer(
        &self,
        request: Request<RequestBody>,
    ) -> impl Future<Output = Response<Body>> + use<> {
        let allowed = rest::allowed(&self.live.now().origins, request.headers());
        let preflight = rest::preflight(request.method(), request.headers(), &allowed);
        let answering = match preflight {
            Some(response) => Either::Left(future::ready(response)),
            None => Either::Right(self.engine.answer(request)),
        };
        async move {
            let mut response = match answering {
                Either::Left(preflight) => preflight.await,
                Either::Right(answering) => answering.await.map(Body::new),
            };
            for (name, value) in allowed {
                response.headers_mut().append(name, value);
            }
            response
        }
    }

    async fn rest_answer(mut self, mut request: Request<RequestBody>) -> Response<Body> {
        *request.uri_mut() = rest::normalise(request.uri());
        let response = match self.router.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        self.metrics.answered(response.status().as_u16());
        response
    }
}

/// What hyper lets through and we do not.
fn refuse(request: &Request<RequestBody>) -> Option<ApiError> {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Some(ApiError::bad_request("there must be one Host"));
    }
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if request.headers().len() > MAX_HEADERS {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Some(ApiError::new(status, "too many headers"));
    }
    (target > MAX_URI).then(|| ApiError::new(StatusCode::URI_TOO_LONG, "the URL is too long"))
}
