//! Long polling: one parked GET, one POST at a time (EIO4 2.7).
//!
//! Owns what is particular to the polling transport; what waits to be sent is the outbox's.

use std::{mem, time::Instant};

use bytes::Bytes;

use super::{
    CloseReason, Link, Output, PollId, PostBody, PostTicket, Session,
    close::Farewell,
    opening::Opening,
    upgrade::Upgrade,
    wire::{PONG, Wire},
};
use crate::{LegacyText, Packet, Payload, PayloadError, PollEncoding, RequestError};

/// The polling transport of one session.
pub(super) struct Polling {
    pub(super) encoding: PollEncoding,
    legacy: LegacyText,
    /// The open packet, until the first poll takes it.
    opening: Option<Opening>,
    pub(super) parked: Option<PollId>,
    uploads: Uploads,
    /// Pings and pongs that wait for a poll; they overtake what is queued.
    heartbeats: Vec<Packet>,
    pub(super) upgrade: Upgrade,
}

/// POSTs: at most one is running.
#[derive(Default)]
struct Uploads {
    running: Option<u64>,
    started: u64,
}

impl Polling {
    pub(super) fn new(encoding: PollEncoding, opening: Opening) -> Self {
        Self {
            encoding,
            legacy: LegacyText::default(),
            opening: Some(opening),
            parked: None,
            uploads: Uploads::default(),
            heartbeats: Vec::new(),
            upgrade: Upgrade::Idle,
        }
    }

    /// Queues a ping, unless the last one still waits.
    pub(super) fn push_ping(&mut self) {
        if !self
            .heartbeats
            .iter()
            .any(|packet| matches!(packet, Packet::Ping(_)))
        {
            self.heartbeats.push(Packet::Ping("".into()));
        }
    }

    /// Queues a pong. A client that asks faster than it polls gets fewer answers.
    pub(super) fn push_pong(&mut self) {
        if self.heartbeats.len() < MAX_HEARTBEATS {
            self.heartbeats.push(Packet::Pong("".into()));
        }
    }

    /// Puts the heartbeats that wait on the WebSocket that takes over.
    pub(super) fn move_heartbeats(&mut self, wire: &mut Wire) {
        for packet in mem::take(&mut self.heartbeats) {
            match packet {
                Packet::Ping(_) => wire.push_ping(),
                _ => wire.push(Bytes::from_static(PONG)),
            }
        }
    }

    pub(super) fn forget_heartbeats(&mut self) {
        self.heartbeats = Vec::new();
    }

    pub(super) fn take_heartbeats(&mut self) -> Vec<Packet> {
        mem::take(&mut self.heartbeats)
    }

    pub(super) fn is_uploading(&self) -> bool {
        self.uploads.running.is_some()
    }
}

impl Uploads {
    fn start(&mut self) -> Option<PostTicket> {
        if self.running.is_some() {
            return None;
        }
        self.started += 1;
        self.running = Some(self.started);
        Some(PostTicket(self.started))
    }

    /// True if the ticket is that of the running upload, which has ended with this.
    fn end(&mut self, ticket: &PostTicket) -> bool {
        self.running
            .take_if(|running| *running == ticket.0)
            .is_some()
    }
}

impl Session {
    /// A GET has arrived. It is answered by an [`Output::PollReply`] now or later.
    ///
    /// # Errors
    ///
    /// [`RequestError::Overlap`] if one is parked already: that one gets a close packet and the
    /// session ends. [`RequestError::BadRequest`] if polling is not the transport, with nothing
    /// consumed; [`RequestError::SessionIdUnknown`] if the session has ended.
    pub fn handle_poll(&mut self, now: Instant, id: PollId) -> Result<(), RequestError> {
        self.look_at_clock(now)?;
        let Link::Polling(polling) = &mut self.link else {
            return Err(RequestError::BadRequest);
        };
        if polling.parked.is_some() {
            self.end(CloseReason::TransportError, Farewell::Close);
            return Err(RequestError::Overlap);
        }
        polling.parked = Some(id);
        polling.upgrade.poll_parked(now);
        if let Some(opening) = polling.opening.take() {
            self.reply_to_poll(opening.into_packets());
        } else if self.is_closing() && self.outbox.is_empty() {
            self.end(CloseReason::ForcedClose, Farewell::NoopAndClose);
        }
        Ok(())
    }

    /// The client of a GET has gone before its answer: the session ends (EIO4 2.7).
    ///
    /// Harmless for a poll that was answered meanwhile.
    pub fn handle_poll_closed(&mut self, _now: Instant, id: PollId) {
        let Link::Polling(polling) = &mut self.link else {
            return;
        };
        if polling.parked.take_if(|parked| *parked == id).is_some() {
            self.end(CloseReason::TransportError, Farewell::Close);
        }
    }

