//! What a token that only subscribes is for. Such a token is stored, so the tokens of things that it
//! names are kept as digests, as all others are.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Key, MalformedTopic, Topic};
use crate::token::Digest;

/// Most topics of one token.
const MAX_TOPICS: usize = 128;
/// What is stored before the digest of a thing's token. No topic begins like this.
const DIGEST: &str = "sha256:";

/// One topic that a token may subscribe to, in whatever spelling.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AllowedTopic {
    /// `/me/resources/{key}`.
    Resource(Key),
    /// `/things/{thingToken}`, by the token's digest.
    Thing(Digest),
}

impl AllowedTopic {
    /// Reads the topics of a token that is to be made: 1 to 128.
    ///
    /// # Errors
    ///
    /// The peer is wrong: one of them is malformed, or their number is.
    pub fn parse_all(topics: &[String]) -> Result<Vec<Self>, MalformedTopic> {
        if !(1..=MAX_TOPICS).contains(&topics.len()) {
            return Err(MalformedTopic);
        }
        let topic = |text: &String| Topic::parse(text).map(|topic| Self::of(&topic));
        topics.iter().map(topic).collect()
    }

    /// True if it is this one.
    pub fn covers(&self, topic: &Topic) -> bool {
        *self == Self::of(topic)
    }

    /// The text to store.
    pub fn to_stored(&self) -> String {
        match self {
            Self::Resource(key) => format!("/me/resources/{}", key.as_str()),
            Self::Thing(token) => format!("{DIGEST}{}", URL_SAFE_NO_PAD.encode(token.as_bytes())),
        }
    }

    /// What was stored; nothing is allowed by what cannot be read.
    pub fn from_stored(text: &str) -> Option<Self> {
        let Some(digest) = text.strip_prefix(DIGEST) else {
            return Topic::parse(text).ok().map(|topic| Self::of(&topic));
        };
        let bytes = URL_SAFE_NO_PAD.decode(digest).ok()?;
        let bytes = bytes.try_into().ok()?;
        Some(Self::Thing(Digest::from_stored(bytes)))
    }

    fn of(topic: &Topic) -> Self {
        match topic {
            Topic::Resource(key) => Self::Resource(key.clone()),
            Topic::Thing(token) => Self::Thing(token.digest()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(topics: &[&str]) -> Result<Vec<AllowedTopic>, MalformedTopic> {
        let topics: Vec<_> = topics.iter().map(|&topic| topic.to_owned()).collect();
        AllowedTopic::parse_all(&topics)
    }

    #[test]
    fn what_is_stored_has_no_token_in_it_and_is_read_back() {
        let allowed = all(&["/me/resources/a", "/things/t0ken/"]).unwrap();
        for topic in &allowed {
            let stored = topic.to_stored();
            assert!(!stored.contains("t0ken"), "{stored}");
            assert_eq!(AllowedTopic::from_stored(&stored).as_ref(), Some(topic));
        }
        let covers = |text: &str| {
            let topic = Topic::parse(text).unwrap();
            allowed.iter().any(|allowed| allowed.covers(&topic))
        };
        assert!(covers("/me/resources/a/") && covers("/things/t0ken"));
        assert!(!covers("/me/resources/b") && !covers("/things/T0ken"));
        for text in ["", "sha256:", "sha256:AAAA", "/things"] {
            assert_eq!(AllowedTopic::from_stored(text), None, "{text}");
        }
    }

    #[test]
    fn one_to_128_well_formed_topics() {
        assert!(all(&[]).is_err());
        assert!(all(&["/me/resources/a", "/x"]).is_err());
        assert!(all(&["/me/resources/a"; MAX_TOPICS]).is_ok());
        assert!(all(&["/me/resources/a"; MAX_TOPICS + 1]).is_err());
    }
}
