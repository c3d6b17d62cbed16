//! HTTP/1.1 requests, right and wrong, and the connections that wait for their answers.

use super::Connection;
use super::connection::Fill;
use super::response::{Framing, Head, Response};
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
}
