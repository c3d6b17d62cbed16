//! The stand-alone server: accepts connections and hands them to hyper with every bound set.

use std::{future::Future, io, net::SocketAddr, time::Duration};

use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{EngineService, PeerAddr};

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
        let mut connections = JoinSet::new();
        let end = async {
            shutdown.await;
            self.drain(self.config().drain_window).await;
        };
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => return Ok(()),
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        connections.spawn(self.clone().connection(stream, peer));
                    }
                    // Out of descriptors: waiting is all that helps, and spinning would hurt.
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    async fn connection(self, stream: TcpStream, peer: SocketAddr) {
        let _ = stream.set_nodelay(true);
        let header_timeout = self.config().header_timeout;
        let answer = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(PeerAddr(peer));
            hyper::service::Service::call(&self, request)
        });
        // A connection that breaks is the peer's affair; its sessions notice by themselves.
        let _ = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), answer)
            .with_upgrades()
            .await;
    }
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Bytes of a request's head.
const MAX_HEAD: usize = 16 * 1024;
