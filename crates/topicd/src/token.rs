//! Secrets and names: tokens, their digests, thing ids.
//!
//! A token is a capability, an id is a name; they are different types, so that an id never works as
//! a token. The store sees digests only.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret of 256 random bits: a session token, a thing token or an activation code.
///
/// Shown by [`Token::reveal`] alone; `Debug` hides it, and it is overwritten when it is gone.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Zeroizing<Box<str>>);

/// The SHA-256 of a token: all that is stored, and what tokens are looked up by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

/// The name of a thing that applications use: 43 characters, no secret.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ThingId(Box<str>);

/// The operating system gave no random bytes.
#[derive(Debug)]
pub struct NoRandomness;

impl Token {
    /// A new token: 43 characters of base64url.
    ///
    /// # Errors
    ///
    /// The operating system gave no random bytes.
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self(Zeroizing::new(random_name()?)))
    }

    /// Takes what a client sent for a token, whatever it is: a wrong one is simply unknown.
    pub fn presented(text: &str) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// What the store knows it by.
    pub fn digest(&self) -> Digest {
        Digest(Sha256::digest(self.0.as_bytes()).into())
    }

    /// The secret itself, for its owner.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Digest {
    /// A digest that was stored.
    pub fn from_stored(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Compares in constant time.
    pub fn matches(&self, stored: &[u8]) -> bool {
        self.0.ct_eq(stored).into()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

impl ThingId {
    /// A new name.
    ///
    /// # Errors
    ///
    /// The operating system gave no random bytes.
    pub fn generate() -> Result<Self, NoRandomness> {
        random_name().map(Self)
    }

    /// A name as a client or the store tells it.
    pub fn named(text: &str) -> Self {
        Self(text.into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn random_name() -> Result<Box<str>, NoRandomness> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Contract 46
    #[test]
    fn a_token_has_43_characters_and_hides_itself() {
        let token = Token::generate().unwrap();
        assert_eq!(token.reveal().len(), 43);
        assert!(!format!("{token:?} {:?}", token.digest()).contains(token.reveal()));
        assert_ne!(token, Token::generate().unwrap());
    }

    #[test]
    fn the_digest_is_sha_256() {
        let digest = Token::presented("abc").digest();
        assert_eq!(digest.as_bytes()[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert!(digest.matches(Token::presented("abc").digest().as_bytes()));
        assert!(!digest.matches(&[0; 32]));
    }
}
