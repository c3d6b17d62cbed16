//! Revision 3 in text: each packet behind its length in UTF-16 code units (EIO3 3.1).
//!
//! ```text
//! payload = 1*( length ":" packet )
//! length  = 1*15DIGIT     ; UTF-16 code units; 0 has no packet and is skipped
//! ```
//!
//! JavaScript's `Number()` would take `+6`, `0x6` or `6e0` as well; no client sends them, so they
//! are errors here.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use std::iter;

use bytes::{BufMut, BytesMut};
use nom::{
    IResult, Parser,
    bytes::complete::take_while_m_n,
    character::complete::char,
    combinator::map_res,
    error::{Error, ErrorKind},
    sequence::terminated,
};

use super::DecodedPayload;
use crate::{Packet, PayloadError, Text, Version};

/// Writes a batch.
pub(super) fn encode(packets: &[Packet]) -> Text {
    let mut out = BytesMut::new();
    let mut one = BytesMut::new();
    for packet in packets {
        packet.encode_text(Version::V3, &mut one);
        out.put_slice(crate::text::utf16_len(&one).to_string().as_bytes());
        out.put_u8(b':');
        out.put_slice(&one);
        one.clear();
    }
    Text::from_encoder(out.freeze())
}

/// Reads a body.
pub(super) fn decode(body: &Text, max_packets: usize) -> DecodedPayload {
    if body.is_empty() {
        return DecodedPayload::failed(PayloadError::Length);
    }
    let mut rest = body.as_str();
    let packets = iter::from_fn(|| {
        let part = next_packet(&mut rest)?;
        Some(part.and_then(|part| Ok(Packet::decode_part(Version::V3, body, part)?)))
    });
    DecodedPayload::collect(packets, max_packets)
}

/// Takes the next packet that has a length other than 0 off the front.
fn next_packet<'a>(rest: &mut &'a str) -> Option<Result<&'a str, PayloadError>> {
    while !rest.is_empty() {
        let Ok((left, packet)) = element(rest) else {
            return Some(Err(PayloadError::Length));
        };
        *rest = left;
        if !packet.is_empty() {
            return Some(Ok(packet));
        }
    }
    None
}

/// `length ":" packet`
fn element(input: &str) -> IResult<&str, &str> {
    let (input, units) = terminated(length, char(':')).parse(input)?;
    utf16_units(units, input)
}

fn length(input: &str) -> IResult<&str, usize> {
    let digits = take_while_m_n(1, MAX_DIGITS, |c: char| c.is_ascii_digit());
    map_res(digits, str::parse).parse(input)
}

/// Splits after exactly so many code units, which may not end inside a surrogate pair.
fn utf16_units(units: usize, input: &str) -> IResult<&str, &str> {
    let mut left = units;
    for (end, c) in input.char_indices() {
        if left == 0 {
            return split(input, end);
        }
        left = left
            .checked_sub(c.len_utf16())
            .ok_or_else(|| too_long(input))?;
    }
    if left == 0 {
        split(input, input.len())
    } else {
        Err(too_long(input))
    }
}

fn split(input: &str, end: usize) -> IResult<&str, &str> {
    let (packet, rest) = input.split_at_checked(end).ok_or_else(|| too_long(input))?;
    Ok((rest, packet))
}

fn too_long(input: &str) -> nom::Err<Error<&str>> {
    nom::Err::Error(Error::new(input, ErrorKind::Eof))
}

/// Enough for any body; more digits are an attack on the reader of numbers.
const MAX_DIGITS: usize = 15;
