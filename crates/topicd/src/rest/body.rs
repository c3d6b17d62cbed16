//! Bodies of requests: collected within bounds of size and time, JSON also when no type is named.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use serde::de::DeserializeOwned;

use super::{error::ApiError, form, msgpack};
use crate::object::Object;

/// Most bytes of a body.
const MAX_BODY: usize = 1024 * 1024;
/// How long a body may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The body of a request as JSON text; a form or MessagePack is turned into it.
pub(crate) struct JsonText(pub(crate) Bytes);

/// The body of a request as JSON text for what is kept as it was sent: no form.
pub(crate) struct SentJson(pub(crate) Bytes);

/// The body of a request, an object, as a type.
pub(crate) struct JsonOf<T>(pub(crate) T);

impl<S: Sync> FromRequest<S> for JsonText {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        match read(request).await? {
            Text::Json(text) => Ok(Self(text)),
            Text::Form(form) => form::to_json(&form).map(Self).map_err(malformed),
        }
    }
}

impl<S: Sync> FromRequest<S> for SentJson {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        match read(request).await? {
            Text::Json(text) => Ok(Self(text)),
            Text::Form(_) => Err(malformed("a form in place of JSON")),
        }
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for JsonOf<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let JsonText(text) = JsonText::from_request(request, state).await?;
        let object: Object<T> = serde_json::from_slice(&text).map_err(malformed)?;
        Ok(Self(object.0))
    }
}

enum Format {
    Json,
    Form,
    MessagePack,
}

/// A body that has been read.
enum Text {
    Json(Bytes),
    Form(Bytes),
}

impl Format {
    fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        // Device clients name no type at all.
        let Some(value) = headers.get(header::CONTENT_TYPE) else {
            return Ok(Self::Json);
        };
        let essence = value
            .to_str()
            .unwrap_or("")
            .split(';')
            .next()
            .unwrap_or("")
            .trim();
        match essence.to_ascii_lowercase().as_str() {
            "" | "application/json" | "text/json" => Ok(Self::Json),
            "application/x-www-form-urlencoded" => Ok(Self::Form),
            essence if msgpack::is_type(essence) => Ok(Self::MessagePack),
            other => {
                let message = format!("cannot read {other}, only JSON, forms and MessagePack");
                Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
            }
        }
    }
}

async fn read(request: Request) -> Result<Text, ApiError> {
    let (parts, body) = request.into_parts();
    let named = Format::of(&parts.headers)?;
    let bytes = collect(body).await?;
    match named {
        // curl says "form" of whatever it is given with `-d`.
        Format::Form if !begins_json(&bytes) => Ok(Text::Form(bytes)),
        Format::Form | Format::Json => Ok(Text::Json(bytes)),
        Format::MessagePack => msgpack::to_json(&bytes).map(Text::Json),
    }
}

/// No field of our forms has a name that begins like this.
fn begins_json(body: &[u8]) -> bool {
    let first = body.trim_ascii_start().first();
    matches!(first, Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9'))
}

/// A length that is declared beyond the limit is refused before anything is read: nobody is told to go
/// on with such a body.
async fn collect(body: Body) -> Result<Bytes, ApiError> {
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(too_large());
    }
    let collecting = Limited::new(body, MAX_BODY).collect();
    let too_slow = |_| ApiError::bad_request("the body took too long");
    match tokio::time::timeout(TIMEOUT, collecting)
        .await
        .map_err(too_slow)?
    {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) => Err(malformed(error)),
    }
}

fn too_large() -> ApiError {
    let message = format!("more than {MAX_BODY} bytes");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message)
}

pub(super) fn malformed(error: impl std::fmt::Display) -> ApiError {
    ApiError::bad_request(format!("malformed body: {error}"))
}
