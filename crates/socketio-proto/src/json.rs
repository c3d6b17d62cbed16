//! One pass over raw JSON: is it JSON, is it nested too deep, where are its elements?
//!
//! Payloads stay raw until somebody asks, and serde_json's depth limit does not hold for raw values;
//! this scan is what makes it safe to keep and relay them. Owns no value.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use std::ops::Range;

use crate::PacketError;

#[cfg(test)]
mod tests;

/// How deep arrays and objects may nest.
pub(crate) const MAX_DEPTH: usize = 64;

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

/// The kind of a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    Text,
    Number,
    Word,
}

/// Checks a whole text and tells its kind.
pub(crate) fn check(text: &str) -> Result<Kind, PacketError> {
    let mut scanner = Scanner::new(text);
    scanner.blanks();
    let kind = scanner.value(0)?;
    scanner.end()?;
    Ok(kind)
}

/// Checks a whole text that has to be an array, and takes it apart.
pub(crate) fn array(text: &str) -> Result<Array<'_>, PacketError> {
    let mut scanner = Scanner::new(text);
    scanner.blanks();
    if !scanner.eat(b'[') {
        check(text)?;
        return Err(PacketError::Payload);
    }
    let start = scanner.at();
    let (mut count, mut first) = (0_usize, None);
    scanner.elements(1, |element| {
        count = count.saturating_add(1);
        first.get_or_insert(element);
    })?;
    let end = scanner.at().saturating_sub(1);
    scanner.end()?;
    Ok(Array {
        count,
        first: first.and_then(|first| text.get(first)),
        list: text.get(start..end).unwrap_or_default().trim_ascii(),
    })
}

/// The elements of a checked list without brackets, one after another.
pub(crate) fn elements(list: &str) -> impl Iterator<Item = &str> {
    let mut scanner = Scanner::new(list);
    std::iter::from_fn(move || {
        scanner.blanks();
        if scanner.eat(b',') {
            scanner.blanks();
        }
        let start = scanner.at();
        scanner.value(0).ok()?;
        list.get(start..scanner.at())
    })
}

/// Calls `found` with the number of every placeholder in a checked list (SIO5 5.1).
///
/// # Errors
///
/// [`PacketError::Placeholder`] for one whose number is missing or no plain integer.
pub(crate) fn placeholders(
    list: &str,
    mut found: impl FnMut(usize) -> Result<(), PacketError>,
) -> Result<(), PacketError> {
    each_placeholder(list, &mut |number, _| found(number))
}

fn each_placeholder<'f>(list: &str, found: &'f mut Found<'f>) -> Result<(), PacketError> {
    let mut scanner = Scanner::new(list);
    scanner.placeholders = Some(found);
    loop {
        scanner.blanks();
        match scanner.rest {
            [] => return Ok(()),
            [b',', behind @ ..] => scanner.rest = behind,
            _ => {
                scanner.value(0)?;
            }
        }
    }
}

/// A checked list in which another JSON text stands for the placeholders whose number is not `kept`.
/// `None` if all are.
pub(crate) fn without_placeholders(
    list: &str,
    kept: impl Fn(usize) -> bool,
    other: &str,
) -> Option<String> {
    let mut places: Vec<Range<usize>> = Vec::new();
    let mut found = |number, place: Range<usize>| {
        if !kept(number) {
            // One within another came before it.
            places.retain(|before| before.start < place.start);
            places.push(place);
        }
        Ok(())
    };
    each_placeholder(list, &mut found).ok()?;
    let mut replaced = list.to_owned();
    for place in places.iter().rev() {
        replaced.replace_range(place.clone(), other);
    }
    (!places.is_empty()).then_some(replaced)
}

/// True for a text that stands between quotes as it is.
pub(crate) fn is_plain(text: &str) -> bool {
    behind_plain(text.as_bytes()).is_empty()
}

type Found<'f> = dyn FnMut(usize, Range<usize>) -> Result<(), PacketError> + 'f;

struct Scanner<'a, 'f> {
    text: &'a [u8],
    /// What is still to be looked at.
    rest: &'a [u8],
    /// Gets the number and the place of each placeholder.
    placeholders: Option<&'f mut Found<'f>>,
}

/// What one object has said about being a placeholder.
#[derive(Default)]
struct Members {
    is_placeholder: bool,
    number: Option<usize>,
}

