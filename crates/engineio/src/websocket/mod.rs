//! The task of one WebSocket: reads frames, and writes what the others could not write at once.
//!
//! Data frames are encoded by the core and never pass through tungstenite's write side, whose own
//! reads would flush a pong into the middle of a frame that is half written.

mod accept;
mod frame_meter;
mod outlet;
mod read_side;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use engineio_proto::{CloseCode, Frame, Text, WebSocketId};
use futures_util::{FutureExt, SinkExt, StreamExt};
use hyper::upgrade::OnUpgrade;
use tokio::{io::AsyncRead, time::timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        error::{CapacityError, ProtocolError},
        protocol::{Role, WebSocketConfig},
    },
};

use self::{
    outlet::{Outlet, Taken},
    read_side::ReadSide,
};
use crate::session::{Errand, Farewell, Reading, SessionCell};

pub(crate) use self::{
    accept::{Accept, asks_for_websocket, has_token},
    outlet::Writer,
};

/// What came of one attempt to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing is queued for the socket.
    Idle,
    /// Some bytes went out; there may be more.
    Wrote,
    /// Bytes are queued and the socket takes none.
    Blocked,
}

/// Waits for the 101 to be out, then serves the WebSocket until either side ends it.
pub(crate) async fn run(cell: Arc<SessionCell>, id: WebSocketId, upgrade: OnUpgrade) {
    let Ok(upgraded) = upgrade.await else {
        cell.websocket_closed(id);
        return;
    };
    match outlet::take(upgraded) {
        Taken::Tcp {
            reader,
            outlet,
            read,
        } => serve(cell, id, outlet, reader, read).await,
        Taken::Other { reader, outlet } => serve(cell, id, outlet, reader, Bytes::new()).await,
    }
}

/// How it begins and how it ends is boxed: a future has room for all that it may ever wait for.
async fn serve<R>(
    cell: Arc<SessionCell>,
    id: WebSocketId,
    mut outlet: Outlet,
    reader: R,
    read: Bytes,
) where
    R: AsyncRead + Unpin,
{
    let limits = &cell.engine().config().protocol.limits;
    let settings = settings(limits.max_payload);
    let stream = ReadSide::new(reader, &read, limits);
    let made =
        WebSocketStream::from_partially_read(stream, read.into(), Role::Server, Some(settings));
    let mut frames = Box::pin(made).await;
    let signal = match cell.attach(id, outlet.writer()) {
        Ok(signal) => signal,
        Err(farewell) => return Box::pin(close(outlet, &mut frames, farewell)).await,
    };
    // Bytes that came behind the handshake are not read again, so that no read reports them.
    if frames.get_ref().excess().is_some() {
        let end = End::Refused(CloseCode::Policy);
        return Box::pin(end_by_peer(&cell, id, outlet, &mut frames, end)).await;
    }
    // Frames that were queued before the socket stood wait for the first look.
    signal.tell();
    let (mut reading, mut writing) = (Reading::Paused, false);
    loop {
        tokio::select! {
            frame = frames.next(), if reading == Reading::On => {
                if let Some(end) = handle(&cell, id, frame, &mut frames) {
                    return Box::pin(end_by_peer(&cell, id, outlet, &mut frames, end)).await;
                }
            }
            () = signal.told() => {}
            ready = outlet.ready(), if writing => {
                if ready.is_err() {
                    cell.websocket_closed(id);
                    return;
                }
            }
        }
        match cell.errand(id) {
            Errand::Drop => return,
            Errand::Close(farewell) => {
                return Box::pin(close(outlet, &mut frames, farewell)).await;
            }
            Errand::Serve {
                progress,
                reading: may,
            } => {
                reading = may;
                writing = outlet.load(&cell, id, progress);
            }
        }
    }
}

/// How the peer, or a frame of its, ended the WebSocket.
enum End {
    /// It is gone, or the connection broke.
    Gone,
    /// It closed properly and is owed this close frame.
    Closed(Bytes),
    /// It broke the rules: the close frame that tells it so.
    Refused(CloseCode),
}