    /// The head of a POST has arrived.
    ///
    /// # Errors
    ///
    /// [`RequestError::Overlap`] if another one is running: the session ends. Otherwise as
    /// [`Session::handle_poll`].
    pub fn handle_post_start(&mut self, now: Instant) -> Result<PostTicket, RequestError> {
        self.look_at_clock(now)?;
        let Link::Polling(polling) = &mut self.link else {
            return Err(RequestError::BadRequest);
        };
        polling.uploads.start().ok_or_else(|| {
            self.end(CloseReason::TransportError, Farewell::Close);
            RequestError::Overlap
        })
    }

    /// The body of a POST is complete. Its messages are outputs; on success the answer is `ok`.
    ///
    /// # Errors
    ///
    /// [`RequestError::Payload`] if it does not parse: what came before the bad packet is
    /// delivered and the session ends. [`RequestError::BinaryNotAllowed`] for an octet stream in
    /// revision 4: the session ends. [`RequestError::TooLarge`] beyond
    /// [`Limits::max_payload`](crate::Limits::max_payload): nothing is delivered and the session
    /// lives. [`RequestError::SessionIdUnknown`] if the session has ended.
    pub fn handle_post(
        &mut self,
        now: Instant,
        ticket: PostTicket,
        body: PostBody,
    ) -> Result<(), RequestError> {
        self.end_upload(&ticket)?;
        if body.bytes.len() > self.config.limits.max_payload {
            self.forget_ended_upload();
            return Err(RequestError::TooLarge);
        }
        let delivered = self.deliver_payload(now, body);
        self.forget_ended_upload();
        delivered
    }

    /// The body of a POST goes beyond the limit, declared or counted: it is dropped and the
    /// session lives (EIO4 2.7). The answer is [`RequestError::TooLarge`].
    pub fn handle_post_too_large(&mut self, _now: Instant, ticket: PostTicket) {
        // An ended session has nothing that the upload could block.
        let _ = self.end_upload(&ticket);
        self.forget_ended_upload();
    }

    /// The client of a POST has gone before the body was complete: the session ends and nothing
    /// of the body is delivered.
    pub fn handle_post_closed(&mut self, _now: Instant, ticket: PostTicket) {
        if self.end_upload(&ticket).is_ok() {
            self.end(CloseReason::TransportError, Farewell::Close);
        }
    }

    fn deliver_payload(&mut self, now: Instant, body: PostBody) -> Result<(), RequestError> {
        let most = self.config.limits.max_payload_packets;
        let Some(polling) = self.uploading() else {
            return Err(RequestError::SessionIdUnknown);
        };
        let PostBody { content, bytes } = body;
        let decoded = polling
            .encoding
            .decode(content, bytes, &mut polling.legacy, most);
        for packet in decoded.packets {
            self.handle_packet(now, packet);
            if self.is_closed() {
                // What follows a close packet is not even looked at.
                return Ok(());
            }
        }
        let Some(error) = decoded.error.filter(|_| !self.is_closing()) else {
            return Ok(());
        };
        let reason = match error {
            PayloadError::BinaryFraming => CloseReason::TransportError,
            _ => CloseReason::ParseError,
        };
        self.end(reason, Farewell::Close);
        Err(error.into())
    }

    fn end_upload(&mut self, ticket: &PostTicket) -> Result<(), RequestError> {
        let ended = self
            .uploading()
            .is_some_and(|polling| polling.uploads.end(ticket));
        if ended {
            Ok(())
        } else {
            Err(RequestError::SessionIdUnknown)
        }
    }

    fn forget_ended_upload(&mut self) {
        if let Link::WebSocket(socket) = &mut self.link {
            socket.forget_ended_upload();
        }
    }

    /// The polling transport, also after an upgrade while its last upload is running.
    fn uploading(&mut self) -> Option<&mut Polling> {
        match &mut self.link {
            Link::Polling(polling) => Some(polling),
            Link::WebSocket(socket) => socket.last_upload(),
            _ => None,
        }
    }

    /// Answers the parked poll with what waits, if there is both.
    pub(super) fn answer_poll(&mut self) -> Option<Output> {
        let Link::Polling(polling) = &mut self.link else {
            return None;
        };
        let id = polling.parked?;
        let mut packets = polling.take_heartbeats();
        let budget = self.config.limits.max_poll_payload;
        let compressible = self.outbox.take_packets(budget, &mut packets);
        if packets.is_empty() {
            return None;
        }
        polling.parked = None;
        polling.upgrade.poll_answered();
        let payload = Payload {
            compressible,
            ..polling.encoding.encode(&packets)
        };
        Some(Output::PollReply { id, payload })
    }

    /// Answers the parked poll, if there is one, with packets that do not come from the queue.
    pub(super) fn reply_to_poll(&mut self, packets: Vec<Packet>) {
        let Link::Polling(polling) = &mut self.link else {
            return;
        };
        let Some(id) = polling.parked.take() else {
            return;
        };
        polling.upgrade.poll_answered();
        let payload = polling.encoding.encode(&packets);
        self.outputs.push_back(Output::PollReply { id, payload });
    }
}

const MAX_HEARTBEATS: usize = 16;
