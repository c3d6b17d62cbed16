//! An HTTP/1.1 client that writes what it is told and reads what it gets.

use std::borrow::Cow;

use serde_json::Value;

use super::Connection;
use super::connection::Fill;
use crate::case::{Failure, ensure};
use crate::transcript::{Direction, printable};

/// A request to be sent, right or wrong.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: &'static str,
    target: String,
    version: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Body,
    /// The length announced, when it is not the body's.
    declared: Option<usize>,
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Whole(Vec<u8>),
    Chunked(Vec<Vec<u8>>),
}

impl Request {
    pub(crate) fn new(method: &'static str, target: impl Into<String>) -> Self {
        let target = target.into();
        Self {
            method,
            target,
            version: "HTTP/1.1",
            headers: Vec::new(),
            body: Body::None,
            declared: None,
        }
    }

    pub(crate) fn version(self, version: &'static str) -> Self {
        Self { version, ..self }
    }

    /// Sets a header; the one of that name set before is replaced.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self = self.without(name);
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn without(mut self, name: &'static str) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// Sends `body` with its length.
    pub(crate) fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: Body::Whole(body.into()),
            ..self
        }
    }

    /// The same request with a length that is not the body's.
    pub(crate) fn declaring(self, length: usize) -> Self {
        Self {
            declared: Some(length),
            ..self
        }
    }

    /// Sends the body in chunks, without a length.
    pub(crate) fn chunked(self, chunks: &[&[u8]]) -> Self {
        Self {
            body: Body::Chunked(chunks.iter().map(|chunk| chunk.to_vec()).collect()),
            ..self
        }
    }

    pub(crate) fn method(&self) -> &'static str {
        self.method
    }

    /// The request as bytes; `Host` is `authority`.
    pub(crate) fn encode(&self, authority: &str) -> Vec<u8> {
        let mut bytes = self.head(authority).into_bytes();
        match &self.body {
            Body::None => {}
            Body::Whole(body) => bytes.extend(body),
            Body::Chunked(chunks) => {
                for chunk in chunks {
                    bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                    bytes.extend(chunk);
                    bytes.extend(b"\r\n");
                }
                bytes.extend(b"0\r\n\r\n");
            }
        }
        bytes
    }

    fn head(&self, authority: &str) -> String {
        let Self {
            method,
            target,
            version,
            ..
        } = self;
        let mut head = format!("{method} {target} {version}\r\nHost: {authority}\r\n");
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        match &self.body {
            Body::None => {}
            Body::Whole(body) => {
                let length = self.declared.unwrap_or(body.len());
                head.push_str(&format!("Content-Length: {length}\r\n"));
            }
            Body::Chunked(_) => head.push_str("Transfer-Encoding: chunked\r\n"),
        }
        head + "\r\n"
    }
}

/// A request on its way; the answer is still to be read.
#[derive(Debug)]
pub(crate) struct Exchange {
    connection: Connection,
    method: &'static str,
}

impl Exchange {
    pub(crate) fn new(connection: Connection, method: &'static str) -> Self {
        Self { connection, method }
    }

