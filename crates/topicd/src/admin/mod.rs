//! The operator's listener: health, metrics and the admin API.
//!
//! Owns what the operator may ask and change. It has an address of its own, loopback unless told
//! otherwise; everything but health wants the token. The commands use the same routes: over HTTP
//! while a server runs, on the routes themselves while none does.

use std::{fmt, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodRouter, delete, get, post},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{
    auth::Auth,
    hub::Hub,
    live::Live,
    metrics::Metrics,
    realtime::Realtime,
    rest::ApiError,
    store::Store,
    token::{Digest, Token},
};

mod accounts;
mod beacon;
mod exposition;
mod grants;
mod health;
mod listing;
mod tail;
mod things;
mod token;
mod traffic;

pub use beacon::Access;
pub(crate) use beacon::Beacon;
pub(crate) use health::Lifecycle;
pub(crate) use token::load as load_token;
pub use token::private_file;

/// What the routes work with.
pub(crate) struct Admin {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) auth: Arc<Auth>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) realtime: Arc<Realtime>,
    pub(crate) live: Arc<Live>,
    pub(crate) metrics: Metrics,
    pub(crate) lifecycle: Arc<Lifecycle>,
}

/// The routes of the listener, with the token in front of all but health. With [`api`]: all that
/// docs/topicd.admin.openapi.json has, and nothing else.
pub(crate) fn listener_routes(admin: Arc<Admin>, token: &Token) -> Router {
    let guarded = Router::new()
        .route("/metrics", get(exposition::metrics))
        .with_state(Arc::clone(&admin))
        .merge(routes(Arc::clone(&admin)))
        .layer(middleware::from_fn_with_state(token.digest(), gate));
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .with_state(admin)
        .merge(guarded)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
}

/// The admin API itself, for whoever holds the data folder.
pub(crate) fn routes(admin: Arc<Admin>) -> Router {
    let routes = api().into_iter();
    let routes = routes.fold(Router::new(), |routes, (path, methods)| {
        routes.route(path, methods)
    });
    routes.with_state(admin)
}

fn api() -> [(&'static str, MethodRouter<Arc<Admin>>); 18] {
    [
        ("/admin/users", get(accounts::list).post(accounts::create)),
        ("/admin/users/remove", post(accounts::remove)),
        ("/admin/users/password", post(accounts::set_password)),
        ("/admin/users/revoke", post(accounts::revoke)),
        (
            "/admin/apps",
            get(accounts::apps).post(accounts::create_app),
        ),
        ("/admin/apps/{app}", delete(accounts::remove_app)),
        ("/admin/codes", post(things::create_code)),
        ("/admin/things", get(things::list).post(things::create)),
        ("/admin/things/{thingId}/token", post(things::replace_token)),
        ("/admin/things/{thingId}/revoke", post(things::revoke)),
        (
            "/admin/things/{thingId}/grants",
            get(grants::list).post(grants::create),
        ),
        (
            "/admin/things/{thingId}/grants/{grant}",
            delete(grants::revoke),
        ),
        ("/admin/tokens", post(accounts::create_token)),
        ("/admin/tokens/revoke", post(accounts::revoke_token)),
        ("/admin/connections", get(traffic::connections)),
        ("/admin/topics", get(traffic::topics)),
        ("/admin/disconnect", post(traffic::disconnect)),
        ("/admin/tail", get(tail::tail)),
    ]
}

/// Lets in whoever has the token in its header. In the URL it would be in every log on the way.
async fn gate(State(token): State<Digest>, request: Request, next: Next) -> Response {
    let presented = bearer(request.headers()).map(Token::presented);
    if presented.is_some_and(|presented| presented.digest().matches(token.as_bytes())) {
        return next.run(request).await;
    }
    let challenge = [(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))];
    let refusal = ApiError::new(
        StatusCode::UNAUTHORIZED,
        "the admin token is missing or wrong",
    );
    (challenge, refusal).into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn not_found() -> ApiError {
    ApiError::not_found("not found")
}

async fn method_not_allowed() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Admin")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    #[test]
    fn the_openapi_file_has_every_route_and_no_other() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/topicd.admin.openapi.json"
        );
        let document: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let described = document["paths"].as_object().unwrap();
        let described: BTreeSet<_> = described.keys().map(String::as_str).collect();
        let api = super::api().map(|(path, _)| path);
        let routed: BTreeSet<_> = api
            .into_iter()
            .chain(["/healthz", "/readyz", "/metrics"])
            .collect();
        assert_eq!(described, routed);
    }
}
