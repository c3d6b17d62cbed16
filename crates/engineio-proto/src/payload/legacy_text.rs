//! Text of socket.io 1.x clients that arrives encoded twice (EIO3 3.6 rule 3).
//!
//! Those clients write each UTF-8 byte of a text payload as one character U+0080 to U+00FF, which
//! HTTP encodes once more; their lengths count these characters. Later clients of revision 3 send
//! the same `EIO=3` and plain UTF-8. What goes out is not decided here (rules 1 and 2: see
//! [`PollEncoding`](super::PollEncoding)).
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use super::DecodedPayload;
use crate::{Data, Packet, Text};

/// What a session's text payloads have told about its client so far. Kept by the session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LegacyText {
    /// Nothing that such a client could not have sent: text that reads as encoded twice is decoded
    /// once more.
    #[default]
    Possible,
    /// Something that such a client cannot send, for the rest of the session: a character above
    /// U+00FF, or characters that are no UTF-8 when taken as bytes.
    RuledOut,
}

impl LegacyText {
    /// Learns from a body and corrects the packets that were read from it.
    pub(super) fn correct(&mut self, body: &Text, mut decoded: DecodedPayload) -> DecodedPayload {
        if *self == Self::RuledOut || body.as_bytes().is_ascii() {
            return decoded;
        }
        if decode_again(body).is_none() {
            *self = Self::RuledOut;
            return decoded;
        }
        for packet in &mut decoded.packets {
            if let Packet::Message(Data::Text(text)) = packet
                && !text.as_bytes().is_ascii()
                && let Some(once) = decode_again(text)
            {
                *text = once;
            }
        }
        decoded
    }
}

/// The text whose UTF-8 bytes these characters are, if they are any.
fn decode_again(text: &Text) -> Option<Text> {
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
    Text::from_utf8(bytes?.into()).ok()
}