    /// Sends more bytes, such as the rest of a body.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.connection.write(bytes)
    }

    /// Closes the connection without reading the answer.
    pub(crate) fn abort(self) {
        self.connection.note(Direction::Sent, "connection dropped");
    }

    /// The answer, for an exchange with only one.
    pub(crate) fn response(mut self) -> Result<Response, Failure> {
        self.next_response()
    }

    /// The next answer on this connection.
    pub(crate) fn next_response(&mut self) -> Result<Response, Failure> {
        let head = self.read_head()?;
        let body = self.read_body(&head)?;
        let response = Response {
            status: head.status,
            headers: head.headers,
            body,
        };
        self.connection
            .note(Direction::Received, response.to_string());
        Ok(response)
    }

    /// The answer, or `None` if the server drops the connection instead.
    pub(crate) fn response_or_end(mut self) -> Result<Option<Response>, Failure> {
        let deadline = self.connection.deadline();
        if self.connection.buffer().is_empty() && self.connection.fill(deadline)? == Fill::End {
            self.connection.note(Direction::Received, "end of stream");
            return Ok(None);
        }
        self.next_response().map(Some)
    }

    /// The answer and the connection, which after a 101 carries WebSocket frames.
    pub(crate) fn switch(mut self) -> Result<(Response, Connection), Failure> {
        let response = self.next_response()?;
        Ok((response, self.connection))
    }

    /// Fails unless the request is still unanswered.
    pub(crate) fn expect_pending(&mut self, wait: std::time::Duration) -> Result<(), Failure> {
        let deadline = std::time::Instant::now() + wait;
        let fill = self.connection.fill(deadline)?;
        let received = printable(self.connection.buffer());
        ensure(
            fill == Fill::Silence,
            "the request to stay unanswered",
            received,
        )
    }

    fn read_head(&mut self) -> Result<Head, Failure> {
        let deadline = self.connection.deadline();
        loop {
            match Head::parse(self.connection.buffer()) {
                Ok(Some((head, length))) => {
                    self.connection.take(length);
                    return Ok(head);
                }
                Ok(None) => {}
                Err(reason) => return Err(Failure::new("an HTTP answer", reason)),
            }
            match self.connection.fill(deadline)? {
                Fill::More => {}
                Fill::End => return Err(self.missing("end of stream")),
                Fill::Silence => return Err(self.missing("nothing in time")),
            }
        }
    }

    fn read_body(&mut self, head: &Head) -> Result<Vec<u8>, Failure> {
        let deadline = self.connection.deadline();
        let framing = head.framing(self.method);
        loop {
            match framing.decode(self.connection.buffer()) {
                Ok(Some((body, length))) => {
                    self.connection.take(length);
                    return Ok(body);
                }
                Ok(None) => {}
                Err(reason) => return Err(Failure::new("an HTTP body", reason)),
            }
            match (self.connection.fill(deadline)?, framing) {
                (Fill::More, _) => {}
                (Fill::End, Framing::UntilEnd) => return Ok(self.connection.take(usize::MAX)),
                (Fill::End, _) => return Err(self.missing("end of stream inside the body")),
                (Fill::Silence, _) => return Err(self.missing("an unfinished body")),
            }
        }
    }

    fn missing(&self, received: &str) -> Failure {
        let rest = printable(self.connection.buffer());
        self.connection
            .note(Direction::Received, format!("{received} {rest}"));
        Failure::new(format!("an answer to {}", self.method), received)
    }
}

/// A complete answer.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The value of the first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let known = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    pub(crate) fn expect_status(self, status: u16) -> Result<Self, Failure> {
        ensure(
            self.status == status,
            format!("status {status}"),
            self.to_string(),
        )?;
        Ok(self)
    }

    pub(crate) fn expect_status_among(self, statuses: &[u16]) -> Result<Self, Failure> {
        let expected = format!("one of the statuses {statuses:?}");
        ensure(statuses.contains(&self.status), expected, self.to_string())?;
        Ok(self)
    }

    pub(crate) fn expect_body(self, body: &str) -> Result<Self, Failure> {
        let expected = format!("the body {}", printable(body.as_bytes()));
        ensure(
            self.body == body.as_bytes(),
            expected,
            printable(&self.body),
        )?;
        Ok(self)
    }

    /// The header, compared without regard to case.
    pub(crate) fn expect_header(self, name: &str, value: &str) -> Result<Self, Failure> {
        let received = self.header(name).unwrap_or("nothing");
        ensure(
            received.eq_ignore_ascii_case(value),
            format!("{name}: {value}"),
            received,
        )?;
        Ok(self)
    }

    pub(crate) fn expect_no_header(self, name: &str) -> Result<Self, Failure> {
        let received = self.header(name).unwrap_or_default();
        ensure(
            self.header(name).is_none(),
            format!("no header {name}"),
            received,
        )?;
        Ok(self)
    }

    /// The answer to a POST that was taken: 200 and exactly `ok`.
    pub(crate) fn expect_ok(self) -> Result<Self, Failure> {
        self.expect_status(200)?.expect_body("ok")
    }

    /// Status 400 and a JSON body with this code, which must be a number.
    pub(crate) fn expect_code(self, code: u8) -> Result<Self, Failure> {
        let body = serde_json::from_slice::<Value>(&self.body).unwrap_or_default();
        let matches = self.status == 400 && body.get("code") == Some(&Value::from(code));
        ensure(
            matches,
            format!("status 400, code {code}"),
            self.to_string(),
        )?;
        Ok(self)
    }
}

