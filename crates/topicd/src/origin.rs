//! Which web pages may use the server: an exact list, and always those of its own host.

use engineio::Cors;
use http::{HeaderMap, HeaderValue, header};

/// The origins of a configuration.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    listed: Vec<HeaderValue>,
    any: bool,
}

impl Origins {
    /// Takes scheme, host and port as browsers send them; `*` is everybody, without credentials.
    ///
    /// # Errors
    ///
    /// The operator is wrong: the text that is no origin.
    pub fn new(origins: &[String]) -> Result<Self, String> {
        let any = origins.iter().any(|origin| origin == "*");
        let listed = origins
            .iter()
            .filter(|origin| *origin != "*")
            .map(|origin| {
                let well_formed = origin.contains("://") && !origin.ends_with('/');
                let value = HeaderValue::from_str(origin).ok().filter(|_| well_formed);
                value.ok_or_else(|| origin.clone())
            });
        Ok(Self {
            listed: listed.collect::<Result<_, _>>()?,
            any,
        })
    }

    /// Whether a request may open a connection. Who sends no origin is no browser.
    pub fn allow(&self, headers: &HeaderMap) -> bool {
        match headers.get(header::ORIGIN) {
            None => true,
            Some(origin) => self.any || self.listed.contains(origin) || is_own(origin, headers),
        }
    }

    /// What the browser is told.
    pub fn cors(&self) -> Cors {
        match (self.any, self.listed.is_empty()) {
            (true, _) => Cors::Any,
            (false, true) => Cors::SameOrigin,
            (false, false) => Cors::List(self.listed.clone()),
        }
    }
}

/// True for pages of the host that the request goes to.
fn is_own(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let origin = origin.as_bytes();
    let origin = origin
        .strip_prefix(b"http://")
        .or_else(|| origin.strip_prefix(b"https://"));
    host.is_some() && origin == host
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(origins: &[&str], origin: Option<&str>) -> bool {
        let origins: Vec<_> = origins.iter().map(|&origin| origin.to_owned()).collect();
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("iot.example:3000"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        Origins::new(&origins).unwrap().allow(&headers)
    }

    #[test]
    fn listed_own_and_missing_origins_pass() {
        let listed = ["https://app.example"];
        for origin in [
            Some("https://app.example"),
            Some("http://iot.example:3000"),
            None,
        ] {
            assert!(asks(&listed, origin), "{origin:?}");
        }
        let foreign = [
            "https://app.example.evil",
            "https://app.example:8443",
            "http://app.example",
            "https://APP.example",
            "https://user@app.example",
            "http://iot.example",
            "null",
            "",
        ];
        for origin in foreign {
            assert!(!asks(&listed, Some(origin)), "{origin}");
        }
        assert!(asks(&["*"], Some("https://anywhere.example")));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        assert!(Origins::new(&["app.example".into()]).is_err());
        assert!(Origins::new(&["https://app.example/".into()]).is_err());
    }
}
