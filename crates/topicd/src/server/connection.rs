//! One connection of HTTP/1.1, with every bound that hyper leaves to its host.

use std::{convert::Infallible, future::Future, pin::pin, time::Duration};

use axum::body::Body;
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

/// How long a request's head may take.
pub(super) const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a request's head.
const MAX_HEAD: usize = 16 * 1024;
/// Fields of a request's head.
const MAX_HEADERS: usize = 64;

/// Answers the requests of a connection until it ends, or until the answer that is on its way when
/// `ending` is cancelled is out.
pub(super) async fn serve<S, F>(
    stream: S,
    header_timeout: Duration,
    answer: impl Fn(Request<Incoming>) -> F,
    ending: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Response<Body>>,
{
    let answer = service_fn(|request| {
        let answering = answer(request);
        async move { Ok::<_, Infallible>(answering.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // A connection that breaks is the peer's affair; its sessions notice by themselves.
        _ = &mut connection => return,
        () = ending.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