fn handle<R: AsyncRead + Unpin>(
    cell: &Arc<SessionCell>,
    id: WebSocketId,
    frame: Option<Result<Message, Error>>,
    frames: &mut WebSocketStream<ReadSide<R>>,
) -> Option<End> {
    match frame {
        // Copied out of the read buffer, which a slice would keep alive.
        Some(Ok(Message::Text(text))) => {
            feed(cell, id, Frame::Text(Text::from(text.as_str())));
            None
        }
        Some(Ok(Message::Binary(bytes))) => {
            feed(cell, id, Frame::Binary(Bytes::copy_from_slice(&bytes)));
            None
        }
        Some(Ok(Message::Close(_))) => Some(End::Closed(reply(frames).unwrap_or_default())),
        Some(Ok(_)) => {
            if let Some(pong) = reply(frames) {
                cell.feed(|session, now| session.handle_control(now, id, pong));
            }
            None
        }
        None => Some(End::Gone),
        Some(Err(_)) if frames.get_ref().excess().is_some() => {
            Some(End::Refused(CloseCode::Policy))
        }
        Some(Err(error)) => Some(close_code(&error).map_or(End::Gone, End::Refused)),
    }
}

/// What tungstenite answers to a control frame, which it would else keep until its next read.
fn reply<R: AsyncRead + Unpin>(frames: &mut WebSocketStream<ReadSide<R>>) -> Option<Bytes> {
    // Need not wait, as our write side takes everything; after a close it says that this is the end.
    let _ = frames.flush().now_or_never();
    frames.get_mut().take_reply()
}

fn feed(cell: &Arc<SessionCell>, id: WebSocketId, frame: Frame) {
    cell.feed(|session, now| session.handle_frame(now, id, frame));
}

/// The peer gets the close frame that it is owed, if no frame of ours is half written.
async fn end_by_peer<R: AsyncRead + Unpin>(
    cell: &Arc<SessionCell>,
    id: WebSocketId,
    mut outlet: Outlet,
    frames: &mut WebSocketStream<ReadSide<R>>,
    end: End,
) {
    match end {
        End::Gone => {
            cell.websocket_closed(id);
        }
        End::Closed(reply) => {
            if cell.websocket_closed(id) {
                let _ = timeout(LINGER, outlet.write_all(reply)).await;
            }
        }
        End::Refused(code) => {
            if cell.websocket_failed(id, code) {
                finish(outlet, frames, code).await;
            }
        }
    }
}

/// Does what the machine wants at the end of a WebSocket.
async fn close<R: AsyncRead + Unpin>(
    outlet: Outlet,
    frames: &mut WebSocketStream<ReadSide<R>>,
    farewell: Farewell,
) {
    if farewell.between_frames {
        finish(outlet, frames, farewell.code).await;
    }
}

/// Writes the close frame and reads until the peer has closed too, within [`LINGER`].
async fn finish<R: AsyncRead + Unpin>(
    mut outlet: Outlet,
    frames: &mut WebSocketStream<ReadSide<R>>,
    code: CloseCode,
) {
    let farewell = async {
        if outlet.write_all(code.frame()).await.is_ok() {
            while let Some(Ok(_)) = frames.next().await {
                frames.get_mut().take_reply();
            }
        }
    };
    let _ = timeout(LINGER, farewell).await;
}

/// The code for a rule of RFC 6455 that the peer broke; none where the connection itself failed.
fn close_code(error: &Error) -> Option<CloseCode> {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => Some(CloseCode::TooBig),
        Error::Utf8(_) => Some(CloseCode::InvalidData),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Protocol(_) | Error::Capacity(_) => Some(CloseCode::ProtocolError),
        _ => None,
    }
}

/// The default read buffer of 128 KiB would be most of what an idle connection costs.
fn settings(limit: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(512)
        .write_buffer_size(0)
        .max_write_buffer_size(4096)
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit))
}

const LINGER: Duration = Duration::from_secs(2);
