//! Text that is checked once and then shared without copying.

use std::{fmt, ops::Deref};

use bytes::Bytes;
use bytestring::ByteString;

/// UTF-8 text in shared bytes: cloning and slicing copy nothing.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(ByteString);

/// Length of UTF-8 text in UTF-16 code units: one for each character, two for those of four bytes.
pub(crate) fn utf16_len(utf8: &[u8]) -> usize {
    let begins_character = |byte: u8| !matches!(byte, 0x80..=0xbf);
    utf8.iter()
        .map(|&byte| usize::from(begins_character(byte)) + usize::from(byte >= 0xf0))
        .sum()
}

/// The bytes are not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utf8Error;

impl Text {
    /// Text that lives as long as the program.
    pub const fn from_static(text: &'static str) -> Self {
        Self(ByteString::from_static(text))
    }

    /// Checks bytes and takes them over.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] if they are not UTF-8; nothing is replaced.
    pub fn from_utf8(bytes: Bytes) -> Result<Self, Utf8Error> {
        ByteString::try_from(bytes).map(Self).map_err(|_| Utf8Error)
    }

    /// The text as a string slice.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The bytes, shared.
    pub fn as_bytes(&self) -> &Bytes {
        self.0.as_bytes()
    }

    /// The bytes, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.0.into_bytes()
    }

    /// A part of the text that shares its bytes.
    ///
    /// # Panics
    ///
    /// If `part` is not a slice of this text.
    pub fn slice_ref(&self, part: &str) -> Self {
        Self(self.0.slice_ref(part))
    }

    /// Length in UTF-16 code units, the unit of revision 3's payloads (EIO3 3.1).
    pub fn utf16_len(&self) -> usize {
        utf16_len(self.as_bytes())
    }

    /// True if the text has a raw U+001E, the separator of revision 4's payloads (EIO4 2.8).
    pub(crate) fn has_separator(&self) -> bool {
        memchr::memchr(0x1e, self.as_bytes()).is_some()
    }

    /// Text that an encoder of ours has put together.
    pub(crate) fn from_encoder(utf8: Bytes) -> Self {
        Self::from_utf8(utf8).expect("our encoders write UTF-8")
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Display for Utf8Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not UTF-8")
    }
}

impl std::error::Error for Utf8Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_length_is_that_of_javascript() {
        for (text, len) in [
            ("", 0),
            ("a", 1),
            ("é", 1),
            ("€", 1),
            ("😀", 2),
            ("a€😀\u{ffff}", 5),
        ] {
            assert_eq!(Text::from(text).utf16_len(), len, "{text}");
            assert_eq!(text.encode_utf16().count(), len, "{text}");
        }
    }

    #[test]
    fn slices_share_the_bytes() {
        let text = Text::from("hello");
        let part = text.slice_ref(&text.as_str()[1..3]);
        assert_eq!(part.as_bytes().as_ptr(), text.as_bytes()[1..].as_ptr());
    }
}
