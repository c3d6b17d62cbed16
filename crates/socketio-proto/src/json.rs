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

/// Where the parts of an array stand in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Array {
    /// The first element.
    pub(crate) first: Option<Range<usize>>,
    /// Everything between the brackets.
    pub(crate) inner: Range<usize>,
    /// Everything behind the first element and its comma.
    pub(crate) rest: Range<usize>,
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
    let kind = scanner.value(0)?;
    scanner.end()?;
    Ok(kind)
}

/// Checks a whole text that has to be an array, and finds its parts.
pub(crate) fn array(text: &str) -> Result<Array, PacketError> {
    let mut scanner = Scanner::new(text);
    scanner.blanks();
    if scanner.peek() != Some(b'[') {
        check(text)?;
        return Err(PacketError::Payload);
    }
    scanner.skip(1);
    let start = scanner.at;
    let mut array = Array {
        first: None,
        inner: start..start,
        rest: start..start,
    };
    scanner.elements(1, |element| {
        array.first.get_or_insert(element);
    })?;
    let end = scanner.at.saturating_sub(1);
    scanner.end()?;
    array.inner.end = end;
    array.rest = match &array.first {
        None => end..end,
        Some(first) => behind_comma(text, first.end, end)..end,
    };
    Ok(array)
}

/// The elements of a checked list without brackets, one after another.
pub(crate) fn elements(list: &str) -> impl Iterator<Item = &str> {
    let mut scanner = Scanner::new(list);
    std::iter::from_fn(move || {
        scanner.blanks();
        if scanner.peek() == Some(b',') {
            scanner.skip(1);
            scanner.blanks();
        }
        let start = scanner.at;
        scanner.value(0).ok()?;
        list.get(start..scanner.at)
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
        match scanner.peek() {
            None => return Ok(()),
            Some(b',') => scanner.skip(1),
            Some(_) => {
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

type Found<'f> = dyn FnMut(usize, Range<usize>) -> Result<(), PacketError> + 'f;

struct Scanner<'a, 'f> {
    text: &'a [u8],
    at: usize,
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
            at: 0,
            placeholders: None,
        }
    }

    fn value(&mut self, depth: usize) -> Result<Kind, PacketError> {
        self.blanks();
        match self.peek() {
            Some(b'"') => self.string().map(|()| Kind::Text),
            Some(b'{') => self.object(depth.saturating_add(1)).map(|()| Kind::Object),
            Some(b'[') => {
                self.skip(1);
                self.elements(depth.saturating_add(1), |_| {})
                    .map(|()| Kind::Array)
            }
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| Kind::Number),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
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
            self.blanks();
            let start = self.at;
            self.value(depth)?;
            found(start..self.at);
            self.blanks();
            if self.eat(b']') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), PacketError> {
        within(depth)?;
        let start = self.at;
        self.skip(1);
        self.blanks();
        if self.eat(b'}') {
            return Ok(());
        }
        let mut members = Members::default();
        loop {
            self.blanks();
            let key = self.at;
            self.string()?;
            let key = key..self.at;
            self.blanks();
            self.expect(b':')?;
            self.blanks();
            let value = self.at;
            self.value(depth)?;
            self.note(&mut members, key, value);
            self.blanks();
            if self.eat(b'}') {
                return self.close(&members, start);
            }
            self.expect(b',')?;
        }
    }

    /// Extra keys and any order are fine; only the value `true` itself makes a placeholder.
    fn note(&self, members: &mut Members, key: Range<usize>, value: usize) {
        if self.placeholders.is_none() {
            return;
        }
        let value = self.text.get(value..self.at);
        let key = self.text.get(key).unwrap_or_default();
        if spells(key, "_placeholder") {
            members.is_placeholder = value == Some(b"true");
        } else if spells(key, "num") {
            members.number = value.and_then(plain_integer);
        }
    }

    fn close(&mut self, members: &Members, start: usize) -> Result<(), PacketError> {
        match &mut self.placeholders {
            Some(found) if members.is_placeholder => {
                let number = members.number.ok_or(PacketError::Placeholder)?;
                found(number, start..self.at)
            }
            _ => Ok(()),
        }
    }

    fn string(&mut self) -> Result<(), PacketError> {
        self.expect(b'"')?;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            self.skip(plain(rest).ok_or(PacketError::Json)?);
            match self.peek() {
                Some(b'"') => {
                    self.skip(1);
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(PacketError::Json),
            }
        }
    }

    /// A surrogate may stand alone, as in JavaScript (SIO5 7).
    fn escape(&mut self) -> Result<(), PacketError> {
        self.skip(1);
        let kind = self.peek();
        self.skip(1);
        match kind {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => {
                let end = self.at.saturating_add(4);
                let digits = self.text.get(self.at..end).ok_or(PacketError::Json)?;
                self.at = end;
                let all_hex = digits.iter().all(u8::is_ascii_hexdigit);
                if all_hex {
                    Ok(())
                } else {
                    Err(PacketError::Json)
                }
            }
            _ => Err(PacketError::Json),
        }
    }

    fn number(&mut self) -> Result<(), PacketError> {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            if !self.eat(b'+') {
                self.eat(b'-');
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), PacketError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.skip(count);
        if count == 0 {
            Err(PacketError::Json)
        } else {
            Ok(())
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<Kind, PacketError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(PacketError::Json);
        }
        self.skip(word.len());
        Ok(Kind::Word)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.skip(1);
        }
    }

    fn end(&mut self) -> Result<(), PacketError> {
        self.blanks();
        if self.peek().is_none() {
            Ok(())
        } else {
            Err(PacketError::Json)
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), PacketError> {
        if self.eat(byte) {
            Ok(())
        } else {
            Err(PacketError::Json)
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.skip(1);
        }
        found
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }
}

/// How many bytes come before the first that ends a text or means something in it. Eight at a time,
/// as most of what is scanned is text.
fn plain(rest: &[u8]) -> Option<usize> {
    let (words, tail) = rest.as_chunks();
    for (index, word) in words.iter().enumerate() {
        let special = specials(u64::from_le_bytes(*word));
        if special != 0 {
            let within = special.trailing_zeros() / u8::BITS;
            return Some(index.saturating_mul(8).saturating_add(within as usize));
        }
    }
    let within = tail
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
    Some(words.len().saturating_mul(8).saturating_add(within))
}

/// Has its lowest bit in the first byte that is a quote, a backslash or a control character. What a
/// subtraction borrows can only mark bytes behind that one.
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

/// The place behind the comma that follows an element, or the end if it was the last.
fn behind_comma(text: &str, element_end: usize, end: usize) -> usize {
    let between = text.get(element_end..end).and_then(|rest| rest.find(','));
    between.map_or(end, |comma| {
        element_end.saturating_add(comma).saturating_add(1)
    })
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
