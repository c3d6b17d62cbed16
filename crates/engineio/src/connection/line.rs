//! The socket of a connection, with what was read of it too early.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::write_limit::WriteLimit;

/// A TCP connection between hyper's turns.
pub(crate) struct Line {
    stream: WriteLimit,
    /// Behind the last request: a client that does not wait for its answers.
    ahead: Bytes,
}

impl Line {
    pub(super) fn new(stream: WriteLimit) -> Self {
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
    pub(crate) fn into_parts(mut self, unused: &[u8]) -> (TcpStream, Bytes) {
        self.put_back(unused);
        (self.stream.into_inner(), self.ahead)
    }

    /// Ready when a read would not wait: there are bytes, or the end.
    pub(super) fn poll_ready_to_read(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            self.stream.stream().poll_read_ready(cx)
        } else {
            Poll::Ready(Ok(()))
        }
    }

    /// Waits until the client has closed. One that sends more instead is not watched any longer: its
    /// end comes behind that.
    pub(super) async fn left(&self) {
        let mut byte = [MaybeUninit::uninit()];
        let peeked = poll_fn(|cx| {
            let mut byte = ReadBuf::uninit(&mut byte);
            self.stream.stream().poll_peek(cx, &mut byte)
        });
        if let Ok(1..) = peeked.await {
            std::future::pending().await
        }
    }
}

impl AsyncRead for Line {
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

impl AsyncWrite for Line {
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
