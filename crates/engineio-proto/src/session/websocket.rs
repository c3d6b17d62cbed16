//! WebSocket as the transport: frames in, slices out, and the limit on a blocked write.

use std::time::Instant;

use bytes::Bytes;

use super::{
    CloseCode, CloseReason, Frame, Link, Output, Session, WebSocketId,
    close::Farewell,
    heartbeat::PUNCTUAL,
    polling::Polling,
    transmit::{self, Transmit},
    wire::Wire,
};
use crate::{BinaryFrames, Packet, PacketError, RequestError};

/// The WebSocket that is the session's transport.
pub(super) struct Socket {
    pub(super) wire: Wire,
    /// Since when bytes wait without any having gone out.
    waiting_since: Option<Instant>,
    /// The transport before, while its last upload is running.
    before: Option<Box<Polling>>,
}

impl Socket {
    pub(super) fn new(wire: Wire) -> Self {
        Self {
            wire,
            waiting_since: None,
            before: None,
        }
    }

    pub(super) fn keep_upload(&mut self, polling: Box<Polling>) {
        self.before = Some(polling).filter(|polling| polling.is_uploading());
    }

    pub(super) fn last_upload(&mut self) -> Option<&mut Polling> {
        self.before.as_deref_mut()
    }

    /// Lets go of the transport before once its last upload has ended.
    pub(super) fn forget_ended_upload(&mut self) {
        self.before.take_if(|polling| !polling.is_uploading());
    }

    pub(super) fn waiting_since(&self) -> Option<Instant> {
        self.waiting_since
    }
}

impl Session {
    /// A WebSocket request for this session has arrived and will be answered with 101.
    ///
    /// `binary` is what the request says of it: [`OpenRequest::binary_frames`] for a handshake,
    /// [`ExistingKind::WebSocket`] for an upgrade.
    ///
    /// Must come before the 101 goes out. One WebSocket too many is accepted and closed at once by
    /// an [`Output::CloseWebSocket`], which disturbs nothing else (EIO4 2.10).
    ///
    /// # Errors
    ///
    /// [`RequestError::BadRequest`] if upgrades are switched off;
    /// [`RequestError::SessionIdUnknown`] if the session has ended.
    ///
    /// [`OpenRequest::binary_frames`]: crate::OpenRequest::binary_frames
    /// [`ExistingKind::WebSocket`]: crate::ExistingKind::WebSocket
    pub fn handle_websocket(
        &mut self,
        now: Instant,
        id: WebSocketId,
        binary: BinaryFrames,
    ) -> Result<(), RequestError> {
        self.look_at_clock(now)?;
        let is_closing = self.is_closing();
        match &self.link {
            Link::Awaited(open) => {
                let mut wire = Wire::new(id, binary);
                wire.push(open.websocket_frame(self.version));
                self.outbox.prepare_for(binary);
                self.link = Link::WebSocket(Socket::new(wire));
                self.queued(now);
                Ok(())
            }
            Link::Polling(_) if !is_closing => self.offer_upgrade(now, id, binary),
            _ => {
                self.close_websocket(id);
                Ok(())
            }
        }
    }

    /// A whole data frame has arrived. Frames of WebSockets that the session has let go of are
    /// ignored.
    pub fn handle_frame(&mut self, now: Instant, id: WebSocketId, frame: Frame) {
        match &self.link {
            Link::WebSocket(socket) if socket.wire.id() == id => self.handle_own_frame(now, frame),
            Link::Polling(_) => self.handle_probe(now, id, frame),
            _ => {}
        }
    }

    /// The framing library wants a whole control frame sent: a pong or a close.
    ///
    /// It goes out between entries. Of several pongs only the last one is owed.
    pub fn handle_control(&mut self, now: Instant, id: WebSocketId, frame: Bytes) {
        let wire = match &mut self.link {
            Link::WebSocket(socket) => Some(&mut socket.wire),
            Link::Polling(polling) => polling.upgrade.wire_mut(),
            _ => None,
        };
        if let Some(wire) = wire
            && wire.id() == id
        {
            wire.push_control(frame);
            self.queued(now);
        }
    }

    /// A WebSocket is gone: closed by the peer, broken, or refused before its 101.
    ///
    /// If it was the transport, the session ends; if it was only probed, polling lives on.
    pub fn handle_websocket_closed(&mut self, _now: Instant, id: WebSocketId) {
        match &mut self.link {
            Link::WebSocket(socket) if socket.wire.id() == id => {
                self.end(CloseReason::TransportClose, Farewell::Gone);
            }
            Link::Polling(polling) => polling.upgrade.forget(id),
            _ => {}
        }
    }

