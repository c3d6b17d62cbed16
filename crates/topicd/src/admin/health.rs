//! `/healthz` and `/readyz`: for whoever starts, stops and balances servers. No token is needed, and
//! nothing but a word is told.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Admin;

/// How long the store may take to show that it writes.
const PROBE: Duration = Duration::from_secs(2);

/// Whether the server is on its way out.
#[derive(Debug, Default)]
pub(crate) struct Lifecycle(AtomicBool);

/// Whether clients should be sent here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Readiness {
    Ready,
    Draining,
    /// The store does not write: the disk is full, or it has failed.
    NoStore,
}

impl Lifecycle {
    /// The end begins.
    pub(crate) fn drain(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Readiness {
    fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::NoStore => "the store does not write",
        }
    }
}

impl Admin {
    pub(super) async fn readiness(&self) -> Readiness {
        if self.lifecycle.is_draining() {
            return Readiness::Draining;
        }
        match timeout(PROBE, self.store.probe()).await {
            Ok(Ok(())) => Readiness::Ready,
            _ => Readiness::NoStore,
        }
    }
}

/// The process answers.
pub(super) async fn alive() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// The server takes clients, and what it acknowledges is stored.
pub(super) async fn ready(State(admin): State<Arc<Admin>>) -> Response {
    let readiness = admin.readiness().await;
    let body = Json(json!({ "status": readiness.word() }));
    match readiness {
        Readiness::Ready => body.into_response(),
        _ => {
            let retry = [(header::RETRY_AFTER, HeaderValue::from_static("1"))];
            (StatusCode::SERVICE_UNAVAILABLE, retry, body).into_response()
        }
    }
}
