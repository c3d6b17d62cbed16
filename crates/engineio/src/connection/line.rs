//! The stream of a connection, with what was read of it too early.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection between hyper's turns.
pub(crate) struct Line<S> {
    stream: S,
    /// The beginning of the next request, or more of a client that does not wait for its answers.
    ahead: Bytes,
}

impl<S> Line<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            ahead: Bytes::new(),
        }
    }

    /// Puts back what was read and not used. Copied: a reader's buffer would live as long as the slice.
    pub(super) fn put_back(&mut self, unused: &[u8]) {
        if unused.is_empty() {
            return;
        }
        let mut ahead = BytesMut::with_capacity(unused.len() + self.ahead.len());
        ahead.extend_from_slice(unused);
        ahead.extend_from_slice(&self.ahead);
        self.ahead = ahead.freeze();
    }

    /// The stream, and what comes before it.
    pub(crate) fn into_parts(mut self, unused: &[u8]) -> (S, Bytes) {
        self.put_back(unused);
        (self.stream, self.ahead)
    }
}

impl<S: AsyncRead + Unpin> Line<S> {
    /// Ready when something has come, or with false at the end. What comes is read into memory of this
    /// turn alone, so that a connection which waits has no buffer.
    pub(super) fn poll_come(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if !self.ahead.is_empty() {
            return Poll::Ready(Ok(true));
        }
        let mut room = [MaybeUninit::uninit(); ONE_READ];
        let mut read = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
        self.ahead = Bytes::copy_from_slice(read.filled());
        Poll::Ready(Ok(!self.ahead.is_empty()))
    }

    /// Waits until the client has closed. One that sends more instead is not watched any longer: its
    /// end comes behind that, and no more of it is read now.
    pub(super) async fn left(&mut self) {
        if let Ok(true) = poll_fn(|cx| self.poll_come(cx)).await {
            std::future::pending().await
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Line<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let length = self.ahead.len().min(buf.remaining());
        buf.put_slice(&self.ahead[..length]);
        self.ahead.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Line<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Bytes that are read at once; most requests are shorter.
const ONE_READ: usize = 2048;
