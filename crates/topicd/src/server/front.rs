//! What answers the requests of clients: Engine.IO for its path, REST for all others.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, body::Body, response::IntoResponse};
use engineio::{EngineService, PeerAddr};
use http::{Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use tower_service::Service as _;

use crate::{
    live::Live,
    metrics::Metrics,
    proxy,
    rest::{self, ApiError},
};

/// Bytes of a request's target.
const MAX_URI: usize = 8 * 1024;

/// Answers the requests of all connections.
#[derive(Clone)]
pub(super) struct Front {
    pub(super) engine: EngineService,
    pub(super) router: Router,
    pub(super) live: Arc<Live>,
    pub(super) metrics: Metrics,
}

impl Front {
    pub(super) async fn answer(
        self,
        mut request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Response<Body> {
        let client = proxy::client(peer, request.headers(), &self.live.now().proxies);
        request.extensions_mut().insert(PeerAddr(client));
        if let Some(refusal) = refuse(&request) {
            return refusal.into_response();
        }
        if self.engine.serves(request.uri().path()) {
            self.engine_answer(request).await
        } else {
            self.rest_answer(request).await
        }
    }

    /// Engine.IO's own CORS is off: its list could not change while the server runs.
    async fn engine_answer(self, request: Request<Incoming>) -> Response<Body> {
        let allowed = rest::allowed(&self.live.now().origins, request.headers());
        let preflight = rest::preflight(request.method(), request.headers(), &allowed);
        let mut response = match preflight {
            Some(response) => response,
            None => self.engine.answer(request).await.map(Body::new),
        };
        for (name, value) in allowed {
            response.headers_mut().append(name, value);
        }
        response
    }

    async fn rest_answer(mut self, mut request: Request<Incoming>) -> Response<Body> {
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
