//! What the application may know of a session's first request.

use std::{net::SocketAddr, sync::Arc, time::SystemTime};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Uri};

use crate::TrustedProxies;

/// The request that opened a session: kept as it came, for the application. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handshake(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    uri: Uri,
    headers: HeaderMap,
    peer: Option<SocketAddr>,
    issued: SystemTime,
}

/// The peer address of a connection, put into each request's extensions by whoever accepted it.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddr(pub SocketAddr);

impl Handshake {
    pub(crate) fn of<B>(request: &Request<B>, proxies: Option<&TrustedProxies>) -> Self {
        let peer = request.extensions().get::<PeerAddr>().map(|peer| peer.0);
        let client = |peer| proxies.map_or(peer, |proxies| proxies.client(peer, request.headers()));
        Self(Arc::new(Kept {
            uri: copied(request.uri()),
            headers: unpinned(request.headers()),
            peer: peer.map(client),
            issued: SystemTime::now(),
        }))
    }

    /// The query as it came, percent-encoded and without the question mark.
    pub fn query(&self) -> &str {
        self.0.uri.query().unwrap_or("")
    }

    /// The request's target.
    pub fn uri(&self) -> &Uri {
        &self.0.uri
    }

    /// The request's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The client's address, if the host told the one of its connection with [`PeerAddr`]: that, or
    /// what [`Config::proxies`](crate::Config::proxies) say of it, then perhaps with port 0.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer
    }

    /// When the session was opened, by the clock on the wall.
    pub fn issued(&self) -> SystemTime {
        self.0.issued
    }
}

/// What a request has is a part of the buffer that the connection read it into, which would live as
/// long as the session.
fn copied(uri: &Uri) -> Uri {
    let text = match (uri.scheme(), uri.path_and_query()) {
        // As all clients ask, but those of a proxy.
        (None, Some(target)) => Bytes::copy_from_slice(target.as_str().as_bytes()),
        _ => uri.to_string().into(),
    };
    Uri::from_maybe_shared(text).unwrap_or_default()
}

/// The same headers, with all their values in one piece of memory of their own.
fn unpinned(headers: &HeaderMap) -> HeaderMap {
    let mut values = BytesMut::with_capacity(headers.values().map(HeaderValue::len).sum());
    let mut unpinned = HeaderMap::with_capacity(headers.keys_len());
    for (name, value) in headers {
        values.extend_from_slice(value.as_bytes());
        if let Ok(value) = HeaderValue::from_maybe_shared(values.split().freeze()) {
            unpinned.append(name, value);
        }
    }
    unpinned
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    #[test]
    fn a_target_is_kept_in_every_form() {
        for target in [
            "/engine.io/?EIO=4",
            "http://example.com/engine.io/?EIO=4",
            "*",
        ] {
            let uri: Uri = target.parse().unwrap();
            assert_eq!(copied(&uri), uri);
        }
    }

    #[test]
    fn the_buffer_of_the_request_is_not_kept() {
        let buffer = Bytes::from(b"/engine.io/?EIO=4&x=1 one two".to_vec());
        let mut request = Request::new(());
        *request.uri_mut() = Uri::from_maybe_shared(buffer.slice(..21)).unwrap();
        for place in [22..25, 26..29] {
            let value = HeaderValue::from_maybe_shared(buffer.slice(place)).unwrap();
            request.headers_mut().append(header::COOKIE, value);
        }
        let handshake = Handshake::of(&request, None);
        drop(request);
        assert!(buffer.is_unique());
        assert_eq!(handshake.query(), "EIO=4&x=1");
        let cookies = handshake.headers().get_all(header::COOKIE);
        assert_eq!(cookies.iter().collect::<Vec<_>>(), ["one", "two"]);
    }
}