    /// A WebSocket broke the rules of RFC 6455, or a limit; `code` is what the driver tells it. As
    /// [`Session::handle_websocket_closed`], with [`CloseReason::MessageTooLarge`] for
    /// [`CloseCode::TooBig`] and [`CloseReason::TransportError`] for every other code.
    pub fn handle_websocket_error(&mut self, now: Instant, id: WebSocketId, code: CloseCode) {
        let reason = match code {
            CloseCode::TooBig => CloseReason::MessageTooLarge,
            _ => CloseReason::TransportError,
        };
        match &self.link {
            Link::WebSocket(socket) if socket.wire.id() == id => self.end(reason, Farewell::Gone),
            _ => self.handle_websocket_closed(now, id),
        }
    }

    /// What should go out next on a WebSocket, at most `budget` bytes; none if nothing waits.
    ///
    /// Write it, then call [`Session::transmitted`].
    pub fn poll_transmit(&mut self, budget: usize) -> Option<Transmit<'_>> {
        let (wire, outbox) = match &self.link {
            Link::WebSocket(socket) => (&socket.wire, Some(&self.outbox)),
            Link::Polling(polling) => (polling.upgrade.wire()?, None),
            _ => return None,
        };
        let waits = !wire.is_empty() || outbox.is_some_and(|outbox| !outbox.is_empty());
        waits.then_some(Transmit {
            wire,
            outbox,
            version: self.version,
            budget,
        })
    }

    /// So many bytes of the last [`Session::poll_transmit`] were written; 0 if the socket took
    /// none.
    pub fn transmitted(&mut self, now: Instant, bytes: usize) {
        match &mut self.link {
            Link::WebSocket(socket) if bytes > 0 => {
                transmit::count(&mut socket.wire, &mut self.outbox, self.version, bytes);
                socket.waiting_since = None;
                self.queued(now);
                self.close_if_flushed();
            }
            Link::Polling(_) => self.probe_transmitted(bytes),
            _ => {}
        }
    }

    /// False while a frame is half written, also if the session ended in the middle of it: then a
    /// close frame would land inside it, and the connection can only be dropped.
    pub fn between_frames(&self) -> bool {
        match &self.link {
            Link::WebSocket(socket) => !self.outbox.is_mid_entry() && !socket.wire.is_mid_frame(),
            Link::Polling(polling) => polling
                .upgrade
                .wire()
                .is_none_or(|wire| !wire.is_mid_frame()),
            Link::Gone { between_frames, .. } => *between_frames,
            Link::Awaited(_) => true,
        }
    }

    /// Notes that bytes wait from now on, if none did before.
    pub(super) fn queued(&mut self, now: Instant) {
        if let Link::WebSocket(socket) = &mut self.link
            && !(socket.wire.is_empty() && self.outbox.is_empty())
        {
            socket.waiting_since.get_or_insert(now);
        }
    }

    pub(super) fn write_deadline(&self) -> Option<Instant> {
        let Link::WebSocket(socket) = &self.link else {
            return None;
        };
        socket
            .waiting_since()
            .map(|since| since + self.config.limits.blocked_write)
    }

    /// Ends a session whose WebSocket has taken nothing for too long.
    pub(super) fn check_write(&mut self, now: Instant) {
        let Some(deadline) = self.write_deadline() else {
            return;
        };
        if now < deadline {
            return;
        }
        let limit = self.config.limits.blocked_write;
        if now - deadline <= PUNCTUAL.min(limit / 2) {
            return self.end(CloseReason::WriteTimeout, Farewell::Close);
        }
        // The process stood still and has not even tried to write.
        if let Link::WebSocket(socket) = &mut self.link {
            socket.waiting_since = Some(now);
        }
    }

    pub(super) fn close_websocket(&mut self, id: WebSocketId) {
        self.outputs.push_back(Output::CloseWebSocket {
            id,
            code: CloseCode::NoStatus,
        });
    }

    pub(super) fn parse_frame(&self, frame: Frame) -> Result<Option<Packet>, PacketError> {
        match frame {
            Frame::Text(text) => Packet::decode_text(self.version, text).map(Some),
            Frame::Binary(bytes) => Packet::decode_binary(self.version, bytes),
        }
    }

    fn handle_own_frame(&mut self, now: Instant, frame: Frame) {
        match self.parse_frame(frame) {
            Ok(Some(packet)) => self.handle_packet(now, packet),
            Ok(None) => {}
            Err(_) if self.is_closing() => {}
            Err(_) => self.end(CloseReason::ParseError, Farewell::Close),
        }
    }
}
