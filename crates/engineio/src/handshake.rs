//! What the application may know of a session's first request.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};

use crate::TrustedProxies;

/// The request that opened a session: kept as it came, for the application. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handshake(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    uri: Uri,
    headers: Headers,
    peer: Option<SocketAddr>,
    secure: bool,
    issued: SystemTime,
}

/// The request's headers as lines of one piece of memory. A map of them takes four times as much, for as
/// long as the session lives, and is made for applications that ask for it.
#[derive(Debug)]
struct Headers {
    lines: Bytes,
    map: OnceLock<Box<HeaderMap>>,
}

/// The peer address of a connection, put into each request's extensions by whoever accepted it.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddr(pub SocketAddr);

/// Put into each request's extensions by whoever accepted its connection with TLS.
#[derive(Debug, Clone, Copy)]
pub struct Encrypted;

impl Handshake {
    pub(crate) fn of<B>(request: &Request<B>, proxies: Option<&TrustedProxies>) -> Self {
        let headers = request.headers();
        let peer = request.extensions().get::<PeerAddr>().map(|peer| peer.0);
        let client = |peer| proxies.map_or(peer, |proxies| proxies.client(peer, headers));
        let told = proxies
            .zip(peer)
            .and_then(|(proxies, peer)| proxies.is_secure(peer, headers));
        let is_encrypted = || request.extensions().get::<Encrypted>().is_some();
        Self(Arc::new(Kept {
            uri: copied(request.uri()),
            headers: Headers::of(headers),
            peer: peer.map(client),
            secure: told.unwrap_or_else(is_encrypted),
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
        self.0.headers.map()
    }

    /// The client's address, if the host told the one of its connection with [`PeerAddr`]: that, or
    /// what [`Config::proxies`](crate::Config::proxies) say of it, then perhaps with port 0.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer
    }

    /// Whether the client's connection is encrypted, as the host told of it with [`Encrypted`], or as
    /// [`Config::proxies`](crate::Config::proxies) say of theirs.
    pub fn is_secure(&self) -> bool {
        self.0.secure
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

impl Headers {
    fn of(headers: &HeaderMap) -> Self {
        let parts = |(name, value)| {
            [
                HeaderName::as_str(name).as_bytes(),
                b":",
                HeaderValue::as_bytes(value),
                b"\n",
            ]
        };
        let length = headers.iter().flat_map(parts).map(<[u8]>::len).sum();
        let mut lines = Vec::with_capacity(length);
        for part in headers.iter().flat_map(parts) {
            lines.extend_from_slice(part);
        }
        Self {
            lines: lines.into(),
            map: OnceLock::new(),
        }
    }

    fn map(&self) -> &HeaderMap {
        self.map.get_or_init(|| {
            let lines = self.lines.split(|byte| *byte == b'\n');
            let mut map = HeaderMap::new();
            for (name, value) in lines.filter_map(|line| self.field(line)) {
                map.append(name, value);
            }
            Box::new(map)
        })
    }

    /// A value shares the memory of the lines. Neither a name nor a value has a line feed, and no name
    /// a colon (RFC 9110, 5.5 and 5.6.2).
    fn field(&self, line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = self.lines.slice_ref(&line[colon + 1..]);
        Some((name, HeaderValue::from_maybe_shared(value).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    #[test]
    fn headers_come_back_as_they_came() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", &b"example.com:80"[..]),
            ("cookie", b"a=1; b=\"2:3\""),
            ("cookie", b""),
            ("x-tab", b"one\ttwo"),
            ("x-latin", b"caf\xe9"),
        ] {
            let value = HeaderValue::from_bytes(value).unwrap();
            headers.append(HeaderName::from_static(name), value);
        }
        assert_eq!(Headers::of(&headers).map(), &headers);
        assert!(Headers::of(&HeaderMap::new()).map().is_empty());
    }

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
