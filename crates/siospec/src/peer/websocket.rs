//! A WebSocket client (RFC 6455) that can break every rule of framing.

use std::time::{Duration, Instant};

use super::Peer;
use super::connection::{Connection, Fill};
use super::http::{Request, Response};
use crate::case::{Check, Failure, ensure};
use crate::transcript::{Direction, printable};

/// Nonce and proof of RFC 6455 1.3: with a fixed nonce the right answer is a constant.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Masking key of all our frames; any value is legal.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// One frame as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) fin: bool,
    /// The three reserved bits.
    pub(crate) rsv: u8,
    pub(crate) opcode: u8,
    mask: Option<[u8; 4]>,
    /// The length announced, when it is not the payload's.
    declared: Option<u64>,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) const CONTINUATION: u8 = 0;
    pub(crate) const TEXT: u8 = 1;
    pub(crate) const BINARY: u8 = 2;
    pub(crate) const CLOSE: u8 = 8;
    pub(crate) const PING: u8 = 9;
    pub(crate) const PONG: u8 = 10;

    /// A final, masked frame.
    pub(crate) fn new(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        let payload = payload.into();
        Self {
            fin: true,
            rsv: 0,
            opcode,
            mask: Some(MASK),
            declared: None,
            payload,
        }
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::new(Self::TEXT, text)
    }

    pub(crate) fn close(code: u16) -> Self {
        Self::new(Self::CLOSE, code.to_be_bytes())
    }

    /// The same frame with more of the message to follow.
    pub(crate) fn unfinished(self) -> Self {
        Self { fin: false, ..self }
    }

    pub(crate) fn unmasked(self) -> Self {
        Self { mask: None, ..self }
    }

    pub(crate) fn reserved(self, rsv: u8) -> Self {
        Self { rsv, ..self }
    }

    /// The same frame with a length that is not true.
    pub(crate) fn declaring(self, length: u64) -> Self {
        Self {
            declared: Some(length),
            ..self
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mask_bit = if self.mask.is_some() { 0x80 } else { 0 };
        let mut bytes = vec![u8::from(self.fin) << 7 | self.rsv << 4 | self.opcode];
        let length = self.declared.unwrap_or(self.payload.len() as u64);
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ ..=125), _) => bytes.push(mask_bit | short),
            (_, Ok(medium)) => {
                bytes.push(mask_bit | 126);
                bytes.extend(medium.to_be_bytes());
            }
            _ => {
                bytes.push(mask_bit | 127);
                bytes.extend(length.to_be_bytes());
            }
        }
        bytes.extend(self.mask.iter().flatten());
        bytes.extend(masked(&self.payload, self.mask));
        bytes
    }

    /// The frame at the start of `bytes` and its length; `None` while it is incomplete.
    pub(crate) fn decode(bytes: &[u8]) -> Option<(Self, usize)> {
        let (&first, &second) = (bytes.first()?, bytes.get(1)?);
        let (length, mut at) = match second & 0x7f {
            126 => (
                u64::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
                4,
            ),
            127 => (u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?), 10),
            short => (u64::from(short), 2),
        };
        let mut mask = None;
        if second & 0x80 != 0 {
            mask = Some(*bytes.get(at..)?.first_chunk()?);
            at += 4;
        }
        let end = at.checked_add(usize::try_from(length).ok()?)?;
        let payload = masked(bytes.get(at..end)?, mask);
        let (fin, rsv, opcode) = (first & 0x80 != 0, first >> 4 & 7, first & 0xf);
        Some((
            Self {
                fin,
                rsv,
                opcode,
                mask,
                declared: None,
                payload,
            },
            end,
        ))
    }

    /// Why a server must not send this frame outside an extension (RFC 6455 5.1, 5.2, 5.5).
    fn violation(&self) -> Option<&'static str> {
        let control = self.opcode >= Self::CLOSE;
        match self.opcode {
            _ if self.mask.is_some() => Some("a masked frame from the server"),
            _ if self.rsv != 0 => Some("a frame with reserved bits"),
            3..=7 | 11.. => Some("a frame with an unknown opcode"),
            _ if control && (!self.fin || self.payload.len() > 125) => Some("a bad control frame"),
            _ => None,
        }
    }
}

fn masked(payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let Some(mask) = mask else {
        return payload.to_vec();
    };
    payload
        .iter()
        .zip(mask.iter().cycle())
        .map(|(byte, key)| byte ^ key)
        .collect()
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(frame: &Frame) -> usize {
        let bytes = frame.encode();
        for length in 0..bytes.len() {
            assert_eq!(Frame::decode(&bytes[..length]), None, "{length} bytes");
        }
        assert_eq!(Frame::decode(&bytes), Some((frame.clone(), bytes.len())));
        bytes.len()
    }

    #[test]
    fn the_example_of_the_rfc() {
        let bytes = [
            0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
        ];
        assert_eq!(Frame::text("Hello").encode(), bytes);
        let unmasked = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
        assert_eq!(Frame::text("Hello").unmasked().encode(), unmasked);
    }

    #[test]
    fn lengths_take_the_shortest_form() {
        assert_eq!(
            round_trip(&Frame::new(Frame::BINARY, [7; 125])),
            2 + 4 + 125
        );
        assert_eq!(
            round_trip(&Frame::new(Frame::BINARY, [7; 126])),
            4 + 4 + 126
        );
        assert_eq!(
            round_trip(&Frame::new(Frame::BINARY, vec![7; 70_000])),
            10 + 4 + 70_000
        );
    }

    #[test]
    fn wrong_frames_are_possible() {
        let frame = Frame::text("x").unfinished().reserved(4).unmasked();
        assert_eq!(frame.encode(), [0x41, 1, b'x']);
        let lying = Frame::new(Frame::BINARY, []).unmasked().declaring(1 << 62);
        assert_eq!(lying.encode(), [0x82, 127, 0x40, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn illegal_frames_of_a_server_are_noticed() {
        assert_eq!(Frame::text("x").unmasked().violation(), None);
        assert!(Frame::text("x").violation().is_some());
        assert!(
            Frame::text("x")
                .unmasked()
                .reserved(4)
                .violation()
                .is_some()
        );
        assert!(Frame::new(11, []).unmasked().violation().is_some());
        assert!(
            Frame::new(Frame::PING, [])
                .unmasked()
                .unfinished()
                .violation()
                .is_some()
        );
    }
}
