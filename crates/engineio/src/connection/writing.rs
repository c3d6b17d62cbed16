//! Writes the answers that hyper does not write.

use std::{
    cell::RefCell,
    error::Error,
    io::{self, Write as _},
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::{Buf, Bytes};
use futures_util::FutureExt;
use http::{HeaderName, Response, StatusCode, header, response};
use http_body::{Body, SizeHint};
use http_body_util::BodyExt;
use httpdate::HttpDate;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::Line;
use crate::websocket::has_token;

/// What comes behind an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Request,
    Close,
}

/// How the client finds the end of a body (RFC 9112, 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// There is none.
    Nothing,
    /// As many bytes are left.
    Length(u64),
    Chunked,
}

/// Writes the answer to a request of HTTP/1.1 other than HEAD.
pub(super) async fn write<S, B>(
    line: &mut Line<S>,
    answer: Response<B>,
    last: &AtomicBool,
) -> io::Result<Next>
where
    S: AsyncRead + AsyncWrite + Unpin,
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (mut parts, body) = answer.into_parts();
    let mut next = if wants_close(&parts) || last.load(Ordering::Relaxed) {
        Next::Close
    } else {
        Next::Request
    };
    let mut framing = Framing::of(parts.status, &body.size_hint());
    // It only announces an answer, which is our error: the client would wait for the answer.
    if parts.status.is_informational() {
        (parts, next) = (internal_error(), Next::Close);
    }
    let mut out = head(&parts, framing, next, SystemTime::now());
    let mut body = pin!(body);
    while framing != Framing::Nothing && framing != Framing::Length(0) {
        let frame = match body.frame().now_or_never() {
            Some(frame) => frame,
            None => {
                line.write_all_buf(&mut out).await?;
                line.flush().await?;
                tokio::select! {
                    biased;
                    frame = body.frame() => frame,
                    () = line.left() => return Ok(Next::Close),
                }
            }
        };
        let Some(frame) = frame else { break };
        // Trailers are for nobody here.
        if let Ok(data) = frame.map_err(io::Error::other)?.into_data() {
            framing.write(line, &mut out, data).await?;
        }
    }
    out = framing.end(out)?;
    line.write_all_buf(&mut out).await?;
    line.flush().await?;
    Ok(next)
}

/// The application may ask for that.
fn wants_close(answer: &response::Parts) -> bool {
    has_token(&answer.headers, &header::CONNECTION, "close")
}

fn internal_error() -> response::Parts {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.into_parts().0
}

impl Framing {
    fn of(status: StatusCode, size: &SizeHint) -> Self {
        if status.is_informational() {
            return Self::Length(0);
        }
        if status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED {
            return Self::Nothing;
        }
        size.exact().map_or(Self::Chunked, Self::Length)
    }

    fn field(self, head: &mut Vec<u8>) {
        match self {
            Self::Nothing => {}
            // A vector takes everything.
            Self::Length(length) => drop(write!(head, "content-length: {length}\r\n")),
            Self::Chunked => field(head, "transfer-encoding", b"chunked"),
        }
    }

    /// Writes a part of the body behind what is to go out.
    async fn write<S: AsyncWrite + Unpin>(
        &mut self,
        line: &mut Line<S>,
        out: &mut Bytes,
        data: impl Buf,
    ) -> io::Result<()> {
        let length = data.remaining();
        if length == 0 {
            return Ok(());
        }
        let (before, after) = match self {
            Self::Nothing => return Ok(()),
            Self::Length(left) => {
                *left = left.checked_sub(length as u64).ok_or_else(wrong_length)?;
                (String::new(), "")
            }
            Self::Chunked => (format!("{length:x}\r\n"), "\r\n"),
        };
        let head = std::mem::take(out).chain(before.as_bytes());
        let mut all = head.chain(data).chain(after.as_bytes());
        line.write_all_buf(&mut all).await
    }

    /// What is still to go out, and the body's end.
    fn end(self, out: Bytes) -> io::Result<Bytes> {
        match self {
            Self::Nothing | Self::Length(0) => Ok(out),
            Self::Length(_) => Err(wrong_length()),
            Self::Chunked => Ok([&out, &b"0\r\n\r\n"[..]].concat().into()),
        }
    }
}

fn wrong_length() -> io::Error {
    io::Error::other("a body has another length than it said")
}

/// How the message is framed says this file alone, whatever headers the application has set.
fn head(parts: &response::Parts, framing: Framing, next: Next, now: SystemTime) -> Bytes {
    let mut head = Vec::with_capacity(HEAD);
    let reason = parts.status.canonical_reason().unwrap_or_default();
    for part in ["HTTP/1.1 ", parts.status.as_str(), " ", reason, "\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
    for (name, value) in parts.headers.iter().filter(|(name, _)| !is_ours(name)) {
        field(&mut head, name.as_str(), value.as_bytes());
    }
    framing.field(&mut head);
    if next == Next::Close {
        field(&mut head, "connection", b"close");
    }
    if !parts.headers.contains_key(header::DATE) {
        date(&mut head, now);
    }
    head.extend_from_slice(b"\r\n");
    head.into()
}

fn is_ours(name: &HeaderName) -> bool {
    [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
    ]
    .contains(name)
}

fn field(head: &mut Vec<u8>, name: &str, value: &[u8]) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        head.extend_from_slice(part);
    }
}

