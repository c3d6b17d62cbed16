//! Which web pages may use the server: an exact list, and always those of its own host.

use engineio::Cors;
use http::{HeaderMap, HeaderValue, header};

/// The origins of a configuration.
#[derive(Clone, Debug)]
pub struct Origins(Readers);

/// Whose pages may read our answers, besides those of our own host.
#[derive(Clone, Debug)]
pub(crate) enum Readers {
    Own,
    Listed(Vec<HeaderValue>),
    /// Without credentials.
    Anybody,
}

impl Origins {
    /// Takes scheme, host and port as browsers send them; `*` is everybody, without credentials.
    ///
    /// # Errors
    ///
    /// The operator is wrong: the text that is no origin.
    pub fn new(origins: &[String]) -> Result<Self, String> {
        if origins.iter().any(|origin| origin == "*") {
            return Ok(Self(Readers::Anybody));
        }
        let listed = origins.iter().map(|origin| {
            let well_formed = origin.contains("://") && !origin.ends_with('/');
            let value = HeaderValue::from_str(origin).ok().filter(|_| well_formed);
            value.ok_or_else(|| origin.clone())
        });
        let listed = listed.collect::<Result<Vec<_>, _>>()?;
        Ok(Self(match listed.is_empty() {
            true => Readers::Own,
            false => Readers::Listed(listed),
        }))
    }

    /// Whether a request may open a connection. Who sends no origin is no browser.
    pub fn allow(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return true;
        };
        let is_listed = match &self.0 {
            Readers::Own => false,
            Readers::Listed(list) => list.contains(origin),
            Readers::Anybody => true,
        };
        is_listed || is_own(origin, headers)
    }

    /// What browsers are told on `/socket.io/`.
    pub fn cors(&self) -> Cors {
        match &self.0 {
            Readers::Own => Cors::SameOrigin,
            Readers::Listed(list) => Cors::List(list.clone()),
            Readers::Anybody => Cors::Any,
        }
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.0
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

    // Contract 6
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
