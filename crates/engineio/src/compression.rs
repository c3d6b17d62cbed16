//! HTTP compression of poll answers (EIO4 2.11). Off by default: it costs more than it saves for
//! the small answers that polling is made of.

use std::io::Write;

use bytes::Bytes;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::{HeaderMap, HeaderValue, Response, header};
use http_body_util::{BodyExt, Collected};

use crate::response::Body;
use engineio_proto::Compressible;

/// Which poll answers are compressed.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Compression {
    /// Bytes from which on an answer is compressed. Default 1024.
    pub threshold: usize,
}

/// What the client takes and we speak. Brotli is never offered: it is slow to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Deflate,
}

impl Default for Compression {
    fn default() -> Self {
        Self { threshold: 1024 }
    }
}

impl Compression {
    /// Compresses an answer that is large enough, which only answers to polls are.
    pub(crate) async fn apply(
        self,
        encoding: Option<Encoding>,
        response: Response<Body>,
    ) -> Response<Body> {
        let (mut head, body) = response.into_parts();
        let Ok(body) = body.collect().await.map(Collected::to_bytes);
        let allowed = head.extensions.get::<Compressible>() != Some(&Compressible::No);
        let worthwhile = encoding.filter(|_| allowed && body.len() >= self.threshold);
        let Some((encoding, bytes)) = worthwhile.and_then(|e| Some((e, e.encode(&body)?))) else {
            return Response::from_parts(head, Body::new(body));
        };
        head.headers.insert(
            header::CONTENT_ENCODING,
            HeaderValue::from_static(encoding.name()),
        );
        Response::from_parts(head, Body::new(bytes))
    }
}

impl Encoding {
    /// The best that the client accepts; a quality of zero is a no.
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(header::ACCEPT_ENCODING).into_iter();
        let parts = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|v| v.split(','));
        let accepted: Vec<&str> = parts.filter_map(wanted).collect();
        let has = |name: &str| {
            accepted
                .iter()
                .any(|accepted| accepted.eq_ignore_ascii_case(name))
        };
        match (has("gzip"), has("deflate")) {
            (true, _) => Some(Self::Gzip),
            (false, true) => Some(Self::Deflate),
            (false, false) => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    fn encode(self, bytes: &[u8]) -> Option<Bytes> {
        let out = Vec::with_capacity(bytes.len() / 4);
        let level = flate2::Compression::fast();
        let written = match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(out, level);
                encoder.write_all(bytes).and_then(|()| encoder.finish())
            }
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(out, level);
                encoder.write_all(bytes).and_then(|()| encoder.finish())
            }
        };
        // Writing into memory does not fail; if it did, the plain answer is right as well.
        written.ok().map(Bytes::from)
    }
}

/// The name of an encoding that is not refused by `q=0`.
fn wanted(part: &str) -> Option<&str> {
    let (name, parameters) = part.split_once(';').unwrap_or((part, ""));
    let quality = parameters.trim().strip_prefix("q=");
    let refused = quality.is_some_and(|q| q.trim().parse::<f32>().is_ok_and(|q| q == 0.0));
    (!refused).then_some(name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(value: &'static str) -> Option<Encoding> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        Encoding::accepted(&headers)
    }

    // X8
    #[test]
    fn gzip_is_preferred_and_a_zero_quality_is_a_no() {
        assert_eq!(accepted("deflate, gzip"), Some(Encoding::Gzip));
        assert_eq!(accepted("gzip;q=0, deflate;q=0.5"), Some(Encoding::Deflate));
        assert_eq!(accepted("br, identity"), None);
    }

    // X8
    #[tokio::test]
    async fn short_answers_stay_as_they_are() {
        let compression = Compression { threshold: 10 };
        let answer = |text: &'static str| Response::new(Body::from(text));
        let short = compression
            .apply(Some(Encoding::Gzip), answer("123456789"))
            .await;
        assert!(short.headers().is_empty());
        let long = compression
            .apply(Some(Encoding::Gzip), answer("1234567890"))
            .await;
        assert_eq!(long.headers()[header::CONTENT_ENCODING], "gzip");
    }

    #[tokio::test]
    async fn what_must_not_be_compressed_is_not() {
        let compression = Compression { threshold: 1 };
        let mut answer = Response::new(Body::from("secret"));
        answer.extensions_mut().insert(Compressible::No);
        let answer = compression.apply(Some(Encoding::Gzip), answer).await;
        assert!(answer.headers().is_empty());
    }
}
