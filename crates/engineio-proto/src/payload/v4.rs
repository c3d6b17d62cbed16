//! Revision 4: packets in text form, joined by U+001E (EIO4 2.8).
//!
//! ```text
//! payload = packet *( %x1E packet )
//! ```
//!
//! There is no escaping, so no packet may hold the separator, and an empty element is an error.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use super::DecodedPayload;
use crate::{Data, Packet, PayloadError, Text, Version};

/// What stands between two packets.
pub(crate) const SEPARATOR: char = '\u{1e}';

/// Writes a batch.
pub(super) fn encode(packets: &[Packet]) -> Text {
    let mut out = BytesMut::new();
    for (index, packet) in packets.iter().enumerate() {
        if index > 0 {
            out.put_u8(SEPARATOR as u8);
        }
        whole(packet).encode_text(Version::V4, &mut out);
    }
    Text::from_encoder(out.freeze())
}

/// Reads a body.
pub(super) fn decode(body: &Text, max_packets: usize) -> DecodedPayload {
    let packets = body
        .as_str()
        .split(SEPARATOR)
        .map(|element| Packet::decode_part(Version::V4, body, element).map_err(PayloadError::from));
    DecodedPayload::collect(packets, max_packets)
}

/// The packet, or the only form of it that the separator cannot tear apart.
fn whole(packet: &Packet) -> Cow<'_, Packet> {
    match packet {
        Packet::Message(Data::Text(text)) if text.has_separator() => {
            Cow::Owned(Packet::message(text.as_bytes().clone()))
        }
        _ => Cow::Borrowed(packet),
    }
}
