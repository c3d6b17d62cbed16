//! The strings of JSON, which most of it is.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use super::scan::Behind;
use crate::PacketError;

/// True for a text that stands between quotes as it is.
pub(crate) fn is_plain(text: &str) -> bool {
    behind_plain(text.as_bytes()).is_empty()
}

/// What follows a string whose opening quote is read.
pub(super) fn behind_string(mut rest: &[u8]) -> Behind<'_> {
    loop {
        rest = behind_plain(rest);
        match rest {
            [b'"', behind @ ..] => return Ok(behind),
            [b'\\', behind @ ..] => rest = behind_escape(behind)?,
            _ => return Err(PacketError::Json),
        }
    }
}

/// What follows an escape whose backslash is read. A surrogate may stand alone, as in JavaScript
/// (SIO5 7).
fn behind_escape(rest: &[u8]) -> Behind<'_> {
    match rest {
        [
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
            behind @ ..,
        ] => Ok(behind),
        [b'u', a, b, c, d, behind @ ..]
            if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) =>
        {
            Ok(behind)
        }
        _ => Err(PacketError::Json),
    }
}

/// What begins with the first byte that ends a string or means something in it. Most of what is
/// scanned is text, so it goes by blocks: eight bytes at first, as most texts are short.
pub(super) fn behind_plain(mut rest: &[u8]) -> &[u8] {
    while let Some((word, behind)) = rest.split_first_chunk() {
        let special = specials(u64::from_le_bytes(*word));
        if special != 0 {
            let plain = special.trailing_zeros() / u8::BITS;
            return rest.get(plain as usize..).unwrap_or_default();
        }
        rest = behind_plain_blocks(behind);
    }
    while let [first, behind @ ..] = rest
        && !is_special(*first)
    {
        rest = behind;
    }
    rest
}

/// Passes over blocks as long as nothing in them is special. Without a branch for each byte the
/// compiler makes vector instructions of it.
fn behind_plain_blocks(mut rest: &[u8]) -> &[u8] {
    while let Some((block, behind)) = rest.split_first_chunk::<32>() {
        if block
            .iter()
            .fold(false, |any, byte| any | is_special(*byte))
        {
            break;
        }
        rest = behind;
    }
    rest
}

/// True for a quote, a backslash and a control character.
pub(super) fn is_special(byte: u8) -> bool {
    (byte < b' ') | (byte == b'"') | (byte == b'\\')
}

/// Has its lowest bit in the first byte that is special. What a subtraction borrows can only mark
/// bytes behind that one.
fn specials(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
    const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);
    const BLANKS: u64 = u64::from_le_bytes([b' '; 8]);
    let below = |word: u64, bound: u64| word.wrapping_sub(bound) & !word & HIGH;
    below(word ^ QUOTES, ONES) | below(word ^ BACKSLASHES, ONES) | below(word, BLANKS)
}
