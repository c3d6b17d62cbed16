//! The placeholders that stand in JSON for attachments (SIO5 5.1).
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use std::ops::Range;

use super::scan::{self, Watcher};
use crate::PacketError;

/// Calls `found` with the number of every placeholder in a checked list.
///
/// # Errors
///
/// [`PacketError::Placeholder`] for one whose number is missing or no plain integer.
pub(crate) fn placeholders(
    list: &str,
    mut found: impl FnMut(usize) -> Result<(), PacketError>,
) -> Result<(), PacketError> {
    each(list, |number, _| found(number))
}

/// A checked list in which another JSON text stands for the placeholders whose number is not `kept`.
/// `None` if all are.
pub(crate) fn without_placeholders(
    list: &str,
    kept: impl Fn(usize) -> bool,
    other: &str,
) -> Option<String> {
    let mut places: Vec<Range<usize>> = Vec::new();
    let found = |number, place: Range<usize>| {
        if !kept(number) {
            // Those within it ended before it did, and are the last.
            while places.pop_if(|before| before.start > place.start).is_some() {}
            places.push(place);
        }
        Ok(())
    };
    each(list, found).ok()?;
    (!places.is_empty()).then(|| replaced(list, &places, other))
}

/// The text with another one in these places, which are in order and apart.
fn replaced(text: &str, places: &[Range<usize>], other: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut from = 0;
    for place in places {
        replaced.push_str(text.get(from..place.start).unwrap_or_default());
        replaced.push_str(other);
        from = place.end;
    }
    replaced.push_str(text.get(from..).unwrap_or_default());
    replaced
}

fn each(
    list: &str,
    found: impl FnMut(usize, Range<usize>) -> Result<(), PacketError>,
) -> Result<(), PacketError> {
    let len = list.len();
    let mut watcher = Placeholders { len, found };
    let mut rest = scan::behind_blanks(list.as_bytes());
    while !rest.is_empty() {
        rest = scan::value(rest, 0, &mut watcher)?;
        rest = scan::behind_comma(rest);
    }
    Ok(())
}

struct Placeholders<F> {
    /// Length of the text.
    len: usize,
    /// Gets the number and the place of each placeholder.
    found: F,
}

/// What one object has said about being a placeholder.
#[derive(Default)]
struct Members {
    is_placeholder: bool,
    number: Option<usize>,
}

impl<F: FnMut(usize, Range<usize>) -> Result<(), PacketError>> Watcher for Placeholders<F> {
    type Object = Members;

    /// Extra keys and any order are fine; only the value `true` itself makes a placeholder.
    fn member(&mut self, members: &mut Members, key: &[u8], value: &[u8]) {
        if spells(key, "_placeholder") {
            members.is_placeholder = value == b"true";
        } else if spells(key, "num") {
            members.number = plain_integer(value);
        }
    }

    fn end(&mut self, members: Members, from: &[u8], behind: &[u8]) -> Result<(), PacketError> {
        if !members.is_placeholder {
            return Ok(());
        }
        let number = members.number.ok_or(PacketError::Placeholder)?;
        let place = |rest: &[u8]| self.len.saturating_sub(rest.len());
        (self.found)(number, place(from)..place(behind))
    }
}

/// True for every spelling of a key: a receiver of the relayed text undoes escapes before it looks.
fn spells(key: &[u8], name: &str) -> bool {
    match key {
        [b'"', plain @ .., b'"'] if !plain.contains(&b'\\') => plain == name.as_bytes(),
        escaped => serde_json::from_slice::<String>(escaped).is_ok_and(|key| key == name),
    }
}

fn plain_integer(text: &[u8]) -> Option<usize> {
    let digits = text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text)
        .ok()
        .filter(|_| digits)?
        .parse()
        .ok()
}
