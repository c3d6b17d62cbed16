//! HTTP/1.1 answers: how they are read from bytes and what is expected of them.

use std::borrow::Cow;

use serde_json::Value;

use crate::case::{Failure, ensure};
use crate::transcript::printable;

/// A complete answer.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(super) headers: Vec<(String, String)>,
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
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
}

impl Head {
    /// The head at the start of `bytes` and its length; `None` while it is incomplete.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, String> {
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

    pub(super) fn framing(&self, method: &str) -> Framing {
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
pub(super) enum Framing {
    Length(usize),
    Chunked,
    UntilEnd,
}

impl Framing {
    /// The body at the start of `bytes` and its encoded length; `None` while it is incomplete.
    pub(super) fn decode(self, bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, String> {
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
fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes
        .windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

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
