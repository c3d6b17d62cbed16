//! The REST API below `/v2`.
//!
//! Owns routes, bodies and answers. What is stored and who may do it is decided by the store and
//! by `auth`; the stream of live values is `stream.rs`.

use std::{fmt, sync::Arc};

use axum::{
    Router, middleware,
    routing::{delete, get, post},
};
use http::StatusCode;

use crate::{
    auth::Auth,
    config::AccountsConfig,
    hub::Hub,
    limits::{Buckets, Rate},
    origin::Origins,
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

pub(crate) use error::ApiError;
pub use path::normalise;

/// Values written with one thing token: 200 a second, 1000 at once.
const WRITES: Rate = Rate {
    burst: 1000.0,
    per_second: 200.0,
};

/// What the handlers work with.
pub struct Api {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) auth: Arc<Auth>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) config: AccountsConfig,
    pub(crate) writes: Buckets<Digest>,
    pub(crate) reads: ReadBudget,
}

impl Api {
    /// The API over a store, with streams from the hub that the store publishes to.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        auth: Arc<Auth>,
        hub: Arc<Hub>,
        reads: ReadBudget,
        config: AccountsConfig,
    ) -> Self {
        Self {
            store,
            auth,
            hub,
            config,
            writes: Buckets::new(WRITES),
            reads,
        }
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Api")
    }
}

/// The routes. Paths come normalised: see [`normalise`].
pub fn router(api: Arc<Api>, origins: Origins) -> Router {
    let v2 = Router::new()
        .route("/register", post(account::register))
        .route("/login", post(account::login))
        .route("/logout", post(account::logout))
        .route("/things", post(things::activate))
        .route("/things/{token}", get(stream::thing).post(things::write))
        .route("/things/{token}/resources", get(things::resources))
        .route("/things/{token}/resources/{key}", get(things::timeline))
        .route("/things/{token}/all_resources", get(things::all_resources))
        .route("/utils/date", get(date::date))
        .route("/me/things", get(me::things).post(me::link))
        .route("/me/things/{id}", delete(me::unlink))
        .route("/me/resources", get(me::resources))
        .route("/me/resources/{key}", get(me::timelines))
        .route(
            "/me/resources/{key}/{id}",
            get(me::timeline).post(me::write),
        )
        .route("/me/settings", get(me::settings).put(me::set_settings))
        .route("/me/tokens", post(me::create_token));
    Router::new()
        .route("/v2", get(account::ping))
        .nest("/v2", v2)
        .route("/v1", axum::routing::any(gone))
        .route("/v1/{*rest}", axum::routing::any(gone))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(api)
        .layer(middleware::from_fn(msgpack::layer))
        .layer(middleware::from_fn_with_state(
            Arc::new(origins),
            cors::layer,
        ))
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
