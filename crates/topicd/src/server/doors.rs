//! The listeners for clients, and what becomes of a connection that knocks.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{body::Body, response::IntoResponse};
use engineio::{Encrypted, Http1, Limits, PeerAddr, RequestBody, WriteLimit};
use http::{HeaderValue, Request, Response, header};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{LAST_ANSWERS, front::Front};
use crate::{
    live::Effective,
    places::{AddressFull, Place, Places},
    rest::ApiError,
    tls::Tls,
};

/// How long a peer may take nothing of an answer or a stream.
const BLOCKED_WRITE: Duration = Duration::from_secs(10);
/// Out of descriptors: waiting is all that helps, and spinning would hurt.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Connections beyond the bound that are told so at the same time; further ones are only closed.
const MAX_REFUSALS: usize = 64;
/// How long one beyond the bound may take to ask, so that it can be told.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// Where clients come in.
pub(super) struct Doors {
    pub(super) plain: TcpListener,
    pub(super) tls: Option<(TcpListener, Arc<Tls>)>,
}

/// A connection that has been accepted and not looked at.
struct Knock {
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Arc<Tls>>,
}

/// Why a connection is not served.
#[derive(Clone, Copy)]
enum NoRoom {
    Server,
    Address(AddressFull),
}

/// The connections that are open.
pub(super) struct Connections {
    http: Arc<Http1>,
    /// For those that are only told that there is no room.
    hasty: Arc<Http1>,
    served: JoinSet<()>,
    refused: JoinSet<()>,
    by_address: Arc<Places>,
}

impl Doors {
    /// Serves who comes in, until dropped.
    pub(super) async fn serve(
        &self,
        front: &Front,
        connections: &mut Connections,
        ending: &CancellationToken,
    ) {
        loop {
            tokio::select! {
                knock = self.knock() => match knock {
                    Ok(knock) => connections.take(knock, front, ending),
                    Err(error) => after_failure(&error).await,
                },
                Some(_) = connections.served.join_next() => {}
                Some(_) = connections.refused.join_next() => {}
            }
        }
    }

    async fn knock(&self) -> io::Result<Knock> {
        let at_tls = async {
            match &self.tls {
                Some((listener, tls)) => listener.accept().await.map(|taken| (taken, tls)),
                None => std::future::pending().await,
            }
        };
        let ((stream, peer), tls) = tokio::select! {
            taken = self.plain.accept() => (taken?, None),
            taken = at_tls => {
                let (taken, tls) = taken?;
                (taken, Some(Arc::clone(tls)))
            }
        };
        Ok(Knock { stream, peer, tls })
    }
}

impl Connections {
    pub(super) fn new() -> Self {
        let mut hasty = Limits::default();
        hasty.header_timeout = REFUSAL_TIMEOUT;
        Self {
            http: Arc::new(Http1::new(&Limits::default()).last_answer(LAST_ANSWERS)),
            hasty: Arc::new(Http1::new(&hasty)),
            served: JoinSet::new(),
            refused: JoinSet::new(),
            by_address: Arc::default(),
        }
    }

    fn take(&mut self, knock: Knock, front: &Front, ending: &CancellationToken) {
        let ending = ending.clone();
        match self.place(knock.peer.ip(), &front.live.now()) {
            Ok(place) => {
                let (http, front) = (Arc::clone(&self.http), front.clone());
                self.served.spawn(async move {
                    knock.serve(&http, &front, ending).await;
                    drop(place);
                });
            }
            Err(refusal) if self.refused.len() < MAX_REFUSALS => {
                let http = Arc::clone(&self.hasty);
                let refusing = async move { knock.refuse(&http, refusal, ending).await };
                self.refused.spawn(refusing);
            }
            Err(_) => {}
        }
    }

    /// All that comes through a proxy comes from one address: it says nothing of the clients.
    fn place(&self, from: IpAddr, live: &Effective) -> Result<Place, NoRoom> {
        if self.served.len() >= live.config.realtime.max_connections {
            return Err(NoRoom::Server);
        }
        if live.proxies.trusts(from) {
            return Ok(self.by_address.uncounted());
        }
        let most = live.config.limits.connections_per_address;
        let place = self.by_address.take(from, most);
        place.map_err(NoRoom::Address)
    }

    /// Waits for the answers that are on their way.
    pub(super) async fn finish(&mut self) {
        while self.served.join_next().await.is_some() {}
    }

    /// Ends what has not ended by itself. Connections hold the store, too.
    pub(super) async fn shutdown(&mut self) {
        self.served.shutdown().await;
        self.refused.shutdown().await;
    }
}

impl Knock {
    async fn serve(self, http: &Http1, front: &Front, ending: CancellationToken) {
        let peer = PeerAddr(self.peer);
        let encrypted = self.tls.as_ref().map(|_| Encrypted);
        let answer = |mut request: Request<RequestBody>| {
            let extensions = request.extensions_mut();
            extensions.insert(peer);
            encrypted.map(|encrypted| extensions.insert(encrypted));
            front.answer(request)
        };
        self.answer_with(http, answer, ending).await;
    }

    /// Says that there is no room: a client that is only kept waiting does not go elsewhere.
    async fn refuse(self, http: &Http1, refusal: NoRoom, ending: CancellationToken) {
        let answer = move |_| std::future::ready(refusal.answer());
        self.answer_with(http, answer, ending).await;
    }

    /// A connection that breaks is the peer's affair; its sessions notice by themselves.
    async fn answer_with<F>(
        self,
        http: &Http1,
        answer: impl Fn(Request<RequestBody>) -> F + Send + Sync,
        ending: CancellationToken,
    ) where
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let stream = WriteLimit::new(self.stream, BLOCKED_WRITE);
        let ending = ending.cancelled_owned();
        let _ = match self.tls {
            None => http.serve_connection(stream, answer, ending).await,
            // In a box, as a connection without TLS would have the room for it, too.
            Some(tls) => {
                Box::pin(async move {
                    // Whoever fails to shake hands is no client: there is nobody to be told.
                    let stream = tls.accept(stream).await?;
                    http.serve_connection(stream, answer, ending).await
                })
                .await
            }
        };
    }
}

impl NoRoom {
    fn answer(self) -> Response<Body> {
        let refusal = match self {
            Self::Server => ApiError::unavailable("too many connections"),
            Self::Address(full) => full.into(),
        };
        let mut response = refusal.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    }
}

/// A peer that gave up before it was accepted costs nothing.
pub(super) async fn after_failure(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionReset) {
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

#[cfg(test)]
mod tests;
