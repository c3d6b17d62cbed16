//! Request bodies, read up to a size and a deadline.

use std::{pin::pin, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use engineio_proto::RequestError;
use http_body::Body;
use http_body_util::BodyExt;

use crate::refused::Refused;

/// Why a body was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// Beyond the limit, declared or counted.
    TooLarge,
    /// Not complete by the deadline.
    TimedOut,
    /// The client went away or broke HTTP's framing.
    Aborted,
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => RequestError::TooLarge.into(),
            BodyError::TimedOut => Self::BodyTimeout,
            BodyError::Aborted => Self::BodyAborted,
        }
    }
}

/// Reads a whole body of at most `limit` bytes within `deadline`.
///
/// A declared length beyond the limit is refused before anything is read, so that
/// `Expect: 100-continue` is never answered with 100 for a body nobody wants.
pub(crate) async fn collect<B>(
    body: B,
    limit: usize,
    deadline: Duration,
) -> Result<Bytes, BodyError>
where
    B: Body,
{
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge);
    }
    match tokio::time::timeout(deadline, read(body, limit)).await {
        Ok(result) => result,
        Err(_) => Err(BodyError::TimedOut),
    }
}

/// Copies the body out of the connection's buffers: a slice would pin a whole buffer for as long as
/// the application keeps a message.
async fn read<B: Body>(body: B, limit: usize) -> Result<Bytes, BodyError> {
    let mut body = pin!(body);
    let mut collected = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| BodyError::Aborted)?;
        let Ok(mut data) = frame.into_data() else {
            continue;
        };
        if data.remaining() > limit - collected.len() {
            return Err(BodyError::TooLarge);
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            collected.extend_from_slice(chunk);
            let copied = chunk.len();
            data.advance(copied);
        }
    }
    Ok(collected.freeze())
}

#[cfg(test)]
mod tests {
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn takes_a_body_of_exactly_the_limit_and_no_byte_more() {
        let body = || Full::new(Bytes::from_static(b"12345"));
        assert_eq!(collect(body(), 5, SOON).await.unwrap(), "12345");
        assert_eq!(collect(body(), 4, SOON).await, Err(BodyError::TooLarge));
    }

    #[tokio::test]
    async fn counts_a_body_that_declares_no_length() {
        let chunks = ["123", "456"].map(|part| Ok::<_, ()>(Frame::data(Bytes::from(part))));
        let body = StreamBody::new(futures_util::stream::iter(chunks));
        assert_eq!(collect(body, 5, SOON).await, Err(BodyError::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_on_a_body_that_never_ends() {
        let body = StreamBody::new(futures_util::stream::pending::<Result<Frame<Bytes>, ()>>());
        assert_eq!(collect(body, 5, SOON).await, Err(BodyError::TimedOut));
    }
}
