//! The console, a page in a browser, and the tokens that it signs in with in `topicd dev`.
//!
//! The page has no rights of its own: it does what the REST API lets its user do. Only `dev` serves
//! tokens, and it listens on loopback alone. They are shown to pages of this host only: another page
//! could otherwise read them through a name that points here.

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, uri::Authority};
use serde::Serialize;

use crate::rest::ApiError;

/// What the page needs to know.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DevTokens {
    /// Of the demo user.
    pub session_token: String,
    /// Of the demo thing.
    pub thing_token: String,
    /// The demo thing's name.
    pub thing_id: String,
}

/// Path, type and text of each file of the page.
const PARTS: [(&str, &str, &str); 7] = [
    ("/", "text/html", include_str!("index.html")),
    ("/style.css", "text/css", include_str!("style.css")),
    ("/app.js", SCRIPT, include_str!("app.js")),
    ("/api.js", SCRIPT, include_str!("api.js")),
    ("/chart.js", SCRIPT, include_str!("chart.js")),
    ("/engine.js", SCRIPT, include_str!("engine.js")),
    ("/live.js", SCRIPT, include_str!("live.js")),
];
const SCRIPT: &str = "text/javascript";

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// The page and its parts. Whoever opens it signs in with an account of their own.
pub fn router() -> Router {
    // The page asks in any case, and browsers show a 404 as an error of the page.
    page().route("/dev.json", get(async || StatusCode::NO_CONTENT))
}

/// The page, its parts, and the tokens that it signs in with by itself.
pub fn demo(tokens: DevTokens) -> Router {
    page().merge(
        Router::new()
            .route("/dev.json", get(dev_tokens))
            .with_state(tokens),
    )
}

fn page() -> Router {
    let mut router = Router::new();
    for (path, essence, text) in PARTS {
        router = router.route(path, get(asset(essence, text)));
    }
    router
}

fn asset(
    essence: &'static str,
    text: &'static str,
) -> impl Fn() -> std::future::Ready<Response> + Clone {
    move || {
        let content_type = (header::CONTENT_TYPE, format!("{essence}; charset=utf-8"));
        std::future::ready((page_headers(), [content_type], text).into_response())
    }
}

fn page_headers() -> [(HeaderName, HeaderValue); 4] {
    [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)))
}

async fn dev_tokens(State(tokens): State<DevTokens>, headers: HeaderMap) -> Response {
    if !names_loopback(&headers) {
        return ApiError::not_found("not found").into_response();
    }
    (page_headers(), Json(tokens)).into_response()
}

fn names_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let host = host.and_then(|host| Authority::try_from(host).ok());
    host.is_some_and(|host| matches!(host.host(), "localhost" | "127.0.0.1" | "[::1]"))
}
