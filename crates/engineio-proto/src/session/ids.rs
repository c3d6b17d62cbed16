//! Names for the parts of a session's transports.
//!
//! The driver hands them out, so that what arrives late (a frame of a failed probe, the end of a
//! poll that was answered meanwhile) is never taken for its successor.

/// One polling GET.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PollId(u64);

impl PollId {
    /// An id that the driver has not used for this session before.
    pub const fn new(id: u64) -> Self {
        Self(id)
    }
}

/// One WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WebSocketId(u64);

impl WebSocketId {
    /// An id that the driver has not used for this session before.
    pub const fn new(id: u64) -> Self {
        Self(id)
    }
}

/// The right to deliver the body of one POST.
///
/// It can be neither made nor copied outside the session: a body without a start cannot be
/// written, and whoever holds the ticket has to say how the upload ended.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "an upload that does not end blocks the session's next one"]
pub struct PostTicket(pub(super) u64);
