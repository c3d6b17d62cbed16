//! One HTTP/1.1 connection that is kept: a request, then its answer.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::connection;

/// A connection and what came on it.
pub(crate) struct Http {
    stream: TcpStream,
    host: String,
    buffer: Vec<u8>,
}

impl Http {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            stream: connection::connect(address).await?,
            host: address.to_string(),
            buffer: Vec::new(),
        })
    }

    pub(crate) async fn get(&mut self, target: &str) -> io::Result<Vec<u8>> {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        self.exchange(&request).await
    }

    /// Header lines end with CR LF each.
    pub(crate) async fn post(
        &mut self,
        target: &str,
        headers: &str,
        body: &str,
    ) -> io::Result<Vec<u8>> {
        let request = format!(
            "POST {target} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.exchange(&request).await
    }

    /// The body of the answer; a status beyond 2xx is an error.
    async fn exchange(&mut self, request: &str) -> io::Result<Vec<u8>> {
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        let (head, length) = loop {
            match parse_head(&self.buffer)? {
                Some(found) => break found,
                None => self.fill().await?,
            }
        };
        while self.buffer.len() < head + length {
            self.fill().await?;
        }
        Ok(self.buffer[head..].to_vec())
    }

    async fn fill(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// The lengths of a complete head and of the body that it announces.
fn parse_head(buffer: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&buffer[..end]);
    if !head.starts_with("HTTP/1.1 2") {
        return Err(io::Error::other(head.into_owned()));
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let length = || value.trim().parse().ok();
        name.eq_ignore_ascii_case("content-length")
            .then(length)
            .flatten()
    });
    // Without it the answer would be chunked, which no server does to these requests.
    let length = length.ok_or_else(|| io::Error::other(format!("no Content-Length in {head}")))?;
    Ok(Some((end + 4, length)))
}

#[cfg(test)]
mod tests {
    use super::parse_head;

    #[test]
    fn a_head_tells_the_length_of_its_body() {
        let answer = b"HTTP/1.1 201 Created\r\ncontent-length: 9\r\n\r\n{\"ok\"";
        assert_eq!(parse_head(answer).unwrap(), Some((43, 9)));
        assert_eq!(parse_head(&answer[..40]).unwrap(), None);
        assert!(parse_head(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n").is_err());
        assert!(parse_head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
