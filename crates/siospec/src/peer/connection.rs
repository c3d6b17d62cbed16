//! One TCP connection with its read buffer, its deadlines and its place in the transcript.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::case::Failure;
use crate::transcript::{Direction, Transcript};

/// A numbered connection. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    number: usize,
    transcript: Transcript,
    patience: Duration,
    buffer: Vec<u8>,
}

/// What a wait for more bytes ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    More,
    /// The server closed or reset the connection.
    End,
    /// The deadline passed.
    Silence,
}

impl Connection {
    pub(crate) fn new(
        stream: TcpStream,
        number: usize,
        transcript: Transcript,
        patience: Duration,
    ) -> Self {
        Self {
            stream,
            number,
            transcript,
            patience,
            buffer: Vec::new(),
        }
    }

    /// Writes and records `bytes`.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.transcript.record(self.number, Direction::Sent, bytes);
        self.write_unrecorded(bytes)
    }

    /// Writes bytes whose meaning the caller records itself. A server may answer and close before it
    /// has read everything, so a closed connection is left for the next read to find.
    pub(crate) fn write_unrecorded(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stream.set_write_timeout(Some(self.patience))?;
        match self.stream.write_all(bytes) {
            Err(error) if !is_end(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Reads whatever comes next into the buffer, at most until `deadline`.
    pub(crate) fn fill(&mut self, deadline: Instant) -> Result<Fill, Failure> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Fill::Silence);
        }
        self.stream.set_read_timeout(Some(left))?;
        let mut chunk = [0; 16 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => Ok(Fill::End),
            Ok(count) => {
                self.buffer.extend(chunk.iter().take(count));
                Ok(Fill::More)
            }
            Err(error) => ended(error),
        }
    }

    /// The moment until which an owed answer is waited for.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }

    pub(crate) fn buffer(&self) -> &[u8] {
        &self.buffer
    }

    /// Removes and returns the first `count` bytes of the buffer.
    pub(crate) fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(count.min(self.buffer.len()));
        std::mem::replace(&mut self.buffer, rest)
    }

    pub(crate) fn note(&self, direction: Direction, text: impl Into<String>) {
        self.transcript.note(self.number, direction, text);
    }
}

fn ended(error: io::Error) -> Result<Fill, Failure> {
    match error.kind() {
        _ if is_end(&error) => Ok(Fill::End),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Ok(Fill::Silence),
        io::ErrorKind::Interrupted => Ok(Fill::More),
        _ => Err(error.into()),
    }
}

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset
    )
}
