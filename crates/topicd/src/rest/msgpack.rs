//! MessagePack in place of JSON: bodies that are sent in it, and answers for who prefers it.
//!
//! A translation at the edge; everything inside works with JSON text. Answers that are sent while they
//! are read, and streams, stay JSON.

use axum::{body::Body, extract::Request, middleware::Next, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use socketio::proto::msgpack;

use super::{body::malformed, error::ApiError};

/// The registered type; the others are older than it.
const TYPE: HeaderValue = HeaderValue::from_static("application/vnd.msgpack");
const TYPES: [&str; 3] = [
    "application/vnd.msgpack",
    "application/msgpack",
    "application/x-msgpack",
];
/// The largest answer that is translated.
const MAX_ANSWER: u64 = 2 * 1024 * 1024;

pub(super) fn is_type(essence: &str) -> bool {
    TYPES.iter().any(|own| own.eq_ignore_ascii_case(essence))
}

/// The body as JSON text.
pub(super) fn to_json(body: &Bytes) -> Result<Bytes, ApiError> {
    match msgpack::to_json(body) {
        Ok(json) => Ok(json.into()),
        Err(_) => Err(malformed("no MessagePack that has a form in JSON")),
    }
}

/// Translates the answer if the request prefers it.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    let preferred = prefers(request.headers());
    let answer = next.run(request).await;
    if preferred && is_translated(&answer) {
        translated(answer).await
    } else {
        answer
    }
}

/// Whether the first type that is accepted is ours; clients that can read both name it first.
fn prefers(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    let first = accept
        .and_then(|accept| accept.to_str().ok())
        .and_then(|accept| accept.split([',', ';']).next());
    first.is_some_and(|first| is_type(first.trim()))
}

fn is_translated(answer: &Response) -> bool {
    let is_json = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/json");
    let length = answer.body().size_hint().exact();
    is_json && length.is_some_and(|length| length <= MAX_ANSWER)
}

async fn translated(answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    let json = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        // Its length is known, so it was there as a whole.
        Err(_) => return Response::from_parts(parts, Body::empty()),
    };
    let text = std::str::from_utf8(&json).unwrap_or_default();
    match msgpack::from_json(text) {
        Ok(value) => {
            parts.headers.insert(header::CONTENT_TYPE, TYPE);
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(value))
        }
        // Some JSON has no other form.
        Err(_) => Response::from_parts(parts, Body::from(json)),
    }
}
