//! The end of a session: one reason, told once.

use std::{mem, time::Instant};

use super::{CloseReason, Event, Link, Output, Session, upgrade::Upgrade};
use crate::Packet;

/// How far a session is in its life.
#[derive(Clone, Copy)]
pub(super) enum Phase {
    Open,
    /// The application has closed it; what is queued still goes out.
    Closing {
        reason: CloseReason,
        until: Instant,
    },
    Closed,
}

/// What the transport is told at the end.
#[derive(Clone, Copy)]
pub(super) enum Farewell {
    /// A parked poll gets a close packet, a WebSocket is closed.
    Close,
    /// A parked poll gets a noop: the client itself has said close (EIO4 2.5).
    Noop,
    /// The poll that ends a graceful close gets both (EIO4 2.7).
    NoopAndClose,
    /// Nothing: the WebSocket is gone.
    Gone,
}

impl Session {
    /// Ends the session after what is queued has gone out, within
    /// [`Limits::close_timeout`](crate::Limits::close_timeout).
    ///
    /// On polling the last thing is a close packet: for the parked poll if nothing is queued,
    /// otherwise for the poll after the data. Messages that arrive from now on are ignored;
    /// a client that says close itself gets no more.
    pub fn close(&mut self, now: Instant, reason: CloseReason) {
        if !matches!(self.phase, Phase::Open) {
            return;
        }
        let until = now + self.config.limits.close_timeout;
        self.phase = Phase::Closing { reason, until };
        if let Link::Polling(polling) = &mut self.link {
            polling.forget_heartbeats();
        }
        self.close_if_flushed();
    }

    /// Ends the session now: what is queued is dropped.
    pub fn abort(&mut self, _now: Instant, reason: CloseReason) {
        self.end(reason, Farewell::Close);
    }

    /// Goes from closing to closed once nothing is queued and the client can be told.
    pub(super) fn close_if_flushed(&mut self) {
        let Phase::Closing { reason, .. } = self.phase else {
            return;
        };
        let can_be_told = match &self.link {
            Link::Polling(polling) => polling.parked.is_some(),
            Link::WebSocket(socket) => socket.wire.is_empty(),
            Link::Awaited(_) | Link::Gone { .. } => true,
        };
        if can_be_told && self.outbox.is_empty() {
            self.end(reason, Farewell::Close);
        }
    }

    /// The one way to the end. A reason given by [`Session::close`] stands.
    pub(super) fn end(&mut self, reason: CloseReason, farewell: Farewell) {
        let reason = match self.phase {
            Phase::Open => reason,
            Phase::Closing { reason, .. } => reason,
            Phase::Closed => return,
        };
        self.phase = Phase::Closed;
        self.tell_transport(farewell);
        let gone = Link::Gone {
            transport: self.transport(),
            between_frames: self.between_frames(),
        };
        self.link = gone;
        self.outbox = Default::default();
        self.outputs.push_back(Output::Event(Event::Closed(reason)));
    }

    fn tell_transport(&mut self, farewell: Farewell) {
        match (&mut self.link, farewell) {
            (
                Link::WebSocket(socket),
                Farewell::Close | Farewell::Noop | Farewell::NoopAndClose,
            ) => {
                let id = socket.wire.id();
                self.close_websocket(id);
            }
            (Link::Polling(polling), _) => {
                let upgrade = mem::replace(&mut polling.upgrade, Upgrade::Idle);
                self.reply_to_poll(farewell.packets());
                if let Some(wire) = upgrade.wire() {
                    self.close_websocket(wire.id());
                }
            }
            _ => {}
        }
    }
}

impl Farewell {
    fn packets(self) -> Vec<Packet> {
        match self {
            Self::Noop => vec![Packet::Noop],
            Self::NoopAndClose => vec![Packet::Noop, Packet::Close],
            Self::Close | Self::Gone => vec![Packet::Close],
        }
    }
}
