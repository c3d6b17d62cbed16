//! The stand-alone server: accepts connections and hands them to hyper with every bound set.

use std::{future::Future, io, net::SocketAddr, pin::pin, time::Duration};

use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{EngineService, PeerAddr, refused::Refused, write_limit::WriteLimit};

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
        let ending = CancellationToken::new();
        let mut connections = JoinSet::new();
        let end = async {
            shutdown.await;
            self.drain(self.config().drain_window).await;
        };
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => break,
                accepted = listener.accept(), if connections.len() < most => match accepted {
                    Ok((stream, peer)) => {
                        let connection = self.clone().connection(stream, peer, ending.clone());
                        connections.spawn(connection);
                    }
                    Err(error) => after_failure(&error).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
        ending.cancel();
        // The last answers are on their way.
        let answered = async { while connections.join_next().await.is_some() {} };
        let _ = timeout(LAST_ANSWERS, answered).await;
        Ok(())
    }

    async fn connection(self, stream: TcpStream, peer: SocketAddr, ending: CancellationToken) {
        let _ = stream.set_nodelay(true);
        let limits = self.config().protocol.limits.clone();
        let stream = WriteLimit::new(stream, limits.blocked_write);
        let service = self.clone();
        let answer = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(PeerAddr(peer));
            hyper::service::Service::call(&service, request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_buf_size(limits.max_head.max(LEAST_HEAD))
            .serve_connection(TokioIo::new(stream), answer)
            .with_upgrades();
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = ending.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        // A connection that breaks is the peer's affair; its sessions notice by themselves.
        if let Some(refused) = ended.err().and_then(|error| refused(&error)) {
            self.count_refusal(&refused);
        }
    }
}

/// What hyper has answered by itself: what is no request never reaches the service.
fn refused(error: &hyper::Error) -> Option<Refused> {
    match (error.is_parse_too_large(), error.is_parse()) {
        (true, _) => Some(Refused::HeadTooLarge),
        (_, true) => Some(Refused::Syntax),
        _ => None,
    }
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
const LAST_ANSWERS: Duration = Duration::from_millis(500);
/// Below this hyper panics.
const LEAST_HEAD: usize = 8 * 1024;
