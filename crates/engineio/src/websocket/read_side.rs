//! The stream that tungstenite sees: it reads from the peer and writes into a small buffer.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use engineio_proto::Limits;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frame_meter::{Excess, FrameMeter};
use crate::clock;

/// Reads go to the peer; what tungstenite writes (pongs, closes) is kept for our own write queue.
pub(crate) struct ReadSide<R> {
    reader: R,
    meter: FrameMeter,
    excess: Option<Excess>,
    reply: Vec<u8>,
}

impl<R> ReadSide<R> {
    /// `read` are bytes that came behind the handshake: tungstenite gets them from elsewhere.
    pub(crate) fn new(reader: R, read: &[u8], limits: &Limits) -> Self {
        let mut meter = FrameMeter::new(limits);
        let excess = meter.observe(read, clock::now).err();
        Self {
            reader,
            meter,
            excess,
            reply: Vec::new(),
        }
    }

    /// The bound that the peer has passed: reads report it as a failure of the stream, but nothing
    /// reports it for bytes that came behind the handshake.
    pub(crate) fn excess(&self) -> Option<Excess> {
        self.excess
    }

    /// The whole control frames that tungstenite has written since the last call.
    pub(crate) fn take_reply(&mut self) -> Option<Bytes> {
        if self.reply.is_empty() {
            return None;
        }
        Some(std::mem::take(&mut self.reply).into())
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for ReadSide<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.reader).poll_read(cx, buf))?;
        let new = buf.filled().get(before..).unwrap_or_default();
        match this.meter.observe(new, clock::now) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(excess) => {
                this.excess = Some(excess);
                Poll::Ready(Err(io::Error::other("too many frames")))
            }
        }
    }
}

impl<R: Unpin> AsyncWrite for ReadSide<R> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.reply.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
