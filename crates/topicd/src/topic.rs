//! Topics: `/me/resources/{key}` and `/things/{thingToken}`.
//!
//! Owns their grammar and the normal form they are matched by. Whether a client may hold one is not
//! decided here.

use std::{fmt, sync::Arc};

use crate::token::Token;

mod allowed;

pub use allowed::AllowedTopic;

/// What a client may subscribe to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Topic {
    /// One resource of all things that are linked to the user.
    Resource(Key),
    /// All resources of one thing.
    Thing(Token),
}

/// The name of a resource: 1 to 64 characters of `A-Z a-z 0-9 . _ -`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Key(Arc<str>);

/// The text is no topic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MalformedTopic;

impl Topic {
    /// Longest topic in bytes.
    pub const MAX_LEN: usize = 256;

    /// Reads a topic as a client spells it; one trailing slash is dropped and nothing is decoded.
    ///
    /// # Errors
    ///
    /// The peer is wrong: the text is too long or has neither form.
    pub fn parse(text: &str) -> Result<Self, MalformedTopic> {
        if text.len() > Self::MAX_LEN {
            return Err(MalformedTopic);
        }
        let text = text.strip_suffix('/').unwrap_or(text);
        if let Some(key) = text.strip_prefix("/me/resources/") {
            return Key::parse(key).map(Self::Resource).ok_or(MalformedTopic);
        }
        match text.strip_prefix("/things/") {
            Some(token) if is_token(token) => Ok(Self::Thing(Token::presented(token))),
            _ => Err(MalformedTopic),
        }
    }
}

impl Key {
    /// Longest key in bytes.
    pub const MAX_LEN: usize = 64;

    /// Reads a key; none if it is empty, too long or has a character that is not allowed.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= Self::MAX_LEN;
        (fits && text.bytes().all(is_key_byte)).then(|| Self(text.into()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MalformedTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed topic")
    }
}

impl std::error::Error for MalformedTopic {}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// The alphabet of tokens. Any length: a short one is unknown like any other wrong one.
fn is_token(text: &str) -> bool {
    let in_alphabet = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !text.is_empty() && text.bytes().all(in_alphabet)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resource(key: &str) -> Result<Topic, MalformedTopic> {
        Ok(Topic::Resource(Key::parse(key).unwrap()))
    }

    // Contract 13
    #[test]
    fn both_forms_with_one_trailing_slash_or_none() {
        assert_eq!(Topic::parse("/me/resources/temp.1"), resource("temp.1"));
        assert_eq!(Topic::parse("/me/resources/temp.1/"), resource("temp.1"));
        assert_eq!(Topic::parse("/me/resources/.."), resource(".."));
        let thing = Ok(Topic::Thing(Token::presented("a-_Z9")));
        assert_eq!(Topic::parse("/things/a-_Z9"), thing);
        assert_eq!(Topic::parse("/things/a-_Z9/"), thing);
    }

    // Contract 25
    #[test]
    fn everything_else_is_malformed() {
        let long = format!("/me/resources/{}", "k".repeat(65));
        let slashes = "/".repeat(65_400);
        let texts = [
            "",
            "/",
            "/me/resources/",
            "/me/resources//",
            "/me/resources/a//",
            "/me/resources/a/b",
            "/me//resources/a",
            "me/resources/a",
            "/ME/resources/a",
            "/me/resources/%2e",
            "/me/resources/a%20b",
            "/me/resources/*",
            "/me/resources/+",
            "/me/resources/#",
            "/me/resources/a\0",
            "/me/resources/a\r\n",
            "/me/resources/a\u{1e}",
            "/me/resources/é",
            "/things/",
            "/things/*",
            "/things/a/b",
            "/things/..",
            "/things/a.b",
            // Names with a meaning in clients: no event of ours has one.
            "error",
            "connect",
            "disconnect",
            &long,
            &slashes,
        ];
        for text in texts {
            assert_eq!(Topic::parse(text), Err(MalformedTopic), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,300}") {
            let _ = Topic::parse(&text);
        }

        #[test]
        fn every_key_makes_a_topic(key in "[A-Za-z0-9._-]{1,64}") {
            prop_assert_eq!(Topic::parse(&format!("/me/resources/{key}")), resource(&key));
        }
    }
}
