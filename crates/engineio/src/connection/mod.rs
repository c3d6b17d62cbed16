//! One connection of the stand-alone server, from its first byte to its end.
//!
//! hyper reads the requests. Its buffers would be most of what an idle client costs, so they are there
//! only while a request is read: a poll that waits for its answer keeps the socket and the answer's
//! future, and a connection between two requests the socket alone. Those answers are written here.
//! Whatever is out of the ordinary (upgrades, HTTP/1.0, a body that nobody has read) stays with hyper.

mod line;
mod reading;
mod writing;

use std::{
    future::poll_fn,
    net::SocketAddr,
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    task::Poll,
    time::Duration,
};

use http::Response;
use hyper::server::conn::http1;
use hyper_util::rt::TokioTimer;
use tokio::{net::TcpStream, time::timeout};
use tokio_util::sync::CancellationToken;

use self::{reading::Left, writing::Next};
use crate::{EngineService, response::Body, write_limit::WriteLimit};

pub(crate) use self::line::Line;

/// What all connections of a server share.
pub(crate) struct Host {
    service: EngineService,
    http: http1::Builder,
    /// For a request's head, and for the silence before it.
    header_timeout: Duration,
    blocked_write: Duration,
    /// Cancelled when the server wants no further requests.
    ending: CancellationToken,
}

impl Host {
    pub(crate) fn new(service: EngineService, ending: CancellationToken) -> Self {
        let limits = &service.config().protocol.limits;
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_buf_size(limits.max_head.max(LEAST_HEAD));
        Self {
            http,
            header_timeout: limits.header_timeout,
            blocked_write: limits.blocked_write,
            service,
            ending,
        }
    }

    /// Answers requests until either side ends the connection. When the server ends, the answer that
    /// is on its way has a moment left.
    pub(crate) async fn serve(&self, stream: TcpStream, peer: SocketAddr) {
        let _ = stream.set_nodelay(true);
        let line = Line::new(WriteLimit::new(stream, self.blocked_write));
        // Looked at whenever this task is woken, as it is by the token.
        let last = AtomicBool::new(false);
        let mut turns = pin!(self.turns(line, peer, &last));
        tokio::select! {
            biased;
            () = &mut turns => return,
            () = self.ending.cancelled() => last.store(true, Ordering::Relaxed),
        }
        let _ = timeout(LAST_ANSWERS, turns).await;
    }

    async fn turns(&self, mut line: Line, peer: SocketAddr, last: &AtomicBool) {
        while self.is_asked(&line, last).await {
            let Some((back, left)) = reading::read(self, line, peer, last).await else {
                return;
            };
            line = back;
            let Some(answer) = wait(&line, left).await else {
                return;
            };
            match writing::write(&mut line, answer, last).await {
                Ok(Next::Request) => {}
                Ok(Next::Close) | Err(_) => return,
            }
        }
    }

    /// Waits for the next request: false if none comes, or if none is wanted any more.
    async fn is_asked(&self, line: &Line, last: &AtomicBool) -> bool {
        let asked = poll_fn(|cx| {
            if last.load(Ordering::Relaxed) {
                return Poll::Ready(false);
            }
            line.poll_ready_to_read(cx).map(|ready| ready.is_ok())
        });
        timeout(self.header_timeout, asked).await.unwrap_or(false)
    }
}

/// Waits for an answer; a client that leaves meanwhile gets none, and the answer's future is dropped.
async fn wait(line: &Line, left: Left) -> Option<Response<Body>> {
    match left {
        Left::Answered(answer) => Some(answer),
        Left::Waiting(mut answering) => tokio::select! {
            biased;
            answer = &mut answering => Some(answer),
            () = line.left() => None,
        },
    }
}

const LAST_ANSWERS: Duration = Duration::from_millis(500);
/// Below this hyper panics.
const LEAST_HEAD: usize = 8 * 1024;
