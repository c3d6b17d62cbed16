//! One connection, from its first byte to its end.
//!
//! hyper reads the requests. Its buffers would be most of what an idle client costs, so they are there
//! only while a request is read: a poll that waits for its answer keeps the stream and the answer's
//! future, and a connection between two requests the stream alone. Those answers are written here.
//! Whatever is out of the ordinary (upgrades, HTTP/1.0, a body that nobody has read) stays with hyper.

mod line;
mod reading;
mod writing;

use std::{
    error::Error,
    future::{Future, poll_fn},
    io,
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    task::Poll,
    time::Duration,
};

use engineio_proto::Limits;
use http::{Request, Response};
use http_body::Body;
use hyper::server::conn::http1;
use hyper_util::rt::TokioTimer;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

use self::{
    reading::{Answer, Answering, Left, Read},
    writing::Next,
};

pub(crate) use self::line::Line;
pub use self::reading::RequestBody;

/// Serves connections of HTTP/1.1 one by one, for hosts that accept them themselves: with TLS, or with
/// other paths than those of Engine.IO.
///
/// A connection costs little while it is idle: between requests and while an answer is awaited it has no
/// buffers. [`EngineService::serve`](crate::EngineService::serve) serves its own with it.
///
/// ```
/// use engineio::{EngineService, Http1, Limits};
/// use tokio::io::{AsyncRead, AsyncWrite};
///
/// async fn serve<S>(engine: EngineService, stream: S, shutdown: impl Future<Output = ()>)
/// where
///     S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
/// {
///     let http = Http1::new(&Limits::default());
///     let answer = |request| engine.answer(request);
///     let _ = http.serve_connection(stream, answer, shutdown).await;
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Http1 {
    hyper: http1::Builder,
    /// For a request's head, and for the silence before it.
    header_timeout: Duration,
    last_answer: Duration,
}

impl Http1 {
    /// With the bounds [`Limits::max_head`] and [`Limits::header_timeout`].
    pub fn new(limits: &Limits) -> Self {
        let mut hyper = http1::Builder::new();
        hyper
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_buf_size(limits.max_head.max(LEAST_HEAD));
        Self {
            hyper,
            header_timeout: limits.header_timeout,
            last_answer: LAST_ANSWER,
        }
    }

    /// How long an answer that is on its way may take once the server ends. Default 500 ms.
    #[must_use]
    pub fn last_answer(mut self, most: Duration) -> Self {
        self.last_answer = most;
        self
    }

    /// Answers requests until either side ends the connection. Once `shutdown` has resolved, the answer
    /// that is on its way is the last one.
    ///
    /// A request says nothing of where it comes from unless `answer` adds it: see
    /// [`PeerAddr`](crate::PeerAddr) and [`Encrypted`](crate::Encrypted). How an answer's end is found
    /// says its body's size, whatever its headers say. Wrap the stream into
    /// [`WriteLimit`](crate::WriteLimit), or a peer that does not read keeps its connection.
    ///
    /// # Errors
    ///
    /// The connection broke, what came is no HTTP (hyper's error, which has told the client), or the body
    /// of an answer failed. A client that leaves, or stays silent for too long, is no error.
    pub async fn serve_connection<S, F, B>(
        &self,
        stream: S,
        answer: impl Fn(Request<RequestBody>) -> F + Send + Sync,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        // Looked at whenever this task is woken, as it is by `shutdown`.
        let last = AtomicBool::new(false);
        let answer = |request| -> Answering<B> { Box::pin(answer(request)) };
        let mut turns = pin!(self.turns(Line::new(stream), &answer, &last));
        tokio::select! {
            biased;
            ended = &mut turns => return ended,
            () = shutdown => last.store(true, Ordering::Relaxed),
        }
        timeout(self.last_answer, turns).await.unwrap_or(Ok(()))
    }

    async fn turns<S, B>(
        &self,
        mut line: Line<S>,
        answer: Answer<'_, B>,
        last: &AtomicBool,
    ) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        B: Body + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        while self.is_asked(&mut line, last).await? {
            let left = match reading::read(&self.hyper, line, answer, last).await? {
                Read::Ended => return Ok(()),
                Read::Request(back, left) => {
                    line = back;
                    left
                }
            };
            let Some(answer) = wait(&mut line, left).await else {
                return Ok(());
            };
            if writing::write(&mut line, answer, last).await? == Next::Close {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Waits for the next request: false if none comes, or if none is wanted any more.
    async fn is_asked<S>(&self, line: &mut Line<S>, last: &AtomicBool) -> io::Result<bool>
    where
        S: AsyncRead + Unpin,
    {
        let asked = poll_fn(|cx| {
            if last.load(Ordering::Relaxed) {
                return Poll::Ready(Ok(false));
            }
            line.poll_come(cx)
        });
        timeout(self.header_timeout, asked)
            .await
            .unwrap_or(Ok(false))
    }
}

/// Waits for an answer; a client that leaves meanwhile gets none, and the answer's future is dropped.
async fn wait<S, B>(line: &mut Line<S>, left: Left<B>) -> Option<Response<B>>
where
    S: AsyncRead + Unpin,
{
    match left {
        Left::Answered(answer) => Some(answer),
        Left::Waiting(mut answering) => tokio::select! {
            biased;
            answer = &mut answering => Some(answer),
            () = line.left() => None,
        },
    }
}

const LAST_ANSWER: Duration = Duration::from_millis(500);
/// Below this hyper panics.
const LEAST_HEAD: usize = 8 * 1024;
