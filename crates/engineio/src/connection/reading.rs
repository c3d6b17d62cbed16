//! hyper's part of a turn: reads one request, and is then taken apart.
//!
//! A request is answered outside of hyper once it has been read whole and nothing of an answer is in
//! hyper's hands. Every other request is hyper's from head to answer, and so is its connection then.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    mem,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Method, Request, Response, Version, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::{body::Incoming, service::Service, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;

use super::{Host, Line};
use crate::{EngineService, PeerAddr, refused::Refused, response::Body, websocket::has_token};

/// What is left to do for a request that has been read.
pub(super) enum Left {
    Answered(Response<Body>),
    Waiting(Answering),
}

type Answering = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// Reads one request; nothing if hyper has brought the connection to its end.
pub(super) async fn read(
    host: &Host,
    line: Line,
    peer: SocketAddr,
    last: &AtomicBool,
) -> Option<(Line, Left)> {
    let handover = Arc::new(Handover::default());
    let reader = Reader {
        service: host.service.clone(),
        peer,
        handover: Arc::clone(&handover),
    };
    let connection = host.http.serve_connection(TokioIo::new(line), reader);
    let mut connection = Box::new(connection.with_upgrades());
    let mut told = false;
    let ended = poll_fn(|cx| {
        let mut connection = Pin::new(&mut *connection);
        if last.load(Ordering::Relaxed) && !mem::replace(&mut told, true) {
            connection.as_mut().graceful_shutdown();
        }
        match connection.poll(cx) {
            Poll::Ready(ended) => Poll::Ready(Err(ended)),
            Poll::Pending => handover
                .take()
                .map_or(Poll::Pending, |left| Poll::Ready(Ok(left))),
        }
    });
    match ended.await {
        Ok(left) => {
            let parts = connection.into_parts()?;
            let mut line = parts.io.into_inner();
            line.put_back(&parts.read_buf);
            Some((line, left))
        }
        Err(ended) => {
            // A connection that breaks is the peer's affair; its sessions notice by themselves.
            if let Some(refused) = ended.err().and_then(|error| refused(&error)) {
                host.service.count_refusal(&refused);
            }
            None
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

/// Where the service leaves what is to be done without hyper.
#[derive(Default)]
struct Handover {
    left: Mutex<Option<Left>>,
    /// The body of the request at hand has been read to its end.
    read: AtomicBool,
    /// hyper has written, and may have more in its buffer.
    stays: AtomicBool,
}

impl Handover {
    fn put(&self, left: Left) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
    }

    fn take(&self) -> Option<Left> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.take()
    }

    fn is_free(&self) -> bool {
        self.read.load(Ordering::Relaxed) && !self.stays.load(Ordering::Relaxed)
    }
}

/// The service of one connection.
struct Reader {
    service: EngineService,
    peer: SocketAddr,
    handover: Arc<Handover>,
}

impl Service<Request<Incoming>> for Reader {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Asked;

    fn call(&self, mut request: Request<Incoming>) -> Asked {
        if !is_ordinary(&request) {
            self.handover.stays.store(true, Ordering::Relaxed);
        }
        let read = request.body().is_end_stream();
        self.handover.read.store(read, Ordering::Relaxed);
        request.extensions_mut().insert(PeerAddr(self.peer));
        let handover = Arc::clone(&self.handover);
        let request = request.map(|body| Upload { body, handover });
        Asked {
            answering: Some(Box::pin(self.service.answer(request))),
            handover: Arc::clone(&self.handover),
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
struct Asked {
    answering: Option<Answering>,
    handover: Arc<Handover>,
}

impl Future for Asked {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(mut answering) = self.answering.take() else {
            return Poll::Pending;
        };
        let answer = answering.as_mut().poll(cx);
        match (answer, self.handover.is_free()) {
            (Poll::Ready(answer), true) => self.handover.put(Left::Answered(answer)),
            (Poll::Pending, true) => self.handover.put(Left::Waiting(answering)),
            (Poll::Ready(answer), false) => {
                self.handover.stays.store(true, Ordering::Relaxed);
                return Poll::Ready(Ok(answer));
            }
            (Poll::Pending, false) => self.answering = Some(answering),
        }
        Poll::Pending
    }
}

/// A request's body that says when it has been read.
struct Upload {
    body: Incoming,
    handover: Arc<Handover>,
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        // Known of a declared length alone: a chunked body stays with hyper.
        if self.body.is_end_stream() {
            self.handover.read.store(true, Ordering::Relaxed);
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
