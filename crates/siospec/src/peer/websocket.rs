//! A WebSocket client: opening handshake, messages, the end.

use std::time::{Duration, Instant};

use super::Peer;
use super::connection::{Connection, Fill};
use super::frame::Frame;
use super::http::Request;
use super::response::Response;
use crate::case::{Check, Failure, ensure};
use crate::transcript::{Direction, printable};

/// Nonce and proof of RFC 6455 1.3: with a fixed nonce the right answer is a constant.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// What the server did on a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// A close frame with its code, if it had one.
    Close(Option<u16>),
    /// The connection ended without a close frame.
    End,
    /// Nothing came in time.
    Silence,
}

impl std::fmt::Display for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "text {}", printable(text.as_bytes())),
            Self::Binary(bytes) => write!(f, "binary {}", hex(bytes)),
            Self::Ping(bytes) => write!(f, "ping frame {}", hex(bytes)),
            Self::Pong(bytes) => write!(f, "pong frame {}", hex(bytes)),
            Self::Close(None) => f.write_str("close frame without a code"),
            Self::Close(Some(code)) => write!(f, "close frame {code}"),
            Self::End => f.write_str("end of stream"),
            Self::Silence => f.write_str("nothing in time"),
        }
    }
}

/// Whether Engine.IO pings of the server are answered behind the case's back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heartbeat {
    /// `2` is answered with `3` and not shown: the case is about something else.
    Answered,
    /// `2` is shown and not answered: the case is about the heartbeat.
    Shown,
}

/// An open WebSocket.
#[derive(Debug)]
pub(crate) struct WebSocket {
    connection: Connection,
    heartbeat: Heartbeat,
}

impl Peer {
    /// The opening handshake for `<path>?<query>`, to be completed and sent.
    pub(crate) fn upgrading(&self, query: &str) -> Request {
        self.getting(query)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", KEY)
    }

    /// Opens a WebSocket on `<path>?<query>`, which has to work.
    pub(crate) fn websocket(&self, query: &str) -> Result<WebSocket, Failure> {
        let (response, socket) = self.switch(&self.upgrading(query))?;
        response
            .expect_status(101)?
            .expect_header("Sec-WebSocket-Accept", ACCEPT)?;
        Ok(socket)
    }

    /// Sends an opening handshake; the socket is only good if the answer is 101.
    pub(crate) fn switch(&self, request: &Request) -> Result<(Response, WebSocket), Failure> {
        let (response, connection) = self.start(request)?.switch()?;
        Ok((response, WebSocket::over(connection)))
    }
}

impl WebSocket {
    /// The WebSocket on a connection whose handshake is done.
    pub(crate) fn over(connection: Connection) -> Self {
        Self {
            connection,
            heartbeat: Heartbeat::Answered,
        }
    }

    /// Leaves pings to the case.
    pub(crate) fn showing_heartbeat(self) -> Self {
        Self {
            heartbeat: Heartbeat::Shown,
            ..self
        }
    }

    pub(crate) fn send(&mut self, text: &str) -> Check {
        self.send_frame(&Frame::text(text))
    }

    pub(crate) fn send_binary(&mut self, bytes: &[u8]) -> Check {
        self.send_frame(&Frame::new(Frame::BINARY, bytes))
    }

    pub(crate) fn send_frame(&mut self, frame: &Frame) -> Check {
        self.send_frames(std::slice::from_ref(frame))
    }

    /// Sends several frames in one segment.
    pub(crate) fn send_frames(&mut self, frames: &[Frame]) -> Check {
        frames.iter().for_each(|frame| self.note_sent(frame));
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
        self.connection.write_unrecorded(&bytes)
    }

