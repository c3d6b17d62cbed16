//! hyper's part of a turn: reads one request, and is then taken apart.
//!
//! A request is answered outside of hyper once it has been read whole and nothing of an answer is in
//! hyper's hands. Every other request is hyper's from head to answer, and so is its connection then.

use std::{
    convert::Infallible,
    error::Error,
    future::{Future, poll_fn},
    io, mem,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Method, Request, Response, Version, header};
use http_body::{Body, Frame, SizeHint};
use hyper::{body::Incoming, server::conn::http1, service::Service, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Line;
use crate::websocket::has_token;

/// What became of a turn of hyper's.
pub(super) enum Read<S, B> {
    /// A request has been read, and this is left to do.
    Request(Line<S>, Left<B>),
    /// hyper has brought the connection to its end.
    Ended,
}

/// What is left to do for a request that has been read.
pub(super) enum Left<B> {
    Answered(Response<B>),
    Waiting(Answering<B>),
}

pub(super) type Answering<B> = Pin<Box<dyn Future<Output = Response<B>> + Send>>;

/// What answers the requests of a connection.
pub(super) type Answer<'a, B> = &'a (dyn Fn(Request<RequestBody>) -> Answering<B> + Send + Sync);

/// Reads one request.
pub(super) async fn read<S, B>(
    hyper: &http1::Builder,
    line: Line<S>,
    answer: Answer<'_, B>,
    last: &AtomicBool,
) -> io::Result<Read<S, B>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let handover = Handover::default();
    let reader = Reader {
        answer,
        handover: &handover,
    };
    let connection = hyper.serve_connection(TokioIo::new(line), reader);
    let mut connection = Box::new(connection.with_upgrades());
    let mut told = false;
    let ended = poll_fn(|cx| {
        let mut connection = Pin::new(&mut *connection);
        if last.load(Ordering::Relaxed) && !mem::replace(&mut told, true) {
            connection.as_mut().graceful_shutdown();
        }
        match connection.poll(cx) {
            Poll::Ready(ended) => Poll::Ready(ended.map(|()| None)),
            Poll::Pending => match handover.take() {
                Some(left) => Poll::Ready(Ok(Some(left))),
                None => Poll::Pending,
            },
        }
    });
    let Some(left) = ended.await.map_err(io::Error::other)? else {
        return Ok(Read::Ended);
    };
    let Some(parts) = connection.into_parts() else {
        return Ok(Read::Ended);
    };
    let mut line = parts.io.into_inner();
    line.put_back(&parts.read_buf);
    Ok(Read::Request(line, left))
}

/// Where the service leaves what is to be done without hyper.
struct Handover<B> {
    left: Mutex<Option<Left<B>>>,
    progress: Arc<Progress>,
}

/// How far hyper has come.
#[derive(Debug, Default)]
struct Progress {
    /// The body of the request at hand has been read to its end.
    read: AtomicBool,
    /// hyper has written, and may have more in its buffer.
    stays: AtomicBool,
}

impl<B> Handover<B> {
    fn put(&self, left: Left<B>) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
    }

    fn take(&self) -> Option<Left<B>> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.take()
    }

    fn is_free(&self) -> bool {
        let Progress { read, stays } = &*self.progress;
        read.load(Ordering::Relaxed) && !stays.load(Ordering::Relaxed)
    }
}

impl<B> Default for Handover<B> {
    fn default() -> Self {
        Self {
            left: Mutex::new(None),
            progress: Arc::default(),
        }
    }
}

/// The service of one turn.
struct Reader<'a, B> {
    answer: Answer<'a, B>,
    handover: &'a Handover<B>,
}

impl<'a, B> Service<Request<Incoming>> for Reader<'a, B> {
    type Response = Response<B>;
    type Error = Infallible;
    type Future = Asked<'a, B>;

    fn call(&self, request: Request<Incoming>) -> Asked<'a, B> {
        let progress = &self.handover.progress;
        if !is_ordinary(&request) {
            progress.stays.store(true, Ordering::Relaxed);
        }
        let read = request.body().is_end_stream();
        progress.read.store(read, Ordering::Relaxed);
        let progress = Arc::clone(progress);
        let request = request.map(|body| RequestBody { body, progress });
        Asked {
            answering: Some((self.answer)(request)),
            handover: self.handover,
        }
    }
}

/// Whether we can write the answer: hyper knows more of HTTP than we do.
fn is_ordinary(request: &Request<Incoming>) -> bool {
    let headers = request.headers();
    request.version() == Version::HTTP_11
        && !matches!(*request.method(), Method::HEAD | Method::CONNECT)
        && !has_token(headers, &header::CONNECTION, "close")
        && !headers.contains_key(header::EXPECT)
        && request.extensions().get::<OnUpgrade>().is_none()
}

/// The answer to a request, until it is handed over.
struct Asked<'a, B> {
    answering: Option<Answering<B>>,
    handover: &'a Handover<B>,
}

impl<B> Future for Asked<'_, B> {
    type Output = Result<Response<B>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(mut answering) = self.answering.take() else {
            return Poll::Pending;
        };
        let answer = answering.as_mut().poll(cx);
        match (answer, self.handover.is_free()) {
            (Poll::Ready(answer), true) => self.handover.put(Left::Answered(answer)),
            (Poll::Pending, true) => self.handover.put(Left::Waiting(answering)),
            (Poll::Ready(answer), false) => {
                let stays = &self.handover.progress.stays;
                stays.store(true, Ordering::Relaxed);
                return Poll::Ready(Ok(answer));
            }
            (Poll::Pending, false) => self.answering = Some(answering),
        }
        Poll::Pending
    }
}

/// The body of a request on a connection of [`Http1`](super::Http1).
#[derive(Debug)]
pub struct RequestBody {
    body: Incoming,
    /// Is told when the body has been read.
    progress: Arc<Progress>,
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        // Known of a declared length alone: a chunked body stays with hyper.
        if self.body.is_end_stream() {
            self.progress.read.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
