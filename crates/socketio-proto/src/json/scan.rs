//! The grammar of JSON (RFC 8259). Each function takes what is left of a text and gives what is left
//! behind the part that it is named after.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use super::string;
use crate::PacketError;

/// How deep arrays and objects may nest.
pub(crate) const MAX_DEPTH: usize = 64;

/// What is left of a text, if it is JSON so far.
pub(super) type Behind<'a> = Result<&'a [u8], PacketError>;

/// Learns what stands in objects.
pub(super) trait Watcher {
    /// What is known of one object.
    type Object: Default;

    /// The object has a member. Its key still has quotes and escapes.
    fn member(&mut self, object: &mut Self::Object, key: &[u8], value: &[u8]);

    /// The object has ended. It is given by what begins with it, and what is left behind it.
    fn end(&mut self, object: Self::Object, from: &[u8], behind: &[u8]) -> Result<(), PacketError>;
}

/// Nobody watches.
impl Watcher for () {
    type Object = ();

    fn member(&mut self, (): &mut (), _: &[u8], _: &[u8]) {}

    fn end(&mut self, (): (), _: &[u8], _: &[u8]) -> Result<(), PacketError> {
        Ok(())
    }
}

/// A value without blanks in front of it, in so many arrays and objects.
pub(super) fn value<'a>(rest: &'a [u8], depth: usize, watcher: &mut impl Watcher) -> Behind<'a> {
    match rest {
        [b'"', behind @ ..] => string::behind_string(behind),
        [b'{', ..] => object(rest, depth.saturating_add(1), watcher),
        [b'[', behind @ ..] => elements(behind, depth.saturating_add(1), watcher, |_, _| {}),
        [b'-' | b'0'..=b'9', ..] => number(rest),
        [b't', b'r', b'u', b'e', behind @ ..]
        | [b'f', b'a', b'l', b's', b'e', behind @ ..]
        | [b'n', b'u', b'l', b'l', behind @ ..] => Ok(behind),
        _ => Err(PacketError::Json),
    }
}

/// What stands in an array behind its opening bracket, and the closing one. `found` gets what begins
/// with each element, and what is left behind it.
pub(super) fn elements<'a>(
    rest: &'a [u8],
    depth: usize,
    watcher: &mut impl Watcher,
    mut found: impl FnMut(&'a [u8], &'a [u8]),
) -> Behind<'a> {
    within(depth)?;
    let mut element = behind_blanks(rest);
    if let [b']', behind @ ..] = element {
        return Ok(behind);
    }
    loop {
        let behind = value(element, depth, watcher)?;
        found(element, behind);
        match behind_blanks(behind) {
            [b',', behind @ ..] => element = behind_blanks(behind),
            [b']', behind @ ..] => return Ok(behind),
            _ => return Err(PacketError::Json),
        }
    }
}

fn object<'a, W: Watcher>(whole: &'a [u8], depth: usize, watcher: &mut W) -> Behind<'a> {
    within(depth)?;
    let mut object = W::Object::default();
    let mut key = behind_blanks(behind_byte(b'{', whole)?);
    if let [b'}', behind @ ..] = key {
        return Ok(behind);
    }
    loop {
        let behind_key = string::behind_string(behind_byte(b'"', key)?)?;
        let colon = behind_blanks(behind_key);
        let member = behind_blanks(behind_byte(b':', colon)?);
        let behind = value(member, depth, watcher)?;
        watcher.member(&mut object, upto(key, behind_key), upto(member, behind));
        match behind_blanks(behind) {
            [b',', behind @ ..] => key = behind_blanks(behind),
            [b'}', behind @ ..] => {
                watcher.end(object, whole, behind)?;
                return Ok(behind);
            }
            _ => return Err(PacketError::Json),
        }
    }
}

fn number(rest: &[u8]) -> Result<&[u8], PacketError> {
    let rest = rest.strip_prefix(b"-").unwrap_or(rest);
    let mut rest = match rest {
        [b'0', behind @ ..] => behind,
        _ => digits(rest)?,
    };
    if let [b'.', behind @ ..] = rest {
        rest = digits(behind)?;
    }
    match rest {
        [b'e' | b'E', b'+' | b'-', behind @ ..] | [b'e' | b'E', behind @ ..] => digits(behind),
        _ => Ok(rest),
    }
}

/// One digit or more.
fn digits(rest: &[u8]) -> Result<&[u8], PacketError> {
    let [b'0'..=b'9', rest @ ..] = rest else {
        return Err(PacketError::Json);
    };
    let mut rest = rest;
    while let [b'0'..=b'9', behind @ ..] = rest {
        rest = behind;
    }
    Ok(rest)
}

fn within(depth: usize) -> Result<(), PacketError> {
    if depth > MAX_DEPTH {
        Err(PacketError::Depth)
    } else {
        Ok(())
    }
}

fn behind_byte(byte: u8, rest: &[u8]) -> Behind<'_> {
    match rest {
        [first, behind @ ..] if *first == byte => Ok(behind),
        _ => Err(PacketError::Json),
    }
}

pub(super) fn behind_blanks(mut rest: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r', behind @ ..] = rest {
        rest = behind;
    }
    rest
}

/// What follows a comma and the blanks around it, if there is one.
pub(super) fn behind_comma(rest: &[u8]) -> &[u8] {
    match behind_blanks(rest) {
        [b',', behind @ ..] => behind_blanks(behind),
        rest => rest,
    }
}

/// Only blanks.
pub(super) fn end(rest: &[u8]) -> Result<(), PacketError> {
    match behind_blanks(rest) {
        [] => Ok(()),
        _ => Err(PacketError::Json),
    }
}

/// What of `from` stands in front of `behind`.
fn upto<'a>(from: &'a [u8], behind: &[u8]) -> &'a [u8] {
    let len = from.len().saturating_sub(behind.len());
    from.get(..len).unwrap_or_default()
}
