//! The stand-alone server: accepts connections, as many as may be, and ends them.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use http::Request;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{EngineService, Http1, PeerAddr, RequestBody, WriteLimit, refused::Refused};

/// What all connections of a server share.
struct Host {
    service: EngineService,
    http: Http1,
    /// Cancelled when the server wants no further requests.
    ending: CancellationToken,
}

impl EngineService {
    /// Serves connections of `listener` until `shutdown` resolves, then ends every session.
    ///
    /// The listener stays open until the last session has ended, so that parked polls and closing
    /// handshakes are still answered; new sessions get 503 meanwhile.
    ///
    /// # Errors
    ///
    /// None from single connections; accepting is retried when descriptors run out.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let most = self.config().protocol.limits.max_connections;
        let places = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        let ending = CancellationToken::new();
        // Cancels, too, if this future is dropped.
        let ends = ending.clone().drop_guard();
        let host = Arc::new(Host {
            service: self.clone(),
            http: Http1::new(&self.config().protocol.limits),
            ending,
        });
        let connections = TaskTracker::new();
        let end = async {
            shutdown.await;
            self.drain(self.config().drain_window).await;
        };
        tokio::pin!(end);
        loop {
            let accepted = tokio::select! {
                () = &mut end => break,
                accepted = accept(&listener, &places) => accepted,
            };
            match accepted {
                Ok((stream, peer, place)) => {
                    let host = Arc::clone(&host);
                    connections.spawn(async move {
                        host.serve(stream, peer).await;
                        drop(place);
                    });
                }
                Err(error) => after_failure(&error).await,
            }
        }
        drop(ends);
        connections.close();
        connections.wait().await;
        Ok(())
    }
}

impl Host {
    async fn serve(&self, stream: TcpStream, peer: SocketAddr) {
        let limits = &self.service.config().protocol.limits;
        let stream = WriteLimit::new(stream, limits.blocked_write);
        let answer = |mut request: Request<RequestBody>| {
            request.extensions_mut().insert(PeerAddr(peer));
            self.service.answer(request)
        };
        let ending = self.ending.cancelled();
        let served = self.http.serve_connection(stream, answer, ending).await;
        // A connection that breaks is the peer's affair; its sessions notice by themselves.
        if let Err(error) = served
            && let Some(refused) = refused(&error)
        {
            self.service.count_refusal(&refused);
        }
    }
}

/// What hyper has answered by itself: what is no request never reaches the service.
fn refused(error: &io::Error) -> Option<Refused> {
    let error = error.get_ref()?.downcast_ref::<hyper::Error>()?;
    match (error.is_parse_too_large(), error.is_parse()) {
        (true, _) => Some(Refused::HeadTooLarge),
        (_, true) => Some(Refused::Syntax),
        _ => None,
    }
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

/// A peer that gave up before it was accepted costs nothing; when descriptors have run out, waiting
/// is all that helps, and spinning would hurt.
async fn after_failure(error: &io::Error) {
    let gave_up = [
        io::ErrorKind::ConnectionAborted,
        io::ErrorKind::ConnectionReset,
    ];
    if !gave_up.contains(&error.kind()) {
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
