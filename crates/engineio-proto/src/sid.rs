//! Session ids: the format only. Randomness belongs to the driver.

use std::{borrow::Borrow, fmt, sync::Arc};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

/// The id of a session, a secret shared by server and client.
///
/// 1 to 64 characters of `A–Z a–z 0–9 - _`; [`Sid::from_random`] makes the 20 that this project
/// hands out. Its `Debug` form is shortened, because whoever knows a sid owns the session.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sid(Arc<str>);

impl Sid {
    /// The most characters that a sid may have.
    pub const MAX_LEN: usize = 64;

    /// Encodes 120 random bits as 20 characters.
    ///
    /// The bytes must come from the operating system's generator, without any time or counter part.
    pub fn from_random(bytes: [u8; 15]) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(bytes).into())
    }

    /// Takes an id that the application made.
    ///
    /// # Errors
    ///
    /// [`InvalidSid`] if it is empty, longer than [`Sid::MAX_LEN`] or has other characters.
    pub fn parse(text: &str) -> Result<Self, InvalidSid> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let valid = !text.is_empty() && text.len() <= Self::MAX_LEN && text.bytes().all(allowed);
        if valid {
            Ok(Self(text.into()))
        } else {
            Err(InvalidSid)
        }
    }

    /// The id as it stands in the handshake and in the query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A map of sessions is searched with the text of a query, whatever it is.
impl Borrow<str> for Sid {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid({:.4}…)", self.0)
    }
}

/// The text is not a session id of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidSid;

impl fmt::Display for InvalidSid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session id has 1 to 64 URL-safe characters")
    }
}

impl std::error::Error for InvalidSid {}