    /// Sends bytes that need not be a frame.
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) -> Check {
        self.connection.write(bytes)
    }

    /// Drops the connection without a closing handshake.
    pub(crate) fn abort(self) {
        self.connection.note(Direction::Sent, "connection dropped");
    }

    /// The next thing the server does.
    pub(crate) fn receive(&mut self) -> Result<Received, Failure> {
        let deadline = self.connection.deadline();
        self.receive_until(deadline)
    }

    /// The next thing the server does before `deadline`.
    pub(crate) fn receive_until(&mut self, deadline: Instant) -> Result<Received, Failure> {
        loop {
            let received = self.read(deadline)?;
            let is_ping = received == Received::Text("2".into());
            if !is_ping || self.heartbeat == Heartbeat::Shown {
                return Ok(received);
            }
            self.send("3")?;
        }
    }

    pub(crate) fn expect(&mut self, text: &str) -> Check {
        self.expect_received(&Received::Text(text.into()))
    }

    pub(crate) fn expect_binary(&mut self, bytes: &[u8]) -> Check {
        self.expect_received(&Received::Binary(bytes.into()))
    }

    pub(crate) fn expect_received(&mut self, expected: &Received) -> Check {
        let received = self.receive()?;
        ensure(
            received == *expected,
            expected.to_string(),
            received.to_string(),
        )
    }

    /// The server ends this WebSocket, with any code or none; a close packet may come before.
    pub(crate) fn expect_closed(&mut self) -> Result<Option<u16>, Failure> {
        loop {
            match self.receive()? {
                Received::Close(code) => return Ok(code),
                Received::End => return Ok(None),
                Received::Text(text) if text == "1" => {}
                other => {
                    return Err(Failure::new(
                        "the WebSocket to be closed",
                        other.to_string(),
                    ));
                }
            }
        }
    }

    /// The server closes with this code.
    pub(crate) fn expect_close_code(&mut self, code: u16) -> Check {
        let received = self.receive()?;
        let expected = Received::Close(Some(code));
        ensure(
            received == expected,
            expected.to_string(),
            received.to_string(),
        )
    }

    /// Nothing but pings comes for this long, and the WebSocket stays open.
    pub(crate) fn expect_silence(&mut self, duration: Duration) -> Check {
        let received = self.receive_until(Instant::now() + duration)?;
        ensure(
            received == Received::Silence,
            "nothing",
            received.to_string(),
        )
    }

    fn note_sent(&self, frame: &Frame) {
        let kind = match frame.opcode {
            Frame::TEXT if frame.fin => return self.note_text(&frame.payload),
            Frame::CONTINUATION => "continuation",
            Frame::TEXT => "unfinished text",
            Frame::BINARY => "binary",
            Frame::CLOSE => "close frame",
            Frame::PING => "ping frame",
            Frame::PONG => "pong frame",
            _ => "frame of unknown opcode",
        };
        self.connection
            .note(Direction::Sent, format!("{kind} {}", hex(&frame.payload)));
    }

    fn note_text(&self, payload: &[u8]) {
        self.connection
            .note(Direction::Sent, format!("text {}", printable(payload)));
    }

    fn read(&mut self, deadline: Instant) -> Result<Received, Failure> {
        let received = self.read_message(deadline)?;
        if received != Received::Silence {
            self.connection
                .note(Direction::Received, received.to_string());
        }
        Ok(received)
    }

    /// Joins fragments; control frames between them are returned first.
    fn read_message(&mut self, deadline: Instant) -> Result<Received, Failure> {
        let first = match self.read_frame(deadline)? {
            Ok(frame) => frame,
            Err(ended) => return Ok(ended),
        };
        let mut payload = first.payload;
        let mut fin = first.fin;
        while !fin {
            match self.read_frame(deadline)? {
                Ok(frame) => {
                    payload.extend(frame.payload);
                    fin = frame.fin;
                }
                Err(ended) => return Ok(ended),
            }
        }
        received(first.opcode, payload)
    }

    fn read_frame(&mut self, deadline: Instant) -> Result<Result<Frame, Received>, Failure> {
        loop {
            if let Some((frame, length)) = Frame::decode(self.connection.buffer()) {
                self.connection.take(length);
                return match frame.violation() {
                    Some(violation) => Err(Failure::new("a legal frame", violation)),
                    None => Ok(Ok(frame)),
                };
            }
            match self.connection.fill(deadline)? {
                Fill::More => {}
                Fill::End => return Ok(Err(Received::End)),
                Fill::Silence => return Ok(Err(Received::Silence)),
            }
        }
    }
}

fn received(opcode: u8, payload: Vec<u8>) -> Result<Received, Failure> {
    match opcode {
        Frame::TEXT => String::from_utf8(payload)
            .map(Received::Text)
            .map_err(|error| Failure::new("UTF-8 in a text frame", hex(error.as_bytes()))),
        Frame::BINARY => Ok(Received::Binary(payload)),
        Frame::CLOSE => Ok(Received::Close(
            payload.first_chunk().copied().map(u16::from_be_bytes),
        )),
        Frame::PING => Ok(Received::Ping(payload)),
        Frame::PONG => Ok(Received::Pong(payload)),
        _ => Err(Failure::new("a message", "a continuation without a start")),
    }
}

fn hex(bytes: &[u8]) -> String {
    let shown: Vec<String> = bytes
        .iter()
        .take(32)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let rest = bytes.len().saturating_sub(32);
    let rest = if rest > 0 {
        format!(" … ({} bytes)", bytes.len())
    } else {
        String::new()
    };
    format!("[{}]{rest}", shown.join(" "))
}
