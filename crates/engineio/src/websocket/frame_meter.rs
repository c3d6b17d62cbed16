//! Counts what tungstenite has no limit for, from the frame headers alone.
//!
//! Owns no payload and judges no syntax: a frame that RFC 6455 forbids is tungstenite's to refuse.

use std::time::{Duration, Instant};

use engineio_proto::Limits;

/// Watches the bytes of one connection, in order.
#[derive(Debug)]
pub(super) struct FrameMeter {
    header: [u8; MAX_HEADER],
    have: u8,
    /// Payload bytes of the current frame that are still to come.
    payload: u64,
    fragments: u32,
    max_fragments: u32,
    control: Rate,
}

/// A bound that the peer has passed: policy violation, 1008.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    /// One message in more than [`Limits::max_fragments`] frames, empty ones counted.
    Fragments,
    /// More than [`Limits::max_control_frames`] pings, pongs and closes within a second.
    Control,
}

/// Control frames since the current second began.
#[derive(Debug)]
struct Rate {
    since: Option<Instant>,
    count: u32,
    most: u32,
}

impl FrameMeter {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            header: [0; MAX_HEADER],
            have: 0,
            payload: 0,
            fragments: 0,
            max_fragments: limits.max_fragments,
            control: Rate {
                since: None,
                count: 0,
                most: limits.max_control_frames,
            },
        }
    }

    /// Looks at the next bytes of the connection; `now` is asked for control frames only.
    pub(super) fn observe(
        &mut self,
        mut bytes: &[u8],
        now: impl Fn() -> Instant,
    ) -> Result<(), Excess> {
        while !bytes.is_empty() {
            if self.payload > 0 {
                let skipped = bytes
                    .len()
                    .min(usize::try_from(self.payload).unwrap_or(usize::MAX));
                self.payload -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            bytes = self.take_header(bytes);
            if self.have >= SHORTEST_HEADER && self.have == self.header_len() {
                self.payload = self.payload_len();
                self.have = 0;
                self.count(&now)?;
            }
        }
        Ok(())
    }

    /// Takes what is missing of the header, as far as its length is known; returns what follows.
    fn take_header<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let length = match self.have {
            0..SHORTEST_HEADER => SHORTEST_HEADER,
            _ => self.header_len(),
        };
        let missing = usize::from(length - self.have);
        let (part, rest) = bytes.split_at(missing.min(bytes.len()));
        self.header[usize::from(self.have)..][..part.len()].copy_from_slice(part);
        self.have += part.len() as u8;
        rest
    }

    fn count(&mut self, now: &impl Fn() -> Instant) -> Result<(), Excess> {
        let (last, opcode) = (self.header[0] & 0x80 != 0, self.header[0] & 0x0f);
        if opcode & 0x08 != 0 {
            return self.control.count(now());
        }
        self.fragments = if last { 0 } else { self.fragments + 1 };
        if self.fragments > self.max_fragments {
            Err(Excess::Fragments)
        } else {
            Ok(())
        }
    }

    /// Two bytes, the long forms of the length, the mask.
    fn header_len(&self) -> u8 {
        let length = match self.header[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if self.header[1] & 0x80 != 0 { 4 } else { 0 };
        2 + length + mask
    }

    fn payload_len(&self) -> u64 {
        let header = &self.header;
        match header[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes([header[2], header[3]])),
            127 => header[2..10]
                .iter()
                .fold(0, |length, byte| length << 8 | u64::from(*byte)),
            short => u64::from(short),
        }
    }
}

impl Rate {
    fn count(&mut self, now: Instant) -> Result<(), Excess> {
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) >= Duration::from_secs(1) {
            self.since = Some(now);
            self.count = 0;
        }
        self.count += 1;
        if self.count > self.most {
            Err(Excess::Control)
        } else {
            Ok(())
        }
    }
}

/// Up to the byte that tells how long the header is.
const SHORTEST_HEADER: u8 = 2;
const MAX_HEADER: usize = 14;

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_FRAGMENTS: u32 = 16_384;
    const MAX_CONTROL: u32 = 100;
    const MASK: [u8; 4] = [1, 2, 3, 4];

    fn frame(first: u8, length: &[u8], payload: usize) -> Vec<u8> {
        [&[first][..], length, &MASK, &vec![0; payload]].concat()
    }

    fn observe(meter: &mut FrameMeter, bytes: &[u8], split: usize) -> Result<(), Excess> {
        let start = Instant::now();
        bytes
            .chunks(split)
            .try_for_each(|chunk| meter.observe(chunk, || start))
    }

    #[test]
    fn a_message_may_come_in_many_fragments_but_not_in_any_number() {
        for split in [1, 7, 4096] {
            let mut meter = FrameMeter::new(&Limits::default());
            let fragment = frame(0x01, &[0x80], 0);
            let most = fragment.repeat(MAX_FRAGMENTS as usize);
            assert_eq!(observe(&mut meter, &most, split), Ok(()));
            assert_eq!(
                observe(&mut meter, &fragment, split),
                Err(Excess::Fragments)
            );
        }
    }

    #[test]
    fn a_last_fragment_starts_the_count_anew() {
        let mut meter = FrameMeter::new(&Limits::default());
        let message = [
            frame(0x01, &[0x85], 5).repeat(9_000),
            frame(0x80, &[0x80], 0),
        ]
        .concat();
        assert_eq!(observe(&mut meter, &message.repeat(3), 1000), Ok(()));
    }

    #[test]
    fn payloads_are_skipped_by_every_form_of_length() {
        let bytes = [
            frame(0x81, &[0x80 | 126, 0x01, 0x00], 256),
            frame(0x82, &[0x80 | 127, 0, 0, 0, 0, 0, 1, 0, 0], 65_536),
            frame(0x89, &[0x80], 0).repeat(MAX_CONTROL as usize),
        ]
        .concat();
        for split in [1, 13, 70_000] {
            let mut meter = FrameMeter::new(&Limits::default());
            assert_eq!(observe(&mut meter, &bytes, split), Ok(()));
            let ping = frame(0x89, &[0x80], 0);
            assert_eq!(observe(&mut meter, &ping, split), Err(Excess::Control));
        }
    }

    #[test]
    fn control_frames_are_counted_by_the_second() {
        let mut meter = FrameMeter::new(&Limits::default());
        let start = Instant::now();
        let pings = frame(0x89, &[0x80], 0).repeat(MAX_CONTROL as usize);
        for second in 0..3 {
            let now = start + Duration::from_secs(second);
            assert_eq!(meter.observe(&pings, || now), Ok(()));
        }
    }
}
