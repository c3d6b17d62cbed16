//! Pages of other hosts: what their browsers are told, and the preflight.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::{
    live::Live,
    origin::{Origins, Readers},
};

/// Answers preflights, and marks every other answer for the origins that may read it.
pub(crate) async fn layer(State(live): State<Arc<Live>>, request: Request, next: Next) -> Response {
    let allowed = allowed(&live.now().origins, request.headers());
    let mut response = match preflight(request.method(), request.headers(), &allowed) {
        Some(response) => response,
        None => next.run(request).await,
    };
    if may_read(&allowed) {
        let exposed = HeaderValue::from_static("Retry-After");
        let name = header::ACCESS_CONTROL_EXPOSE_HEADERS;
        response.headers_mut().insert(name, exposed);
    }
    for (name, value) in allowed {
        response.headers_mut().append(name, value);
    }
    response
}

/// The answer to a preflight; none if it is none.
pub(crate) fn preflight(
    method: &Method,
    headers: &HeaderMap,
    allowed: &[(HeaderName, HeaderValue)],
) -> Option<Response> {
    let asks = headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    (method == Method::OPTIONS && asks).then(|| permissions(allowed))
}

fn may_read(allowed: &[(HeaderName, HeaderValue)]) -> bool {
    allowed
        .iter()
        .any(|(name, _)| name == header::ACCESS_CONTROL_ALLOW_ORIGIN)
}

fn permissions(allowed: &[(HeaderName, HeaderValue)]) -> Response {
    if !may_read(allowed) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let permissions = [
        (
            header::ACCESS_CONTROL_ALLOW_METHODS,
            "GET, POST, PUT, DELETE",
        ),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, Idempotency-Key",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, permissions).into_response()
}

/// What browsers are told about who may read.
pub(crate) fn allowed(origins: &Origins, headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let origin = headers.get(header::ORIGIN);
    match (origins.readers(), origin) {
        (Readers::Own, _) => Vec::new(),
        (Readers::Anybody, _) => {
            let any = HeaderValue::from_static("*");
            vec![(header::ACCESS_CONTROL_ALLOW_ORIGIN, any)]
        }
        (Readers::Listed(list), origin) => {
            // The answer differs by origin, so a cache must not hand it to another one.
            let mut answer = vec![(header::VARY, HeaderValue::from_static("Origin"))];
            if let Some(origin) = origin.filter(|origin| list.contains(origin)) {
                let credentials = HeaderValue::from_static("true");
                answer.push((header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()));
                answer.push((header::ACCESS_CONTROL_ALLOW_CREDENTIALS, credentials));
            }
            answer
        }
    }
}
