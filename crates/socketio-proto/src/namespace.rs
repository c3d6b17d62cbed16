//! Names of namespaces, and the query that protocol 4 puts behind them.

use std::{
    borrow::Borrow,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

/// The name of a namespace: `/` and what follows, compared byte by byte (SIO5 6.2).
///
/// Cheap to clone; the root takes no memory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamespaceName(Option<Arc<str>>);

/// The text is no name: it does not start with `/`, has a comma or is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidNamespace;

impl NamespaceName {
    /// `/`, the namespace that every client knows.
    pub const ROOT: Self = Self(None);
    /// The most bytes of a name.
    pub const MAX_LEN: usize = 256;

    /// Takes a name as it stands in a packet.
    ///
    /// # Errors
    ///
    /// [`InvalidNamespace`] if it does not start with `/`, has a comma, or is longer than
    /// [`NamespaceName::MAX_LEN`].
    pub fn parse(text: &str) -> Result<Self, InvalidNamespace> {
        if text == "/" {
            return Ok(Self::ROOT);
        }
        if text.len() > Self::MAX_LEN || !text.starts_with('/') || text.contains(',') {
            return Err(InvalidNamespace);
        }
        Ok(Self(Some(text.into())))
    }

    /// The name with its slash.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or("/")
    }

    /// True for `/`.
    pub fn is_root(&self) -> bool {
        self.0.is_none()
    }

    /// Name and prefix of a packet: nothing for the root, else the name and a comma.
    pub(crate) fn prefix(&self) -> [&str; 2] {
        match &self.0 {
            None => ["", ""],
            Some(name) => [name, ","],
        }
    }
}

/// A table of namespaces is searched with the text of a packet.
impl Borrow<str> for NamespaceName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

/// Equal to that of the text, as `Borrow` demands.
impl Hash for NamespaceName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for NamespaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for NamespaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for InvalidNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a namespace starts with a slash, has no comma and at most 256 bytes")
    }
}

impl std::error::Error for InvalidNamespace {}

/// Splits what a protocol 4 client asks for at the first `?` (SIO4 6.2).
pub(crate) fn split_query(text: &str) -> (&str, &str) {
    text.split_once('?').unwrap_or((text, ""))
}

/// The query as the JSON object that the application gets in place of an auth payload: the last of
/// several equal keys counts.
pub(crate) fn query_to_json(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let object: serde_json::Map<String, serde_json::Value> = pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (form_decode(key), form_decode(value).into())
        })
        .collect();
    serde_json::Value::Object(object).to_string()
}

/// Decodes `+` and `%XX`; what is no escape stays, and bytes that are no UTF-8 are replaced.
fn form_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escape = tail.get(..2).filter(|_| *first == b'%').and_then(hex);
        rest = if escape.is_some() {
            tail.get(2..).unwrap_or_default()
        } else {
            tail
        };
        bytes.push(escape.unwrap_or(if *first == b'+' { b' ' } else { *first }));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digits: &[u8]) -> Option<u8> {
    // `from_str_radix` alone would take a sign.
    let digits = std::str::from_utf8(digits)
        .ok()
        .filter(|text| !text.starts_with('+'))?;
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_byte_by_byte() {
        let name = NamespaceName::parse("/custom").unwrap();
        for other in ["/custom/", "/Custom", "//custom", "/custom?a=b"] {
            assert_ne!(NamespaceName::parse(other).unwrap(), name);
        }
        assert_eq!(NamespaceName::parse("/").unwrap(), NamespaceName::ROOT);
    }

    // N38
    #[test]
    fn a_name_has_a_slash_no_comma_and_a_bound() {
        for bad in ["", "custom", "/a,b", &format!("/{}", "x".repeat(256))] {
            assert_eq!(NamespaceName::parse(bad), Err(InvalidNamespace));
        }
    }

    // V4
    #[test]
    fn a_query_is_decoded_into_an_object() {
        let (name, query) = split_query("/custom?a=b&c=%C3%A9%20x&d=1+2&e&a=last&f=%zz");
        assert_eq!(name, "/custom");
        let expected = r#"{"a":"last","c":"é x","d":"1 2","e":"","f":"%zz"}"#;
        assert_eq!(query_to_json(query), expected);
    }
}
