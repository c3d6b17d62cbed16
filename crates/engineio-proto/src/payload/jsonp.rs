//! Payloads for and from `<script>` elements: a call of a function going out, a form coming in
//! (EIO3 3.4).
//!
//! The payload inside is always a text encoding. Nothing here knows packets.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use bytes::Bytes;

use crate::{PayloadError, Text, form};

/// Which callback of the page is called, from `j` of the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonpIndex(Box<str>);

impl JsonpIndex {
    /// Keeps the digits only, at most 16 of them: the index becomes part of a script. `a1b2` is
    /// 12, and without any digit the index is empty.
    pub fn from_query(value: &str) -> Self {
        Self(
            value
                .chars()
                .filter(char::is_ascii_digit)
                .take(16)
                .collect(),
        )
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Writes `___eio[<index>]("<payload>");`.
pub(super) fn encode(index: &JsonpIndex, payload: &str) -> Bytes {
    let string = serde_json::Value::from(payload).to_string();
    // U+2028 and U+2029 end a line in older JavaScript; `</` could end the script element.
    let string = string
        .replace('\u{2028}', r"\u2028")
        .replace('\u{2029}', r"\u2029")
        .replace("</", r"<\/");
    format!("___eio[{}]({string});", index.as_str()).into()
}

/// Reads the form `d=<payload>`. Without `d`, or with two of them, there is nothing to read and
/// that is no error.
pub(super) fn decode(body: &[u8]) -> Result<Option<Text>, PayloadError> {
    let mut values = form::pairs(body).filter(|(key, _)| key.as_ref() == b"d");
    let (Some((_, payload)), None) = (values.next(), values.next()) else {
        return Ok(None);
    };
    let payload = std::str::from_utf8(&payload).map_err(|_| PayloadError::Utf8)?;
    Ok(Some(unescape(payload).into()))
}

/// Takes back what the client did to keep browsers from changing line ends: backslash-n was a
/// newline, backslash-backslash-n was backslash-n.
fn unescape(mut payload: &str) -> String {
    let mut out = String::with_capacity(payload.len());
    while let Some((before, _)) = payload.split_once('\\') {
        out.push_str(before);
        let found = payload.get(before.len()..).unwrap_or_default();
        let (written, rest) = if let Some(rest) = found.strip_prefix(r"\\n") {
            (r"\n", rest)
        } else if let Some(rest) = found.strip_prefix(r"\n") {
            ("\n", rest)
        } else {
            (r"\", found.get(1..).unwrap_or_default())
        };
        out.push_str(written);
        payload = rest;
    }
    out.push_str(payload);
    out
}
