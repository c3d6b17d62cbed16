//! The listeners for clients, and what becomes of a connection that knocks.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{body::Body, response::IntoResponse};
use engineio::WriteLimit;
use http::{HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    connection::{self, HEADER_TIMEOUT},
    front::Front,
};
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
#[derive(Default)]
pub(super) struct Connections {
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
    fn take(&mut self, knock: Knock, front: &Front, ending: &CancellationToken) {
        let ending = ending.clone();
        match self.place(knock.peer.ip(), &front.live.now()) {
            Ok(place) => {
                let serving = knock.serve(front.clone(), ending);
                self.served.spawn(async move {
                    serving.await;
                    drop(place);
                });
            }
            Err(refusal) if self.refused.len() < MAX_REFUSALS => {
                self.refused.spawn(knock.refuse(refusal, ending));
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
    async fn serve(self, front: Front, ending: CancellationToken) {
        let peer = self.peer;
        let answer = move |request| front.clone().answer(request, peer);
        self.answer_with(HEADER_TIMEOUT, answer, ending).await;
    }

    /// Says that there is no room: a client that is only kept waiting does not go elsewhere.
    async fn refuse(self, refusal: NoRoom, ending: CancellationToken) {
        let answer = |_| std::future::ready(refusal.answer());
        self.answer_with(REFUSAL_TIMEOUT, answer, ending).await;
    }

    async fn answer_with<F>(
        self,
        header_timeout: Duration,
        answer: impl Fn(Request<Incoming>) -> F,
        ending: CancellationToken,
    ) where
        F: Future<Output = Response<Body>>,
    {
        let _ = self.stream.set_nodelay(true);
        let stream = WriteLimit::new(self.stream, BLOCKED_WRITE);
        match self.tls {
            None => connection::serve(stream, header_timeout, answer, ending).await,
            // Whoever fails to shake hands is no client: there is nobody to be told.
            Some(tls) => {
                if let Ok(stream) = tls.accept(stream).await {
                    connection::serve(stream, header_timeout, answer, ending).await;
                }
            }
        }
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
