//! What a request's path and query say. axum would refuse in plain text what it cannot read; here
//! every refusal is an error of the API.

use axum::extract::{self, FromRequestParts};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// The parameters of the path, percent-decoded.
pub(crate) struct Path<T>(pub(crate) T);

/// The query, each name once.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Sync + Send, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = extract::Path::from_request_parts(parts, state).await;
        let malformed = |_| ApiError::bad_request("malformed path");
        path.map(|path| Self(path.0)).map_err(malformed)
    }
}

impl<S: Sync + Send, T: DeserializeOwned + Send> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = extract::Query::from_request_parts(parts, state).await;
        let malformed = |_| ApiError::bad_request("malformed query");
        query.map(|query| Self(query.0)).map_err(malformed)
    }
}
