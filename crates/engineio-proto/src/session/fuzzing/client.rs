//! What a client of the fuzzed session has seen, and whether that may be.
//!
//! Every message says what it is: its kind's letter and its number, and as many attachments as the
//! number says, each with the same text.

use bytes::Bytes;

use crate::{Data, Entry, LegacyText, Packet, Payload, PollEncoding, PostContent, Text, Version};

/// How a message was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Never dropped: every one arrives, in order.
    Kept,
    /// May be dropped: those that arrive are in order.
    Lossy,
    /// The latest replaces the older ones.
    Keyed,
}

pub(super) struct Client {
    version: Version,
    encoding: PollEncoding,
    /// Numbers for the next message of each kind.
    next: [u32; 3],
    /// The number that must or may come next.
    awaited: [u32; 3],
    /// The text of the last message and the attachments that it still lacks.
    open: (Text, u32),
}

impl Client {
    pub(super) fn new(version: Version, encoding: PollEncoding) -> Self {
        Self {
            version,
            encoding,
            next: [0; 3],
            awaited: [0; 3],
            open: (Text::default(), 0),
        }
    }

    /// The message to send next.
    pub(super) fn next_entry(&self, kind: Kind) -> Entry {
        let number = self.next[kind as usize];
        let text = Text::from(format!("{}{number}", LETTERS[kind as usize]));
        let attachments = (0..attachments(number))
            .map(|_| text.as_bytes().clone())
            .collect();
        Entry::with_attachments(text, attachments)
    }

    /// It was queued.
    pub(super) fn expect(&mut self, kind: Kind) {
        self.next[kind as usize] += 1;
    }

    /// Everything that must arrive has arrived.
    pub(super) fn check_complete(&self) {
        for kind in [Kind::Kept, Kind::Keyed] {
            let (sent, seen) = (self.next[kind as usize], self.awaited[kind as usize]);
            assert_eq!(sent, seen, "{kind:?}: sent and seen");
        }
        assert_eq!(self.open.1, 0, "attachments lack");
    }

    pub(super) fn take_payload(&mut self, payload: Payload) {
        let mut legacy = LegacyText::default();
        let decoded =
            self.encoding
                .decode(PostContent::Text, payload.body, &mut legacy, usize::MAX);
        assert_eq!(decoded.error, None);
        assert!(!decoded.packets.is_empty(), "an empty payload");
        decoded
            .packets
            .into_iter()
            .for_each(|packet| self.take(packet));
    }

    /// Takes the whole frames off the front of what has arrived on a WebSocket.
    pub(super) fn take_frames(&mut self, arriving: &mut Vec<u8>) {
        while let Some((opcode, frame)) = take_frame(arriving) {
            let packet = match opcode {
                0x81 => {
                    let text = Text::from_utf8(frame).expect("a text frame holds UTF-8");
                    Packet::decode_text(self.version, text).map(Some)
                }
                0x82 => Packet::decode_binary(self.version, frame),
                other => panic!("opcode {other:x}"),
            };
            let packet = packet.ok().flatten().expect("every frame is a packet");
            assert_ne!(packet, Packet::Noop, "a noop on a WebSocket");
            self.take(packet);
        }
    }

    fn take(&mut self, packet: Packet) {
        match packet {
            Packet::Message(Data::Text(text)) => self.take_text(text),
            Packet::Message(Data::Binary(bytes)) => {
                let (text, missing) = &mut self.open;
                assert!(
                    *missing > 0 && bytes == *text.as_bytes(),
                    "a stray attachment"
                );
                *missing -= 1;
            }
            _ => {}
        }
    }

    fn take_text(&mut self, text: Text) {
        assert_eq!(
            self.open.1, 0,
            "{text} between {} and its attachments",
            self.open.0
        );
        let (letter, number) = text.as_str().split_at(1);
        let kind = LETTERS
            .iter()
            .position(|known| *known == letter)
            .expect("one of our kinds");
        let number: u32 = number.parse().expect("a number");
        let awaited = self.awaited[kind];
        let fits = if kind == Kind::Kept as usize {
            number == awaited
        } else {
            number >= awaited
        };
        assert!(fits, "{text} where {awaited} was awaited");
        self.awaited[kind] = number + 1;
        self.open = (text, attachments(number));
    }
}

fn take_frame(arriving: &mut Vec<u8>) -> Option<(u8, Bytes)> {
    let [opcode, length, ..] = *arriving.as_slice() else {
        return None;
    };
    let (head, length) = match (length, arriving.get(2..4)) {
        (126, Some([high, low])) => (4, usize::from(u16::from_be_bytes([*high, *low]))),
        (126, _) => return None,
        (length, _) => (2, usize::from(length)),
    };
    if arriving.len() < head + length {
        return None;
    }
    let frame = arriving.drain(..head + length).skip(head).collect();
    Some((opcode, frame))
}

fn attachments(number: u32) -> u32 {
    number % 4
}

/// In the order of [`Kind`].
const LETTERS: [&str; 3] = ["r", "l", "k"];

/// The most packets that one message has.
pub(super) const MOST_PACKETS: usize = 4;
