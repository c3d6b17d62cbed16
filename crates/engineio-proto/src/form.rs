//! `application/x-www-form-urlencoded`: the query of a request and the body of a JSONP POST.
//!
//! Reads only, and reads everything: a percent sign that begins no escape stands for itself, as it
//! does for browsers and Node.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use std::borrow::Cow;

/// The decoded keys and values in order. A part without `=` is a key with an empty value.
pub(crate) fn pairs(input: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    input
        .split(|&byte| byte == b'&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let mut halves = part.splitn(2, |&byte| byte == b'=');
            let key = halves.next().unwrap_or_default();
            let value = halves.next().unwrap_or_default();
            (decode(key), decode(value))
        })
}

fn decode(input: &[u8]) -> Cow<'_, [u8]> {
    if !input.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(input);
    }
    let mut out = Vec::with_capacity(input.len());
    let mut rest = input;
    while let Some((&first, after)) = rest.split_first() {
        let (byte, left) = match (first, after) {
            (b'%', [high, low, left @ ..]) => match escaped(*high, *low) {
                Some(byte) => (byte, left),
                None => (first, after),
            },
            (b'+', _) => (b' ', after),
            _ => (first, after),
        };
        out.push(byte);
        rest = left;
    }
    Cow::Owned(out)
}

fn escaped(high: u8, low: u8) -> Option<u8> {
    let digit = |byte| char::from(byte).to_digit(16);
    u8::try_from((digit(high)? << 4) | digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(input: &str) -> Vec<(String, String)> {
        let text = |bytes: Cow<'_, [u8]>| String::from_utf8_lossy(&bytes).into_owned();
        pairs(input.as_bytes())
            .map(|(key, value)| (text(key), text(value)))
            .collect()
    }

    #[test]
    fn pairs_are_decoded_in_order() {
        for (input, expected) in [
            ("", &[][..]),
            ("&&", &[]),
            ("a=1&b=2", &[("a", "1"), ("b", "2")]),
            ("a&b=", &[("a", ""), ("b", "")]),
            ("a=1=2", &[("a", "1=2")]),
            ("%61=%c3%A9+x", &[("a", "é x")]),
            ("a=%", &[("a", "%")]),
            ("a=%4", &[("a", "%4")]),
            ("a=%zz%34", &[("a", "%zz4")]),
        ] {
            let found = decoded(input);
            let found: Vec<_> = found
                .iter()
                .map(|(k, v)| (k.as_str(), v.as_str()))
                .collect();
            assert_eq!(found, expected, "{input}");
        }
    }
}
