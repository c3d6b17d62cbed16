//! Pages of other hosts: what their browsers are told, and the preflight.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::origin::{Origins, Readers};

/// Answers preflights, and marks every other answer for the origins that may read it.
pub(super) async fn layer(
    State(origins): State<Arc<Origins>>,
    request: Request,
    next: Next,
) -> Response {
    let allowed = allowed(&origins, request.headers());
    let asks = request
        .headers()
        .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if request.method() == Method::OPTIONS && asks {
        preflight(&allowed)
    } else {
        next.run(request).await
    };
    for (name, value) in allowed {
        response.headers_mut().append(name, value);
    }
    response
}

fn preflight(allowed: &[(HeaderName, HeaderValue)]) -> Response {
    let is_allowed = allowed
        .iter()
        .any(|(name, _)| name == header::ACCESS_CONTROL_ALLOW_ORIGIN);
    if !is_allowed {
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

fn allowed(origins: &Origins, headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
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
