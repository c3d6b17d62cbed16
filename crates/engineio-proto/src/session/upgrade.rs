//! The way from polling to WebSocket (EIO4 2.10).
//!
//! ```text
//!          WebSocket came         2probe: answer 3probe          5
//!   Idle ───────────────▶ Opened ───────────────────────▶ Probed ──▶ Link::WebSocket
//!    ▲                      │                               │
//!    └──────────────────────┴───────────────────────────────┘
//!      anything else, gone, or the deadline: only this WebSocket is dropped
//! ```
//!
//! A client that has its `3probe` sends no `5` before its poll has ended, so polls are ended with a
//! noop: the one parked at the probe as soon as `3probe` is out, later ones after a pause that
//! grows, because a noop may overtake `3probe` and the client then polls again.

use std::{
    mem,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{
    Event, Frame, Link, Output, Session, WebSocketId,
    websocket::Socket,
    wire::{PROBE_ANSWER, Wire},
};
use crate::{BinaryFrames, Packet, RequestError};

/// How far a polling session is on its way to WebSocket.
pub(super) enum Upgrade {
    /// No WebSocket.
    Idle,
    /// It is there and has said nothing.
    Opened(Attempt),
    /// Its probe was answered.
    Probed(Attempt, Noops),
}

/// A WebSocket that may become the transport.
pub(super) struct Attempt {
    pub(super) wire: Wire,
    until: Instant,
}

/// When the parked poll is ended to let the client go on.
pub(super) struct Noops {
    next: Release,
    pause: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Release {
    /// As soon as `3probe` is out.
    BehindAnswer,
    /// At this instant.
    At(Instant),
    /// No poll is parked.
    Nothing,
}

impl Upgrade {
    pub(super) fn wire(&self) -> Option<&Wire> {
        match self {
            Self::Idle => None,
            Self::Opened(attempt) | Self::Probed(attempt, _) => Some(&attempt.wire),
        }
    }

    pub(super) fn wire_mut(&mut self) -> Option<&mut Wire> {
        match self {
            Self::Idle => None,
            Self::Opened(attempt) | Self::Probed(attempt, _) => Some(&mut attempt.wire),
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Idle => None,
            Self::Opened(attempt) | Self::Probed(attempt, _) => match self.release() {
                Release::At(at) => Some(at.min(attempt.until)),
                _ => Some(attempt.until),
            },
        }
    }

    /// A poll was parked: while the probe stands it must end soon.
    pub(super) fn poll_parked(&mut self, now: Instant) {
        if let Self::Probed(_, noops) = self {
            noops.next = Release::At(now + noops.pause);
            noops.pause = (noops.pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The parked poll was answered.
    pub(super) fn poll_answered(&mut self) {
        if let Self::Probed(_, noops) = self {
            noops.next = Release::Nothing;
        }
    }

    /// The WebSocket is gone; polling lives on.
    pub(super) fn forget(&mut self, id: WebSocketId) {
        if self.is_for(id) {
            *self = Self::Idle;
        }
    }

    fn release(&self) -> Release {
        match self {
            Self::Probed(_, noops) => noops.next,
            _ => Release::Nothing,
        }
    }

    fn is_for(&self, id: WebSocketId) -> bool {
        self.wire().is_some_and(|wire| wire.id() == id)
    }
}

impl Session {
    /// A second WebSocket beside a polling session's first is closed at once.
    pub(super) fn offer_upgrade(
        &mut self,
        now: Instant,
        id: WebSocketId,
        binary: BinaryFrames,
    ) -> Result<(), RequestError> {
        if !self.config.may_upgrade() {
            return Err(RequestError::BadRequest);
        }
        let Link::Polling(polling) = &mut self.link else {
            return Err(RequestError::BadRequest);
        };
        if !matches!(polling.upgrade, Upgrade::Idle) {
            self.close_websocket(id);
            return Ok(());
        }
        let until = now + self.config.limits.upgrade_timeout;
        polling.upgrade = Upgrade::Opened(Attempt {
            wire: Wire::new(id, binary),
            until,
        });
        Ok(())
    }

    /// A frame on the WebSocket that may become the transport.
    pub(super) fn handle_probe(&mut self, now: Instant, id: WebSocketId, frame: Frame) {
        let packet = self.parse_frame(frame);
        let Link::Polling(polling) = &mut self.link else {
            return;
        };
        if !polling.upgrade.is_for(id) {
            return;
        }
        let is_probe = matches!(&packet, Ok(Some(Packet::Ping(data))) if data.as_str() == "probe");
        let is_upgrade = matches!(packet, Ok(Some(Packet::Upgrade)));
        match mem::replace(&mut polling.upgrade, Upgrade::Idle) {
            Upgrade::Opened(attempt) if is_probe => {
                let noops = Noops::start(polling.parked.is_some());
                polling.upgrade = Upgrade::Probed(attempt.answered(), noops);
            }
            Upgrade::Probed(attempt, noops) if is_probe => {
                polling.upgrade = Upgrade::Probed(attempt.answered(), noops);
            }
            Upgrade::Probed(attempt, _) if is_upgrade => self.complete_upgrade(now, attempt.wire),
            _ => self.close_websocket(id),
        }
    }

    /// Bytes of the probe answer are out.
    pub(super) fn probe_transmitted(&mut self, bytes: usize) {
        let Link::Polling(polling) = &mut self.link else {
            return;
        };
        let Some(wire) = polling.upgrade.wire_mut() else {
            return;
        };
        let mut rest = bytes;
        while rest > 0 && !wire.is_empty() {
            rest = wire.written(rest);
        }
        if wire.is_empty() && polling.upgrade.release() == Release::BehindAnswer {
            self.release_poll();
        }
    }

    /// Acts on the deadlines of the upgrade: the attempt's own, and the next noop's.
    pub(super) fn check_upgrade(&mut self, now: Instant) {
        let Link::Polling(polling) = &mut self.link else {
            return;
        };
        match &polling.upgrade {
            Upgrade::Opened(attempt) | Upgrade::Probed(attempt, _) if attempt.until <= now => {
                let id = attempt.wire.id();
                polling.upgrade = Upgrade::Idle;
                self.close_websocket(id);
            }
            upgrade => {
                if let Release::At(at) = upgrade.release()
                    && at <= now
                {
                    self.release_poll();
                }
            }
        }
    }

    /// The client has said `5`: from here on the WebSocket is the transport, and what is queued
    /// goes out there.
    fn complete_upgrade(&mut self, now: Instant, mut wire: Wire) {
        self.release_poll();
        let Link::Polling(polling) = &mut self.link else {
            return;
        };
        polling.move_heartbeats(&mut wire);
        self.outbox.prepare_for(wire.binary());
        let link = mem::replace(&mut self.link, Link::WebSocket(Socket::new(wire)));
        if let (Link::Polling(polling), Link::WebSocket(socket)) = (link, &mut self.link) {
            socket.keep_upload(polling);
        }
        self.outputs.push_back(Output::Event(Event::Upgraded));
        self.queued(now);
        self.close_if_flushed();
    }

    /// Ends the parked poll, if there is one, with a noop.
    fn release_poll(&mut self) {
        self.reply_to_poll(vec![Packet::Noop]);
    }
}

impl Attempt {
    fn answered(mut self) -> Self {
        self.wire.push(Bytes::from_static(PROBE_ANSWER));
        self
    }
}

impl Noops {
    fn start(poll_is_parked: bool) -> Self {
        let next = if poll_is_parked {
            Release::BehindAnswer
        } else {
            Release::Nothing
        };
        Self {
            next,
            pause: FIRST_PAUSE,
        }
    }
}

/// The shortest and the longest time that a poll stays parked during a probe.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
