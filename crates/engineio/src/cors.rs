//! Cross-origin answers: which origins may read, and the preflight (EIO4 2.11).

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};

use crate::response::{self, Body};

/// Which web origins a browser lets read our answers.
///
/// CORS protects users, not servers: whoever must be kept out is refused by
/// [`Hooks::allow`](crate::Hooks::allow).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Cors {
    /// No header at all: only pages of the same origin read. The default.
    #[default]
    SameOrigin,
    /// `*`, never with credentials. Browser clients of socket.io 1.x and 2.x ask with credentials
    /// and need [`Cors::List`] or [`Cors::Mirror`].
    Any,
    /// The listed origins (scheme, host and port, as a browser sends them), with credentials.
    List(Vec<HeaderValue>),
    /// Whatever origin asks, with credentials; `*` where none is named. What socket.io 2.x did.
    Mirror,
}

impl Cors {
    /// The answer to a preflight; none if the request is no preflight or CORS is off.
    pub(crate) fn preflight<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        let headers = request.headers();
        if request.method() != Method::OPTIONS
            || matches!(self, Self::SameOrigin)
            || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        {
            return None;
        }
        let mut response = response::empty(StatusCode::NO_CONTENT);
        let answer = response.headers_mut();
        let methods = HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE");
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        if let Some(asked) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        Some(response)
    }

    /// The origin of a request, if it matters. Copied: a poll that waits would keep the buffer that its
    /// head was read into.
    pub(crate) fn origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        match self {
            Self::SameOrigin | Self::Any => None,
            Self::List(_) | Self::Mirror => {
                let origin = headers.get(header::ORIGIN)?;
                HeaderValue::from_bytes(origin.as_bytes()).ok()
            }
        }
    }

    /// Adds what the origin of this request is due, to any answer: errors and the 101 too.
    pub(crate) fn apply(&self, origin: Option<&HeaderValue>, answer: &mut HeaderMap) {
        let allowed = match (self, origin) {
            (Self::SameOrigin, _) => return,
            (Self::Any, _) | (Self::Mirror, None) => {
                answer.insert(
                    header::ACCESS_CONTROL_ALLOW_ORIGIN,
                    HeaderValue::from_static("*"),
                );
                return;
            }
            (Self::Mirror, Some(origin)) => Some(origin),
            (Self::List(list), origin) => origin.filter(|origin| list.contains(origin)),
        };
        // The answer differs by origin, so a cache must not hand it to another one.
        answer.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = allowed {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            let credentials = HeaderValue::from_static("true");
            answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, credentials);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: HeaderValue = HeaderValue::from_static("https://app.example");

    fn headers(cors: &Cors, origin: Option<&HeaderValue>) -> Vec<String> {
        let mut answer = HeaderMap::new();
        cors.apply(origin, &mut answer);
        let line = |(name, value): (&header::HeaderName, &HeaderValue)| {
            format!("{name}: {}", value.to_str().unwrap())
        };
        answer.iter().map(line).collect()
    }

    #[test]
    fn same_origin_says_nothing() {
        assert!(headers(&Cors::SameOrigin, Some(&PAGE)).is_empty());
    }

    // X1
    #[test]
    fn any_origin_never_comes_with_credentials() {
        assert_eq!(
            headers(&Cors::Any, Some(&PAGE)),
            ["access-control-allow-origin: *"]
        );
    }

    // X4
    #[test]
    fn a_listed_origin_is_echoed_and_another_is_not() {
        let cors = Cors::List(vec![PAGE]);
        let echoed = headers(&cors, Some(&PAGE));
        assert!(echoed.contains(&"access-control-allow-origin: https://app.example".into()));
        assert!(echoed.contains(&"access-control-allow-credentials: true".into()));
        for foreign in ["https://app.example.evil", "http://app.example", "null"] {
            let foreign = HeaderValue::from_static(foreign);
            assert_eq!(headers(&cors, Some(&foreign)), ["vary: Origin"]);
        }
    }

    // X6
    #[test]
    fn mirror_echoes_the_origin_and_says_any_without_one() {
        assert_eq!(
            headers(&Cors::Mirror, None),
            ["access-control-allow-origin: *"]
        );
        assert_eq!(headers(&Cors::Mirror, Some(&PAGE)).len(), 3);
    }

    // X3
    #[test]
    fn a_preflight_mirrors_the_headers_that_are_asked_for() {
        let request = Request::options("/engine.io/")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "x-token")
            .body(())
            .unwrap();
        let response = Cors::Any.preflight(&request).unwrap();
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert_eq!(
            response.headers()["access-control-allow-headers"],
            "x-token"
        );
        assert!(Cors::SameOrigin.preflight(&request).is_none());
    }
}
