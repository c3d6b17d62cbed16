//! Raw JSON: is it JSON, is it nested too deep, where are its elements?
//!
//! Payloads stay raw until somebody asks, and serde_json's depth limit does not hold for raw values;
//! one pass over them is what makes it safe to keep and relay them. Owns no value.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod placeholders;
mod scan;
mod string;
#[cfg(test)]
mod tests;

use crate::PacketError;

pub(crate) use self::{
    placeholders::{placeholders, without_placeholders},
    scan::MAX_DEPTH,
    string::is_plain,
};

/// An array taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Array<'a> {
    /// How many elements it has.
    pub(crate) count: usize,
    /// The first element.
    pub(crate) first: Option<&'a str>,
    /// The elements with commas between them, without blanks around.
    pub(crate) list: &'a str,
}

impl<'a> Array<'a> {
    /// The elements behind the first one, without blanks around.
    pub(crate) fn rest(&self) -> &'a str {
        let first = self.first.map_or(0, str::len);
        let behind = self
            .list
            .get(first..)
            .unwrap_or_default()
            .trim_ascii_start();
        behind
            .strip_prefix(',')
            .unwrap_or(behind)
            .trim_ascii_start()
    }
}

/// Checks a whole text.
pub(crate) fn check(text: &str) -> Result<(), PacketError> {
    let value = scan::behind_blanks(text.as_bytes());
    scan::end(scan::value(value, 0, &mut ())?)
}

/// Checks a whole text that has to be an array, and takes it apart.
pub(crate) fn array(text: &str) -> Result<Array<'_>, PacketError> {
    let [b'[', list @ ..] = scan::behind_blanks(text.as_bytes()) else {
        check(text)?;
        return Err(PacketError::Payload);
    };
    let (mut count, mut first) = (0_usize, None);
    let behind = scan::elements(list, 1, &mut (), |element, behind| {
        count = count.saturating_add(1);
        first.get_or_insert((element, behind));
    })?;
    scan::end(behind)?;
    let list = between(text, list, behind);
    Ok(Array {
        count,
        first: first.map(|(first, behind)| between(text, first, behind)),
        list: list.strip_suffix(']').unwrap_or(list).trim_ascii(),
    })
}

/// The elements of a checked list without brackets, one after another.
pub(crate) fn elements(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list.as_bytes();
    std::iter::from_fn(move || {
        let element = scan::behind_comma(rest);
        rest = scan::value(element, 0, &mut ()).ok()?;
        Some(between(list, element, rest))
    })
}

/// What stands between two places of a text, each given by what begins there.
fn between<'a>(text: &'a str, from: &[u8], to: &[u8]) -> &'a str {
    let place = |rest: &[u8]| text.len().saturating_sub(rest.len());
    text.get(place(from)..place(to)).unwrap_or_default()
}
