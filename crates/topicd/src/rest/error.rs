//! Errors of the REST API: `{"status":"error","code":N,"message":…}` with the same HTTP status.
//!
//! The one place where what went wrong becomes a status and a message.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::{
    auth::AuthError, hub::TooManyListeners, limits::Exceeded, places::AddressFull,
    read_budget::Exhausted, store::StoreError, token::NoRandomness, value::InvalidBatch,
};

/// An answer other than what was asked for.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
    retry_after: Option<u64>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            retry_after: None,
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// For tokens that are missing, unknown, expired or revoked, all alike.
    pub(crate) fn invalid_session() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Invalid session token")
    }

    /// For those that no account can have.
    pub(crate) fn malformed_login() -> Self {
        Self::bad_request("malformed email or password")
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self {
            retry_after: Some(1),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
        }
    }

    fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({
            "status": "error",
            "code": self.status.as_u16(),
            "message": self.message,
        });
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Exceeded> for ApiError {
    fn from(exceeded: Exceeded) -> Self {
        Self {
            retry_after: Some(exceeded.seconds()),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too many requests")
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::unavailable("the server is busy"),
            StoreError::Full => Self::new(StatusCode::INSUFFICIENT_STORAGE, "the disk is full"),
            StoreError::Failed(cause) => {
                tracing::error!(cause, "the store failed");
                Self::unavailable("the store is not available")
            }
        }
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::BadCredentials => Self::new(StatusCode::UNAUTHORIZED, "Invalid credentials"),
            AuthError::Taken => Self::new(StatusCode::CONFLICT, "email already registered"),
            AuthError::TooOften(exceeded) => exceeded.into(),
            AuthError::Busy => Self::unavailable("too many logins at once"),
            AuthError::Store(error) => error.into(),
            AuthError::Local(cause) => Self::internal(&cause),
        }
    }
}

impl From<InvalidBatch> for ApiError {
    fn from(error: InvalidBatch) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<Exhausted> for ApiError {
    fn from(_: Exhausted) -> Self {
        Self::unavailable("too many values are being read")
    }
}

impl From<TooManyListeners> for ApiError {
    fn from(_: TooManyListeners) -> Self {
        Self::unavailable("too many streams")
    }
}

impl From<AddressFull> for ApiError {
    fn from(_: AddressFull) -> Self {
        Self::unavailable("too many connections or streams from this address")
    }
}

impl From<NoRandomness> for ApiError {
    fn from(_: NoRandomness) -> Self {
        Self::internal(&"no random bytes")
    }
}