/// Thousands of answers a second have the same date.
fn date(head: &mut Vec<u8>, now: SystemTime) {
    let second = now
        .duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_secs());
    LAST_DATE.with_borrow_mut(|(of, date)| {
        if date.is_empty() || *of != second {
            (*of, *date) = (second, HttpDate::from(now).to_string());
        }
        field(head, "date", date.as_bytes());
    });
}

thread_local! {
    /// The last second that this thread has written, and its date.
    static LAST_DATE: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
}

/// Bytes that most heads fit into.
const HEAD: usize = 256;

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, time::Duration};

    use futures_util::stream;
    use http::HeaderValue;
    use http_body::Frame;
    use http_body_util::{Empty, Full, StreamBody};
    use tokio::io::AsyncReadExt;

    use super::*;

    /// What the client gets: of the head what is no date.
    async fn written<B>(answer: Response<B>) -> (String, io::Result<Next>)
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (near, mut far) = tokio::io::duplex(4096);
        let mut line = Line::new(near);
        let next = write(&mut line, answer, &AtomicBool::new(false)).await;
        drop(line);
        let mut text = String::new();
        far.read_to_string(&mut text).await.unwrap();
        let lines = text.split_inclusive("\r\n");
        let lines = lines.filter(|line| !line.starts_with("date: "));
        (lines.collect(), next)
    }

    fn ok(body: &'static str) -> Response<Full<Bytes>> {
        Response::new(Full::from(body))
    }

    fn with_status(status: StatusCode) -> Response<Full<Bytes>> {
        let mut answer = ok("body");
        *answer.status_mut() = status;
        answer
    }

    fn streamed(parts: &[&'static str]) -> impl Body<Data = Bytes, Error = Infallible> + use<> {
        let parts = parts.iter().map(|part| Ok(Frame::data(Bytes::from(*part))));
        StreamBody::new(stream::iter(parts.collect::<Vec<_>>()))
    }

    #[test]
    fn an_answer_has_its_length_and_date() {
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let (mut parts, ()) = Response::new(()).into_parts();
        let html = HeaderValue::from_static("text/html");
        parts.headers.insert(header::CONTENT_TYPE, html);
        let expected = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\
                        date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
        let head = head(&parts, Framing::Length(2), Next::Request, then);
        assert_eq!(head, expected);
    }

    #[test]
    fn the_date_moves_on_with_the_second() {
        let dates = [0, 1, 1].map(|second| {
            let mut head = Vec::new();
            date(&mut head, UNIX_EPOCH + Duration::from_secs(second));
            String::from_utf8(head).unwrap()
        });
        assert_eq!(dates[0], "date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
        assert_eq!(dates[1], "date: Thu, 01 Jan 1970 00:00:01 GMT\r\n");
        assert_eq!(dates[2], dates[1]);
    }

    #[tokio::test]
    async fn headers_of_the_application_cannot_change_the_framing() {
        let mut answer = ok("ok");
        for (name, value) in [
            (header::CONTENT_LENGTH, "7"),
            (header::TRANSFER_ENCODING, "chunked"),
            (header::CONNECTION, "close"),
        ] {
            let value = HeaderValue::from_static(value);
            answer.headers_mut().insert(name, value);
        }
        let (text, next) = written(answer).await;
        assert_eq!(next.unwrap(), Next::Close);
        let expected = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
        assert_eq!(text, expected);
    }

    #[tokio::test]
    async fn what_only_announces_an_answer_is_none() {
        for status in [StatusCode::CONTINUE, StatusCode::SWITCHING_PROTOCOLS] {
            let (text, next) = written(with_status(status)).await;
            assert_eq!(next.unwrap(), Next::Close);
            let expected = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\
                            connection: close\r\n\r\n";
            assert_eq!(text, expected);
        }
    }

    #[tokio::test]
    async fn an_answer_without_content_has_no_length() {
        let (text, _) = written(with_status(StatusCode::NO_CONTENT)).await;
        assert_eq!(text, "HTTP/1.1 204 No Content\r\n\r\n");
        let (text, _) = written(Response::new(Empty::<Bytes>::new())).await;
        assert_eq!(text, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_comes_in_chunks() {
        let parts = ["one", "", "a longer part of it"];
        let (text, next) = written(Response::new(streamed(&parts))).await;
        assert_eq!(next.unwrap(), Next::Request);
        let expected = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
                        3\r\none\r\n13\r\na longer part of it\r\n0\r\n\r\n";
        assert_eq!(text, expected);
        let (text, _) = written(Response::new(streamed(&[]))).await;
        assert!(text.ends_with("\r\n\r\n0\r\n\r\n"), "{text}");
    }

    /// A body that says another length than it has.
    struct Liar<B>(B, u64);

    impl<B: Body + Unpin> Body for Liar<B> {
        type Data = B::Data;
        type Error = B::Error;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<Frame<B::Data>, B::Error>>> {
            std::pin::Pin::new(&mut self.0).poll_frame(cx)
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.1)
        }
    }

    #[tokio::test]
    async fn no_byte_goes_out_beyond_the_length_that_was_said() {
        for said in [1, 3] {
            let body = Liar(Full::<Bytes>::from("ok"), said);
            let (text, next) = written(Response::new(body)).await;
            next.unwrap_err();
            assert!(!text.ends_with("ok") || said == 3, "{text}");
        }
    }
}
