//! Revision 3 in bytes, for clients that can read them (EIO3 3.3).
//!
//! ```text
//! payload       = *( string-packet / binary-packet )
//! string-packet = %x00 length %xFF packet-text      ; type as ASCII digit, then UTF-8
//! binary-packet = %x01 length %xFF type-byte *OCTET ; type as number
//! length        = 1*15( %x00-09 )                   ; bytes, the type included
//! ```
//!
//! A newer text of the specification leaves the type byte out of a binary packet's length; no
//! client does.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use std::iter;

use bytes::{BufMut, Bytes, BytesMut};
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take, take_while_m_n},
    combinator::{map_opt, value},
    sequence::terminated,
};

use super::DecodedPayload;
use crate::{Data, Packet, PacketError, PacketType, PayloadError, Text, Version};

/// The first byte of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    String = 0,
    Binary = 1,
}

/// Writes a batch.
pub(super) fn encode(packets: &[Packet]) -> Bytes {
    let mut out = BytesMut::new();
    for packet in packets {
        let (kind, type_byte) = match packet {
            Packet::Message(Data::Binary(_)) => (Kind::Binary, PacketType::Message.number()),
            _ => (Kind::String, packet.kind().digit()),
        };
        out.put_u8(kind as u8);
        put_length(packet.bytes().len().saturating_add(1), &mut out);
        out.put_u8(type_byte);
        out.put_slice(packet.bytes());
    }
    out.freeze()
}

/// Reads a body; an empty one is a payload without packets.
pub(super) fn decode(body: &Bytes, max_packets: usize) -> DecodedPayload {
    let mut rest: &[u8] = body;
    let packets = iter::from_fn(|| {
        if rest.is_empty() {
            return None;
        }
        let Ok((left, (kind, packet))) = element(rest) else {
            return Some(Err(PayloadError::Length));
        };
        rest = left;
        Some(decode_packet(kind, body.slice_ref(packet)).map_err(PayloadError::from))
    });
    DecodedPayload::collect(packets, max_packets)
}

fn decode_packet(kind: Kind, packet: Bytes) -> Result<Packet, PacketError> {
    match kind {
        Kind::String => {
            let text = Text::from_utf8(packet).map_err(|_| PacketError::Utf8)?;
            Packet::decode_text(Version::V3, text)
        }
        Kind::Binary => Packet::decode_typed(packet),
    }
}

fn element(input: &[u8]) -> IResult<&[u8], (Kind, &[u8])> {
    let (input, (kind, length)) =
        (kind, terminated(length, tag(&[END_OF_LENGTH][..]))).parse(input)?;
    let (input, packet) = take(length).parse(input)?;
    Ok((input, (kind, packet)))
}

fn kind(input: &[u8]) -> IResult<&[u8], Kind> {
    let string = value(Kind::String, tag(&[Kind::String as u8][..]));
    let binary = value(Kind::Binary, tag(&[Kind::Binary as u8][..]));
    alt((string, binary)).parse(input)
}

/// One byte for each decimal digit, its value and not its character.
fn length(input: &[u8]) -> IResult<&[u8], usize> {
    let digits = take_while_m_n(1, MAX_DIGITS, |byte| byte <= 9);
    map_opt(digits, number).parse(input)
}

fn number(digits: &[u8]) -> Option<usize> {
    digits.iter().try_fold(0_usize, |number, &digit| {
        number.checked_mul(10)?.checked_add(usize::from(digit))
    })
}

fn put_length(length: usize, out: &mut BytesMut) {
    out.extend(length.to_string().bytes().map(|digit| digit & 0x0f));
    out.put_u8(END_OF_LENGTH);
}

const END_OF_LENGTH: u8 = 0xff;

/// Enough for any body; more digits are an attack on the reader of numbers.
const MAX_DIGITS: usize = 15;
