//! The cookie by which a load balancer keeps a client on one server (EIO4 2.11).

use std::{fmt, time::Duration};

use engineio_proto::Sid;
use http::HeaderValue;

/// A cookie with the sid, set by the handshake's answer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Cookie {
    /// Its name. Default `io`.
    pub name: String,
    /// The path it is sent for. Default `/`.
    pub path: String,
    /// Whether it goes along with requests of other sites. Default `Lax`.
    pub same_site: SameSite,
    /// Where it may travel. Default [`CookieScheme::Any`].
    pub scheme: CookieScheme,
    /// How long the browser keeps it. Default: until it closes.
    pub max_age: Option<Duration>,
}

/// The `SameSite` attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Never with requests of another site.
    Strict,
    /// Only when the user follows a link.
    Lax,
    /// Always; browsers want [`CookieScheme::HttpsOnly`] with it.
    None,
}

/// The `Secure` attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieScheme {
    /// Without `Secure`.
    Any,
    /// With `Secure`.
    HttpsOnly,
}

impl Default for Cookie {
    fn default() -> Self {
        Self {
            name: "io".into(),
            path: "/".into(),
            same_site: SameSite::Lax,
            scheme: CookieScheme::Any,
            max_age: None,
        }
    }
}

impl Cookie {
    /// The header's value; none if name or path have characters that a header cannot carry.
    pub(crate) fn header(&self, sid: &Sid) -> Option<HeaderValue> {
        let mut text = format!(
            "{}={}; Path={}; HttpOnly",
            self.name,
            sid.as_str(),
            self.path
        );
        text.push_str(&format!("; SameSite={}", self.same_site));
        if let Some(max_age) = self.max_age {
            text.push_str(&format!("; Max-Age={}", max_age.as_secs()));
        }
        if self.scheme == CookieScheme::HttpsOnly {
            text.push_str("; Secure");
        }
        HeaderValue::try_from(text).ok()
    }
}

impl fmt::Display for SameSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // X7
    #[test]
    fn reads_as_the_reference_writes_it() {
        let sid = Sid::parse("abc").unwrap();
        let header = Cookie::default().header(&sid).unwrap();
        assert_eq!(header, "io=abc; Path=/; HttpOnly; SameSite=Lax");
    }

    // X7
    #[test]
    fn honours_every_option() {
        let cookie = Cookie {
            name: "node".into(),
            path: "/ws".into(),
            same_site: SameSite::None,
            scheme: CookieScheme::HttpsOnly,
            max_age: Some(Duration::from_secs(60)),
        };
        let header = cookie.header(&Sid::parse("abc").unwrap()).unwrap();
        let expected = "node=abc; Path=/ws; HttpOnly; SameSite=None; Max-Age=60; Secure";
        assert_eq!(header, expected);
    }
}