impl<'a, 'f> Scanner<'a, 'f> {
    fn new(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            rest: text.as_bytes(),
            placeholders: None,
        }
    }

    /// A value without blanks in front of it.
    fn value(&mut self, depth: usize) -> Result<Kind, PacketError> {
        let (first, behind) = self.rest.split_first().ok_or(PacketError::Json)?;
        match first {
            b'"' => {
                self.rest = behind_string(behind)?;
                Ok(Kind::Text)
            }
            b'{' => {
                self.object(depth.saturating_add(1))?;
                Ok(Kind::Object)
            }
            b'[' => {
                self.rest = behind;
                self.elements(depth.saturating_add(1), |_| {})?;
                Ok(Kind::Array)
            }
            b'-' | b'0'..=b'9' => {
                self.rest = behind_number(self.rest)?;
                Ok(Kind::Number)
            }
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => Err(PacketError::Json),
        }
    }

    /// What stands between brackets, and the closing one.
    fn elements(
        &mut self,
        depth: usize,
        mut found: impl FnMut(Range<usize>),
    ) -> Result<(), PacketError> {
        within(depth)?;
        self.blanks();
        if self.eat(b']') {
            return Ok(());
        }
        loop {
            let start = self.at();
            self.value(depth)?;
            found(start..self.at());
            self.blanks();
            if self.eat(b']') {
                return Ok(());
            }
            self.expect(b',')?;
            self.blanks();
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), PacketError> {
        within(depth)?;
        let start = self.at();
        self.expect(b'{')?;
        self.blanks();
        if self.eat(b'}') {
            return Ok(());
        }
        let mut members = Members::default();
        loop {
            let key = self.at();
            self.expect(b'"')?;
            self.rest = behind_string(self.rest)?;
            let key = key..self.at();
            self.blanks();
            self.expect(b':')?;
            self.blanks();
            let value = self.at();
            self.value(depth)?;
            self.note(&mut members, key, value);
            self.blanks();
            if self.eat(b'}') {
                return self.close(&members, start);
            }
            self.expect(b',')?;
            self.blanks();
        }
    }

    /// Extra keys and any order are fine; only the value `true` itself makes a placeholder.
    fn note(&self, members: &mut Members, key: Range<usize>, value: usize) {
        if self.placeholders.is_none() {
            return;
        }
        let value = self.text.get(value..self.at());
        let key = self.text.get(key).unwrap_or_default();
        if spells(key, "_placeholder") {
            members.is_placeholder = value == Some(b"true");
        } else if spells(key, "num") {
            members.number = value.and_then(plain_integer);
        }
    }

    fn close(&mut self, members: &Members, start: usize) -> Result<(), PacketError> {
        let place = start..self.at();
        match &mut self.placeholders {
            Some(found) if members.is_placeholder => {
                let number = members.number.ok_or(PacketError::Placeholder)?;
                found(number, place)
            }
            _ => Ok(()),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<Kind, PacketError> {
        self.rest = self.rest.strip_prefix(word).ok_or(PacketError::Json)?;
        Ok(Kind::Word)
    }

    fn blanks(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', behind @ ..] = self.rest {
            self.rest = behind;
        }
    }

    fn end(&mut self) -> Result<(), PacketError> {
        self.blanks();
        match self.rest {
            [] => Ok(()),
            _ => Err(PacketError::Json),
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), PacketError> {
        match self.eat(byte) {
            true => Ok(()),
            false => Err(PacketError::Json),
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        match self.rest {
            [first, behind @ ..] if *first == byte => {
                self.rest = behind;
                true
            }
            _ => false,
        }
    }

    /// Where in the text the rest begins.
    fn at(&self) -> usize {
        self.text.len().saturating_sub(self.rest.len())
    }
}

/// What follows a string whose opening quote is read.
fn behind_string(mut rest: &[u8]) -> Result<&[u8], PacketError> {
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
fn behind_escape(rest: &[u8]) -> Result<&[u8], PacketError> {
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

fn behind_number(rest: &[u8]) -> Result<&[u8], PacketError> {
    let rest = rest.strip_prefix(b"-").unwrap_or(rest);
    let mut rest = match rest {
        [b'0', behind @ ..] => behind,
        _ => behind_digits(rest)?,
    };
    if let [b'.', behind @ ..] = rest {
        rest = behind_digits(behind)?;
    }
    match rest {
        [b'e' | b'E', b'+' | b'-', behind @ ..] | [b'e' | b'E', behind @ ..] => {
            behind_digits(behind)
        }
        _ => Ok(rest),
    }
}

/// What follows one digit or more.
fn behind_digits(rest: &[u8]) -> Result<&[u8], PacketError> {
    let [b'0'..=b'9', rest @ ..] = rest else {
        return Err(PacketError::Json);
    };
    let mut rest = rest;
    while let [b'0'..=b'9', behind @ ..] = rest {
        rest = behind;
    }
    Ok(rest)
}

/// What begins with the first byte that ends a string or means something in it. Most of what is
/// scanned is text, so it goes by blocks: eight bytes at first, as most texts are short.
fn behind_plain(mut rest: &[u8]) -> &[u8] {
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
fn is_special(byte: u8) -> bool {
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

fn within(depth: usize) -> Result<(), PacketError> {
    if depth > MAX_DEPTH {
        Err(PacketError::Depth)
    } else {
        Ok(())
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
