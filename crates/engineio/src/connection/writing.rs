//! Writes the answers that hyper does not write.

use std::{
    cell::RefCell,
    io::{self, Write as _},
    sync::atomic::{AtomicBool, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::{Buf, Bytes};
use http::{HeaderName, Response, StatusCode, header};
use httpdate::HttpDate;
use tokio::io::AsyncWriteExt;

use super::Line;
use crate::{
    response::{self, Body},
    websocket::has_token,
};

/// What comes behind an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Request,
    Close,
}

/// Writes the answer to a request of HTTP/1.1 other than HEAD.
pub(super) async fn write(
    line: &mut Line,
    answer: Response<Body>,
    last: &AtomicBool,
) -> io::Result<Next> {
    let (answer, wants_close) = checked(answer);
    let next = if wants_close || last.load(Ordering::Relaxed) {
        Next::Close
    } else {
        Next::Request
    };
    let (head, body) = encode(answer, next, SystemTime::now());
    line.write_all_buf(&mut head.chain(body)).await?;
    Ok(next)
}

/// The answer, and whether it ends the connection. The application may ask for that in its header hook.
/// A status that only announces an answer is our error: the client would wait for the answer.
fn checked(answer: Response<Body>) -> (Response<Body>, bool) {
    if answer.status().is_informational() {
        return (response::empty(StatusCode::INTERNAL_SERVER_ERROR), true);
    }
    let wants_close = has_token(answer.headers(), &header::CONNECTION, "close");
    (answer, wants_close)
}

/// The head's bytes and the body. How the message is framed says this file alone, whatever headers
/// the application has set (RFC 9112, 6).
fn encode(answer: Response<Body>, next: Next, now: SystemTime) -> (Bytes, Bytes) {
    let (parts, body) = answer.into_parts();
    let body = body.into_inner().unwrap_or_default();
    let mut head = Vec::with_capacity(HEAD);
    let reason = parts.status.canonical_reason().unwrap_or_default();
    for part in ["HTTP/1.1 ", parts.status.as_str(), " ", reason, "\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
    for (name, value) in parts.headers.iter().filter(|(name, _)| !is_ours(name)) {
        field(&mut head, name.as_str(), value.as_bytes());
    }
    let body = if parts.status == StatusCode::NO_CONTENT || parts.status == StatusCode::NOT_MODIFIED
    {
        Bytes::new()
    } else {
        // A vector takes everything.
        let _ = write!(head, "content-length: {}\r\n", body.len());
        body
    };
    if next == Next::Close {
        field(&mut head, "connection", b"close");
    }
    if !parts.headers.contains_key(header::DATE) {
        date(&mut head, now);
    }
    head.extend_from_slice(b"\r\n");
    (head.into(), body)
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
    use std::time::Duration;

    use http::HeaderValue;

    use super::*;

    fn encoded(answer: Response<Body>, next: Next) -> String {
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let (head, body) = encode(answer, next, then);
        String::from_utf8([head, body].concat()).unwrap()
    }

    #[test]
    fn an_answer_has_its_length_and_date() {
        let expected = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncache-control: no-store\r\n\
                        content-length: 2\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nok";
        assert_eq!(encoded(response::ok(), Next::Request), expected);
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

    #[test]
    fn headers_of_the_application_cannot_change_the_framing() {
        let mut answer = response::ok();
        for (name, value) in [
            (header::CONTENT_LENGTH, "7"),
            (header::TRANSFER_ENCODING, "chunked"),
            (header::CONNECTION, "close"),
        ] {
            answer
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        let (answer, wants_close) = checked(answer);
        assert!(wants_close);
        let text = encoded(answer, Next::Close);
        assert!(!text.contains("chunked") && !text.contains(": 7"), "{text}");
        assert!(
            text.contains("\r\ncontent-length: 2\r\nconnection: close\r\n"),
            "{text}"
        );
    }

    #[test]
    fn what_only_announces_an_answer_is_none() {
        for status in [StatusCode::CONTINUE, StatusCode::SWITCHING_PROTOCOLS] {
            let (answer, wants_close) = checked(response::empty(status));
            assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert!(wants_close);
        }
    }

    #[test]
    fn an_answer_without_content_has_no_length() {
        let text = encoded(response::empty(StatusCode::NO_CONTENT), Next::Request);
        assert!(
            text.starts_with("HTTP/1.1 204 No Content\r\ndate: "),
            "{text}"
        );
        assert!(text.ends_with(" GMT\r\n\r\n"), "{text}");
    }
}
