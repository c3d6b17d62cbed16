//! What goes in and out of a session apart from bytes: frames, bodies, outputs, events.

use bytes::Bytes;

use super::{CloseCode, CloseReason, PollId, WebSocketId};
use crate::{Data, Payload, PostContent, Text};

/// One whole data frame of a WebSocket, reassembled and unmasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A text frame.
    Text(Text),
    /// A binary frame.
    Binary(Bytes),
}

/// The complete body of one POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostBody {
    /// What its `Content-Type` says.
    pub content: PostContent,
    /// The bytes, without any transfer coding.
    pub bytes: Bytes,
}

/// What the driver has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Answer this poll with status 200.
    PollReply {
        /// The poll.
        id: PollId,
        /// Body and content type.
        payload: Payload,
    },
    /// Close this WebSocket: everything that should go out on it has been transmitted.
    CloseWebSocket {
        /// The WebSocket.
        id: WebSocketId,
        /// What the close frame says.
        code: CloseCode,
    },
    /// Tell the application.
    Event(Event),
}

/// What the application learns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message has arrived.
    Message(Data),
    /// The session has moved from polling to WebSocket.
    Upgraded,
    /// The session has ended; always the last output.
    Closed(CloseReason),
}
