//! What goes out on one WebSocket besides entries: the open packet, probe answers, heartbeats and
//! the control frames of the framing library.
//!
//! These are whole frames that go between entries, never into one. They overtake what is queued, so
//! that a long queue delays no heartbeat. Owns no entry.

use std::collections::VecDeque;

use bytes::Bytes;

use super::WebSocketId;
use crate::BinaryFrames;

/// One WebSocket of a session.
pub(super) struct Wire {
    id: WebSocketId,
    binary: BinaryFrames,
    frames: VecDeque<Bytes>,
    /// Bytes of the first frame that are out.
    written: usize,
}

impl Wire {
    pub(super) fn new(id: WebSocketId, binary: BinaryFrames) -> Self {
        Self {
            id,
            binary,
            frames: VecDeque::new(),
            written: 0,
        }
    }

    pub(super) fn id(&self) -> WebSocketId {
        self.id
    }

    /// How the entries that go out here carry bytes.
    pub(super) fn binary(&self) -> BinaryFrames {
        self.binary
    }

    /// Queues a frame of ours. A peer that asks faster than it reads gets fewer answers.
    pub(super) fn push(&mut self, frame: Bytes) {
        if self.frames.len() < MAX_FRAMES {
            self.frames.push_back(frame);
        }
    }

    /// Queues a ping, unless the last one still waits.
    pub(super) fn push_ping(&mut self) {
        if !self.frames.iter().any(|frame| *frame == PING) {
            self.push(Bytes::from_static(PING));
        }
    }

    /// Queues a control frame of the framing library. Of several pongs only the last one is
    /// owed (RFC 6455 5.5.3).
    pub(super) fn push_control(&mut self, frame: Bytes) {
        let unstarted = usize::from(self.is_mid_frame());
        let waiting = self
            .frames
            .iter_mut()
            .skip(unstarted)
            .find(|frame| is_pong(frame));
        match waiting {
            Some(old) if is_pong(&frame) => *old = frame,
            _ => self.push(frame),
        }
    }

    /// The frames that wait, the first without its bytes that are out.
    pub(super) fn frames(&self) -> impl Iterator<Item = &[u8]> {
        let mut skip = self.written;
        self.frames
            .iter()
            .map(move |frame| frame.get(std::mem::take(&mut skip)..).unwrap_or_default())
    }

    /// Counts bytes of the first frame as out; returns those that it did not need.
    pub(super) fn written(&mut self, bytes: usize) -> usize {
        let Some(first) = self.frames.front() else {
            return bytes;
        };
        let left = first.len().saturating_sub(self.written);
        if bytes < left {
            self.written += bytes;
            return 0;
        }
        self.frames.pop_front();
        self.written = 0;
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
        }
        bytes - left
    }

    pub(super) fn is_mid_frame(&self) -> bool {
        self.written > 0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}

fn is_pong(frame: &[u8]) -> bool {
    // Opcode 10, final; a control frame's length always fits into seven bits.
    matches!(frame, [0x8a, length, rest @ ..] if usize::from(*length) == rest.len())
}

const MAX_FRAMES: usize = 16;

/// A text frame with `2`.
const PING: &[u8] = &[0x81, 1, b'2'];
/// A text frame with `3`.
pub(super) const PONG: &[u8] = &[0x81, 1, b'3'];
/// A text frame with `3probe`.
pub(super) const PROBE_ANSWER: &[u8] = b"\x81\x063probe";
