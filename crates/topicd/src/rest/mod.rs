//! The REST API below `/v2`.
//!
//! Owns routes, bodies and answers. What is stored and who may do it is decided by the store and
//! by `auth`; the stream of live values is `stream.rs`.

use std::{fmt, sync::Arc};

use axum::{
    Router, middleware,
    routing::{MethodRouter, delete, get, post},
};
use http::StatusCode;

use crate::{
    auth::Auth,
    config::LimitsConfig,
    hub::Hub,
    limits::{Buckets, Rate},
    live::Live,
    metrics::Metrics,
    places::Places,
    read_budget::ReadBudget,
    store::Store,
    token::Digest,
};

mod account;
mod body;
mod cors;
mod credentials;
mod date;
mod error;
mod form;
mod me;
mod msgpack;
mod params;
mod path;
mod stream;
mod things;
mod timelines;
mod window;

pub(crate) use body::JsonOf;
pub(crate) use cors::{allowed, layer as cors_layer, preflight};
pub(crate) use error::ApiError;
pub(crate) use params::{Path, Query};
pub(crate) use path::normalise;
pub(crate) use stream::live_values;

/// What the handlers work with.
pub(crate) struct Api {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) auth: Arc<Auth>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) live: Arc<Live>,
    pub(crate) metrics: Metrics,
    pub(crate) writes: Buckets<Digest>,
    pub(crate) streams: Arc<Places>,
    pub(crate) reads: ReadBudget,
}

impl Api {
    /// The API over a store, with streams from the hub that the store publishes to.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        auth: Arc<Auth>,
        hub: Arc<Hub>,
        live: Arc<Live>,
        metrics: Metrics,
        reads: ReadBudget,
    ) -> Self {
        let writes = Buckets::new(write_rate(&live.now().config.limits));
        Self {
            store,
            auth,
            hub,
            live,
            metrics,
            writes,
            streams: Arc::default(),
            reads,
        }
    }

    /// Whether users of an app may log in: any may if neither settings nor operator name one.
    pub(crate) async fn accepts_app(&self, app: &str) -> Result<bool, ApiError> {
        let configured = &self.live.now().config.accounts.apps;
        if configured.iter().any(|known| known == app) {
            return Ok(true);
        }
        let made = self.store.apps().await?;
        let is_open = configured.is_empty() && made.is_empty();
        Ok(is_open || made.iter().any(|known| known == app))
    }

    /// Takes the limits that hold from now on.
    pub(crate) fn reload(&self) {
        let live = self.live.now();
        self.writes.set_rate(write_rate(&live.config.limits));
    }
}

/// Values written with one thing token.
fn write_rate(limits: &LimitsConfig) -> Rate {
    Rate {
        burst: limits.values_burst.into(),
        per_second: limits.values_per_second.into(),
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Api")
    }
}

/// The routes below `/v2`: all that docs/topicd.openapi.json has, and nothing else.
fn v2() -> [(&'static str, MethodRouter<Arc<Api>>); 16] {
    [
        ("/register", post(account::register)),
        ("/login", post(account::login)),
        ("/logout", post(account::logout)),
        ("/things", post(things::activate)),
        (
            "/things/{thingToken}",
            get(stream::thing).post(things::write),
        ),
        ("/things/{thingToken}/resources", get(things::resources)),
        (
            "/things/{thingToken}/resources/{key}",
            get(things::timeline),
        ),
        (
            "/things/{thingToken}/all_resources",
            get(things::all_resources),
        ),
        ("/utils/date", get(date::date)),
        ("/me/things", get(me::things).post(me::link)),
        ("/me/things/{thingId}", delete(me::unlink)),
        ("/me/resources", get(me::resources)),
        ("/me/resources/{key}", get(me::timelines)),
        (
            "/me/resources/{key}/{thingId}",
            get(me::timeline).post(me::write),
        ),
        ("/me/settings", get(me::settings).put(me::set_settings)),
        ("/me/tokens", post(me::create_token)),
    ]
}

/// The routes. Paths come normalised: see [`normalise`].
pub(crate) fn router(api: Arc<Api>) -> Router {
    let live = Arc::clone(&api.live);
    let v2 = v2()
        .into_iter()
        .fold(Router::new(), |v2, (path, methods)| v2.route(path, methods));
    Router::new()
        .route("/v2", get(account::ping))
        .nest("/v2", v2)
        .route("/v1", axum::routing::any(gone))
        .route("/v1/{*rest}", axum::routing::any(gone))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(api)
        .layer(middleware::from_fn(msgpack::layer))
        .layer(middleware::from_fn_with_state(live, cors_layer))
}

/// For the fuzz target: what a form becomes, if it is one.
pub(crate) fn form_to_json(body: &[u8]) -> Option<bytes::Bytes> {
    form::to_json(body).ok()
}

async fn gone() -> ApiError {
    ApiError::new(StatusCode::GONE, "version 1 of the API is off, use /v2")
}

async fn not_found() -> ApiError {
    ApiError::not_found("not found")
}

async fn method_not_allowed() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    #[test]
    fn the_openapi_file_has_every_route_and_no_other() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/topicd.openapi.json"
        );
        let document: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let described = document["paths"].as_object().unwrap();
        let described: BTreeSet<_> = described.keys().cloned().collect();
        let below = super::v2().map(|(path, _)| format!("/v2{path}"));
        let routed: BTreeSet<_> = below.into_iter().chain(["/v2".to_owned()]).collect();
        assert_eq!(described, routed);
    }
}
