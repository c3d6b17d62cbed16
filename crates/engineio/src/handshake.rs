//! What the application may know of a session's first request.

use std::{net::SocketAddr, sync::Arc};

use http::{HeaderMap, Request, Uri};

/// The request that opened a session: kept as it came, for the application. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handshake(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    uri: Uri,
    headers: HeaderMap,
    peer: Option<SocketAddr>,
}

/// The peer address of a connection, put into each request's extensions by whoever accepted it.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddr(pub SocketAddr);

impl Handshake {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        Self(Arc::new(Kept {
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            peer: request.extensions().get::<PeerAddr>().map(|peer| peer.0),
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

    /// The address of the connection's other end, if the host told it with [`PeerAddr`].
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer
    }
}
