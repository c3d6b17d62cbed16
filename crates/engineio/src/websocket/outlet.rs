//! Where frames leave: straight into a TCP socket, or through the task that owns another stream.

use std::{
    io::{self, IoSlice},
    sync::Arc,
};

use bytes::{Buf, Bytes};
use engineio_proto::{Transmit, WebSocketId};
use hyper::upgrade::{Parts, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncWriteExt, ReadHalf, WriteHalf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use super::Progress;
use crate::{connection::Line, session::SessionCell, write_limit::WriteLimit};

/// What others than the task can write with, under the session's lock.
pub(crate) enum Writer {
    /// Plain TCP: anybody writes, without waiting.
    Direct(Arc<OwnedWriteHalf>),
    /// TLS or a stream we do not know: only its task writes.
    ByTask,
}

/// The task's way out.
pub(super) enum Outlet {
    /// Plain TCP, shared with everybody who has something for the session.
    Direct(Arc<OwnedWriteHalf>),
    /// A stream of the task's own, with the bytes that are on their way.
    Owned {
        stream: Box<WriteHalf<TokioIo<Upgraded>>>,
        pending: Bytes,
        unflushed: bool,
    },
}

/// An upgraded connection, taken apart.
pub(super) enum Taken {
    Tcp {
        reader: OwnedReadHalf,
        outlet: Outlet,
        read: Bytes,
    },
    Other {
        reader: ReadHalf<TokioIo<Upgraded>>,
        outlet: Outlet,
    },
}

/// Takes the TCP stream back out of hyper, or splits whatever else it is.
pub(super) fn take(upgraded: Upgraded) -> Taken {
    match tcp(upgraded) {
        Ok((stream, read)) => {
            let (reader, writer) = stream.into_split();
            Taken::Tcp {
                reader,
                outlet: Outlet::Direct(Arc::new(writer)),
                read,
            }
        }
        Err(upgraded) => {
            let (reader, writer) = tokio::io::split(TokioIo::new(upgraded));
            let stream = Box::new(writer);
            let outlet = Outlet::Owned {
                stream,
                pending: Bytes::new(),
                unflushed: false,
            };
            Taken::Other { reader, outlet }
        }
    }
}

/// The TCP stream of a connection of ours, or of any other one on hyper-util; with our limit or without.
fn tcp(upgraded: Upgraded) -> Result<(TcpStream, Bytes), Upgraded> {
    // Copied: hyper's buffer would live as long as the slice.
    let copied = |read: Bytes| Bytes::copy_from_slice(&read);
    let upgraded = match upgraded.downcast::<TokioIo<Line<WriteLimit>>>() {
        Ok(Parts { io, read_buf, .. }) => {
            let (stream, read) = io.into_inner().into_parts(&read_buf);
            return Ok((stream.into_inner(), read));
        }
        Err(upgraded) => upgraded,
    };
    let upgraded = match upgraded.downcast::<TokioIo<WriteLimit>>() {
        Ok(Parts { io, read_buf, .. }) => {
            return Ok((io.into_inner().into_inner(), copied(read_buf)));
        }
        Err(upgraded) => upgraded,
    };
    let (stream, read) = match upgraded.downcast::<TokioIo<Line<TcpStream>>>() {
        Ok(Parts { io, read_buf, .. }) => io.into_inner().into_parts(&read_buf),
        Err(upgraded) => {
            let Parts { io, read_buf, .. } = upgraded.downcast::<TokioIo<TcpStream>>()?;
            (io.into_inner(), copied(read_buf))
        }
    };
    // As `WriteLimit` has done for its own.
    let _ = stream.set_nodelay(true);
    Ok((stream, read))
}

impl Writer {
    /// Writes without waiting; 0 if nothing can be written now, or not from here.
    pub(crate) fn try_write(&self, transmit: &Transmit<'_>) -> io::Result<usize> {
        let Self::Direct(stream) = self else {
            return Ok(0);
        };
        let written = match transmit.only() {
            Some(slice) => stream.try_write(slice),
            None => write_several(stream, transmit),
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => written,
        }
    }
}

/// Copies slices that are small together: that takes less time than the kernel needs to look at each
/// (12 % of a delivery in a burst of 16).
fn write_several(stream: &OwnedWriteHalf, transmit: &Transmit<'_>) -> io::Result<usize> {
    let mut buffer = [0; GATHERED];
    let mut end = 0;
    let whole = transmit.slices().try_for_each(|slice| {
        let place = buffer.get_mut(end..end + slice.len())?;
        place.copy_from_slice(slice);
        end += slice.len();
        Some(())
    });
    match whole {
        Some(()) => stream.try_write(&buffer[..end]),
        None => write_vectored(stream, transmit),
    }
}

fn write_vectored(stream: &OwnedWriteHalf, transmit: &Transmit<'_>) -> io::Result<usize> {
    let mut slices = [IoSlice::new(&[]); Transmit::MAX_SLICES];
    let mut count = 0;
    for (place, bytes) in slices.iter_mut().zip(transmit.slices()) {
        *place = IoSlice::new(bytes);
        count += 1;
    }
    stream.try_write_vectored(&slices[..count])
}

impl Outlet {
    /// The part that the session keeps.
    pub(super) fn writer(&self) -> Writer {
        match self {
            Self::Direct(stream) => Writer::Direct(Arc::clone(stream)),
            Self::Owned { .. } => Writer::ByTask,
        }
    }

    /// Takes what the task has to write itself; true if there is something to wait for.
    pub(super) fn load(
        &mut self,
        cell: &Arc<SessionCell>,
        id: WebSocketId,
        progress: Progress,
    ) -> bool {
        match self {
            Self::Direct(_) => progress == Progress::Blocked,
            Self::Owned {
                pending, unflushed, ..
            } => {
                if pending.is_empty() && progress == Progress::Blocked {
                    *pending = cell.take_queued(id, BUDGET);
                    *unflushed = true;
                }
                *unflushed
            }
        }
    }

    /// Waits for room, or writes a part of what is on its way. Safe to drop at any point.
    pub(super) async fn ready(&mut self) -> io::Result<()> {
        match self {
            Self::Direct(stream) => stream.writable().await,
            Self::Owned {
                stream,
                pending,
                unflushed,
            } => {
                if pending.is_empty() {
                    stream.flush().await?;
                    *unflushed = false;
                } else {
                    let written = stream.write(pending).await?;
                    pending.advance(written);
                }
                Ok(())
            }
        }
    }

    /// Writes bytes behind everything that is on its way.
    pub(super) async fn write_all(&mut self, mut bytes: Bytes) -> io::Result<()> {
        match self {
            Self::Direct(stream) => {
                while !bytes.is_empty() {
                    stream.writable().await?;
                    match stream.try_write(&bytes) {
                        Ok(written) => bytes.advance(written),
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            }
            Self::Owned {
                stream, pending, ..
            } => {
                stream.write_all(pending).await?;
                stream.write_all(&bytes).await?;
                stream.flush().await
            }
        }
    }
}

/// Bytes that are copied to be written at once.
const GATHERED: usize = 4096;
const BUDGET: usize = 64 * 1024;
