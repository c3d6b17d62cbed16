//! The HTTP side of a WebSocket handshake: what is a proper request, and the 101.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version, header};
use http_body_util::Full;
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::refused::Refused;

/// A request for a WebSocket that RFC 6455 allows.
pub(crate) struct Accept {
    key: HeaderValue,
    upgrade: OnUpgrade,
}

impl Accept {
    /// Checks the request and takes its connection.
    pub(crate) fn take<B>(request: &mut Request<B>) -> Result<Self, Refused> {
        if request.method() != http::Method::GET || request.version() != Version::HTTP_11 {
            return Err(Refused::WebSocketRequest);
        }
        let headers = request.headers();
        if !has_token(headers, &header::CONNECTION, "upgrade") {
            return Err(Refused::WebSocketRequest);
        }
        match headers.get(header::SEC_WEBSOCKET_VERSION) {
            Some(version) if version == "13" => {}
            Some(_) => return Err(Refused::WebSocketVersion),
            None => return Err(Refused::WebSocketRequest),
        }
        let key = match headers.get(header::SEC_WEBSOCKET_KEY) {
            Some(key) if key.len() == KEY_LEN => derive_accept_key(key.as_bytes()),
            _ => return Err(Refused::WebSocketRequest),
        };
        let key = HeaderValue::try_from(key).map_err(|_| Refused::WebSocketRequest)?;
        let upgrade = request.extensions_mut().remove::<OnUpgrade>();
        let upgrade = upgrade.ok_or(Refused::WebSocketRequest)?;
        Ok(Self { key, upgrade })
    }

    /// The 101, and the connection that follows it.
    pub(crate) fn switch(self) -> (Response<Full<Bytes>>, OnUpgrade) {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.key);
        (response, self.upgrade)
    }
}

/// True if the request asks for a WebSocket at all, properly or not.
pub(crate) fn asks_for_websocket(headers: &HeaderMap) -> bool {
    has_token(headers, &header::UPGRADE, "websocket")
}

/// True if a list of tokens, which may come in several lines (RFC 9110, 5.3), has this one.
pub(crate) fn has_token(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    let values = headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

/// 16 bytes in base64.
const KEY_LEN: usize = 24;
