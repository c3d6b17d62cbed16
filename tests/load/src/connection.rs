//! One WebSocket client: handshake, Socket.IO connect, then frames both ways.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    Target,
    wire::{self, Revision},
};

/// Fewer than a server's inbox may hold.
const JOINS_AT_ONCE: usize = 256;

/// A connected client of namespace `/`.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    start: usize,
}

impl Connection {
    /// Connects by WebSocket alone.
    pub(crate) async fn open(target: &Target) -> io::Result<Self> {
        let mut connection = Self::handshake(target, "").await?;
        connection.expect(b"0{").await?;
        connection.join_root(target.eio).await?;
        Ok(connection)
    }

    /// The WebSocket handshake, with a sid in the query for an upgrade.
    pub(crate) async fn handshake(target: &Target, query: &str) -> io::Result<Self> {
        let stream = connect(target.address).await?;
        let mut connection = Self {
            stream,
            buffer: Vec::new(),
            start: 0,
        };
        let request = format!(
            "GET {}?EIO={}&transport=websocket{query} HTTP/1.1\r\nHost: {}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            target.path,
            target.eio.number(),
            target.address,
        );
        connection.stream.write_all(request.as_bytes()).await?;
        connection.skip_head().await?;
        Ok(connection)
    }

    /// Revision 3 servers connect the root by themselves; revision 4 clients ask.
    pub(crate) async fn join_root(&mut self, revision: Revision) -> io::Result<()> {
        if revision == Revision::V4 {
            self.send("40").await?;
        }
        self.expect(b"40").await
    }

    pub(crate) async fn send(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(&wire::frame(text)).await
    }

    pub(crate) async fn send_bytes(&mut self, frames: &[u8]) -> io::Result<()> {
        self.stream.write_all(frames).await
    }

    /// Joins a room and waits for the ack.
    pub(crate) async fn join(&mut self, topic: &str) -> io::Result<()> {
        self.send(&format!(r#"420["join","{topic}"]"#)).await?;
        self.expect(b"430").await
    }

    /// Joins many rooms, some hundreds at a time.
    pub(crate) async fn join_all(
        &mut self,
        topics: impl Iterator<Item = String>,
    ) -> io::Result<()> {
        let topics: Vec<String> = topics.collect();
        for topics in topics.chunks(JOINS_AT_ONCE) {
            let mut burst = Vec::new();
            for topic in topics {
                burst.extend(wire::frame(&format!(r#"420["join","{topic}"]"#)));
            }
            self.send_bytes(&burst).await?;
            for _ in topics {
                self.expect(b"430").await?;
            }
        }
        Ok(())
    }

    /// Reads frames until one starts with `prefix`.
    pub(crate) async fn expect(&mut self, prefix: &[u8]) -> io::Result<()> {
        while !self.next().await?.starts_with(prefix) {}
        Ok(())
    }

    /// The next text; pings of revision 4 are answered on the way.
    pub(crate) async fn next(&mut self) -> io::Result<&[u8]> {
        loop {
            match wire::parse_frame(&self.buffer[self.start..]) {
                Some((b"2", taken)) => {
                    self.start += taken;
                    self.send("3").await?;
                }
                Some((text, taken)) => {
                    let end = self.start + taken;
                    let from = end - text.len();
                    self.start = end;
                    return Ok(&self.buffer[from..end]);
                }
                None => self.fill().await?,
            }
        }
    }

    /// Reads more; an idle connection keeps no buffer.
    async fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.buffer.is_empty() {
            self.stream.readable().await?;
        }
        self.buffer.reserve(4096);
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    async fn skip_head(&mut self) -> io::Result<()> {
        loop {
            if let Some(end) = self
                .buffer
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
            {
                if !self.buffer.starts_with(b"HTTP/1.1 101") {
                    let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
                    return Err(io::Error::other(head));
                }
                self.start = end + 4;
                return Ok(());
            }
            self.fill().await?;
        }
    }
}

/// A connection that sends at once.
pub(crate) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
