//! The one place where answers of the core become HTTP responses.

use bytes::Bytes;
use engineio_proto::{ContentType, Payload, RequestError};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

use crate::{hooks::Refusal, refused::Refused};

/// The body of every answer.
pub(crate) type Body = Full<Bytes>;

/// A poll's answer.
pub(crate) fn payload(payload: Payload) -> Response<Body> {
    let mut response = typed(StatusCode::OK, payload.content_type.as_str(), payload.body);
    // For whoever may compress it.
    response.extensions_mut().insert(payload.compressible);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if payload.content_type == ContentType::JavaScript {
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
    }
    response
}

/// A POST's answer. The type keeps browsers from offering a download (EIO4 2.11).
pub(crate) fn ok() -> Response<Body> {
    let mut response = typed(StatusCode::OK, "text/html", Bytes::from_static(b"ok"));
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

/// A refused request (EIO4 2.2).
pub(crate) fn refused(refused: &Refused) -> Response<Body> {
    if let Some(status) = refused.bare_status() {
        let mut response = empty(status);
        if let Some((name, value)) = advice(refused) {
            response.headers_mut().insert(name, value);
        }
        return response;
    }
    match refused {
        Refused::Application(refusal) => forbidden(refusal),
        Refused::Request(error) => request_error(*error),
        _ => request_error(RequestError::BadRequest),
    }
}

/// What the client may do instead.
fn advice(refused: &Refused) -> Option<(HeaderName, HeaderValue)> {
    match refused {
        Refused::ServerFull | Refused::AddressFull | Refused::Ending | Refused::AllowTimeout => {
            Some((header::RETRY_AFTER, HeaderValue::from_static("5")))
        }
        Refused::WebSocketVersion => Some((
            header::SEC_WEBSOCKET_VERSION,
            HeaderValue::from_static("13"),
        )),
        _ => None,
    }
}

fn request_error(error: RequestError) -> Response<Body> {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    match error.code() {
        Some((code, message)) => {
            let body = format!(r#"{{"code":{code},"message":"{message}"}}"#);
            typed(status, "application/json", body.into())
        }
        None => empty(status),
    }
}

/// A handshake that the application refuses: code 4 with the application's own words.
fn forbidden(refusal: &Refusal) -> Response<Body> {
    let message = serde_json::Value::from(refusal.message.as_str());
    typed(
        refusal.status,
        "application/json",
        format!(r#"{{"code":4,"message":{message}}}"#).into(),
    )
}

/// A status without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = status;
    response
}

/// Internet Explorer up to 11, which took our answers for an attack (EIO4 2.11).
pub(crate) fn is_old_browser(headers: &HeaderMap) -> bool {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    agent.is_some_and(|agent| agent.contains(";MSIE") || agent.contains("Trident/"))
}

/// Switches its filter off.
pub(crate) fn calm_old_browser(headers: &mut HeaderMap) {
    headers.insert(header::X_XSS_PROTECTION, HeaderValue::from_static("0"));
}

fn typed(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}