impl std::fmt::Display for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.status)?;
        for (name, value) in &self.headers {
            write!(f, " | {name}: {value}")?;
        }
        write!(f, " | {}", printable(&self.body))
    }
}

/// Status line and headers.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
}

impl Head {
    /// The head at the start of `bytes` and its length; `None` while it is incomplete.
    fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, String> {
        let Some(end) = find(bytes, b"\r\n\r\n") else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default());
        let mut lines = text.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let status = parse_status(first).ok_or_else(|| format!("the status line {first:?}"))?;
        let headers = lines.map(parse_header).collect::<Option<_>>();
        let headers = headers.ok_or("a header without a colon")?;
        Ok(Some((Self { status, headers }, end + 4)))
    }

    fn framing(&self, method: &str) -> Framing {
        let value = |name: &str| {
            let found = self
                .headers
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str())
        };
        if method == "HEAD" || self.status < 200 || matches!(self.status, 204 | 304) {
            return Framing::Length(0);
        }
        if value("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return Framing::Chunked;
        }
        match value("content-length").and_then(|length| length.parse().ok()) {
            Some(length) => Framing::Length(length),
            None => Framing::UntilEnd,
        }
    }
}

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    UntilEnd,
}

impl Framing {
    /// The body at the start of `bytes` and its encoded length; `None` while it is incomplete.
    fn decode(self, bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, String> {
        match self {
            Self::Length(length) => Ok(bytes.get(..length).map(|body| (body.to_vec(), length))),
            Self::Chunked => decode_chunks(bytes),
            Self::UntilEnd => Ok(None),
        }
    }
}

fn decode_chunks(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, String> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(line) = find(rest, b"\r\n") else {
            return Ok(None);
        };
        let size = String::from_utf8_lossy(rest.get(..line).unwrap_or_default()).into_owned();
        let size = usize::from_str_radix(&size, 16).map_err(|_| format!("chunk size {size:?}"))?;
        let start = line + 2;
        let Some(chunk) = rest.get(start..start.saturating_add(size).saturating_add(2)) else {
            return Ok(None);
        };
        at += start + size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
        body.extend(chunk.iter().take(size));
    }
}

fn parse_status(line: &str) -> Option<u16> {
    let mut words = line.split(' ');
    words
        .next()
        .filter(|version| version.starts_with("HTTP/1."))?;
    words.next()?.parse().ok()
}

fn parse_header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.to_owned(), value.trim().to_owned()))
}

/// Position of the first `needle` in `bytes`.
pub(crate) fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes
        .windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_as_told() {
        let get = Request::new("GET", "/x/?EIO=4")
            .header("A", "1")
            .header("a", "2");
        assert_eq!(
            get.encode("h:1"),
            b"GET /x/?EIO=4 HTTP/1.1\r\nHost: h:1\r\na: 2\r\n\r\n"
        );
        let post = Request::new("POST", "/").chunked(&[b"4he", b"llo"]);
        let text = String::from_utf8(post.encode("h")).unwrap();
        assert!(
            text.ends_with("chunked\r\n\r\n3\r\n4he\r\n3\r\nllo\r\n0\r\n\r\n"),
            "{text}"
        );
    }

    #[test]
    fn a_head_is_read_only_when_complete() {
        let bytes = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nok";
        for length in 0..45 {
            assert_eq!(Head::parse(&bytes[..length]), Ok(None), "{length}");
        }
        let (head, length) = Head::parse(bytes).unwrap().unwrap();
        assert_eq!((head.status, length), (400, 47));
        assert_eq!(head.framing("GET"), Framing::Length(2));
        assert_eq!(head.framing("HEAD"), Framing::Length(0));
    }

    #[test]
    fn a_broken_head_is_an_error() {
        assert!(Head::parse(b"garbage\r\n\r\n").is_err());
        assert!(Head::parse(b"HTTP/1.1 abc\r\n\r\n").is_err());
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n").is_err());
    }

    #[test]
    fn chunks_are_joined() {
        let bytes = b"3\r\n4he\r\n3\r\nllo\r\n0\r\n\r\nnext";
        assert_eq!(decode_chunks(bytes), Ok(Some((b"4hello".to_vec(), 21))));
        for length in 0..21 {
            assert_eq!(decode_chunks(&bytes[..length]), Ok(None), "{length}");
        }
        assert!(decode_chunks(b"zz\r\n").is_err());
    }
}
