//! What a test sees of a session: answers, frames, events and the end.

use bytes::Bytes;

use super::{Harness, separated};
use crate::{CloseReason, Data, Event, Payload, PollId, RequestError, WebSocketId};

#[derive(Default)]
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
}
impl Harness {
    /// The last GET was answered with this payload.
    #[track_caller]
    pub(in super::super) fn expect_poll(&mut self, body: &str) {
        let id = self.get.expect("there was a GET");
        self.expect_poll_of(id, body);
    }

    #[track_caller]
    pub(in super::super) fn expect_poll_of(&mut self, id: PollId, body: &str) {
        let payload = self.answers.remove(&id).expect("the GET is answered");
        assert_eq!(String::from_utf8_lossy(&payload.body), separated(body));
    }

    #[track_caller]
    pub(in super::super) fn poll_payload(&mut self) -> Payload {
        let id = self.get.expect("there was a GET");
        self.answers.remove(&id).expect("the GET is answered")
    }

    #[track_caller]
    pub(in super::super) fn expect_parked(&self) {
        let id = self.get.expect("there was a GET");
        assert!(
            !self.answers.contains_key(&id),
            "answered: {:?}",
            self.answers
        );
    }

    #[track_caller]
    pub(in super::super) fn expect_frame(&mut self, ws: WebSocketId, frame: &str) {
        assert_eq!(self.next_frame(ws).as_deref(), Some(frame));
    }

    #[track_caller]
    pub(in super::super) fn expect_no_frame(&mut self, ws: WebSocketId) {
        assert_eq!(self.next_frame(ws), None);
    }

    #[track_caller]
    pub(in super::super) fn expect_websocket_closed(&mut self, ws: WebSocketId) {
        let place = self.closed_sockets.iter().position(|closed| *closed == ws);
        self.closed_sockets
            .remove(place.expect("the WebSocket is closed"));
    }

    #[track_caller]
    pub(in super::super) fn expect_websocket_open(&self, ws: WebSocketId) {
        assert!(!self.closed_sockets.contains(&ws));
    }

    #[track_caller]
    pub(in super::super) fn expect_message(&mut self, text: &str) {
        assert_eq!(
            self.events.pop_front(),
            Some(Event::Message(Data::Text(text.into())))
        );
    }

    #[track_caller]
    pub(in super::super) fn expect_binary(&mut self, bytes: &[u8]) {
        let data = Data::Binary(Bytes::copy_from_slice(bytes));
        assert_eq!(self.events.pop_front(), Some(Event::Message(data)));
    }

    #[track_caller]
    pub(in super::super) fn expect_upgraded(&mut self) {
        assert_eq!(self.events.pop_front(), Some(Event::Upgraded));
    }

    #[track_caller]
    pub(in super::super) fn expect_closed(&mut self, reason: CloseReason) {
        assert_eq!(self.events.pop_front(), Some(Event::Closed(reason)));
        assert_eq!(self.events.pop_front(), None);
        assert_eq!(self.session.poll_timeout(), None);
        assert_eq!(self.session.queued_bytes(), 0);
        assert_eq!(self.try_get(), Err(RequestError::SessionIdUnknown));
    }

    /// The session lives and the application has seen everything.
    #[track_caller]
    pub(in super::super) fn expect_alive(&self) {
        assert_eq!(self.events, []);
        assert!(!self.session.is_closed());
    }

    /// The next whole frame: a text frame's text, otherwise its opcode and bytes.
    pub(in super::super) fn next_frame(&mut self, ws: WebSocketId) -> Option<String> {
        self.frames.get_mut(&ws)?.next()
    }
}

impl Received {
    fn next(&mut self) -> Option<String> {
        let (opcode, head, length) = match *self.bytes.as_slice() {
            [opcode, 126, high, low, ..] => {
                (opcode, 4, usize::from(u16::from_be_bytes([high, low])))
            }
            [opcode, 127, a, b, c, d, e, f, g, h, ..] => (
                opcode,
                10,
                u64::from_be_bytes([a, b, c, d, e, f, g, h]) as usize,
            ),
            [opcode, length @ 0..=125, ..] => (opcode, 2, usize::from(length)),
            _ => return None,
        };
        if self.bytes.len() < head + length {
            return None;
        }
        let frame: Vec<u8> = self.bytes.drain(..head + length).skip(head).collect();
        Some(match opcode {
            0x81 => String::from_utf8(frame).expect("text frames hold UTF-8"),
            opcode => format!("{opcode:x} {frame:02x?}"),
        })
    }
}
