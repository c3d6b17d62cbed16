//! What the application holds of a session.

use std::{fmt, sync::Arc};

use engineio_proto::{
    CloseReason, Entry, Prepared, SendError, SendOptions, SendOutcome, Sid, SlowConsumer,
    Transport, Version,
};

use crate::{Handshake, session::SessionCell};

/// A session as the application sees it: cheap to clone, usable from any thread, never blocking.
///
/// It may outlive the session; then sends fail with [`SendError::Closed`].
#[derive(Clone)]
pub struct SessionHandle(Arc<SessionCell>);

impl SessionHandle {
    pub(crate) fn new(cell: Arc<SessionCell>) -> Self {
        Self(cell)
    }

    /// The session's id: a secret that belongs to its client alone.
    pub fn sid(&self) -> &Sid {
        self.0.sid()
    }

    /// The revision fixed by the handshake.
    pub fn version(&self) -> Version {
        self.0.version()
    }

    /// The transport of this moment.
    pub fn transport(&self) -> Transport {
        self.0.look(|session| session.transport())
    }

    /// The request that opened the session.
    pub fn handshake(&self) -> &Handshake {
        self.0.handshake()
    }

    /// Queues a message with its attachments; they stay adjacent on the wire.
    ///
    /// # Errors
    ///
    /// [`SendError`] if the session has ended or its queue is full.
    pub fn send(
        &self,
        entry: impl Into<Entry>,
        options: SendOptions,
    ) -> Result<SendOutcome, SendError> {
        self.send_prepared(&Prepared::new(entry.into()), options)
    }

    /// Queues a message that was encoded once for many sessions.
    ///
    /// # Errors
    ///
    /// [`SendError`] if the session has ended or its queue is full.
    pub fn send_prepared(
        &self,
        message: &Prepared,
        options: SendOptions,
    ) -> Result<SendOutcome, SendError> {
        self.0.send(message, options)
    }

    /// Sets what happens to messages of this session that have no policy of their own and find its
    /// queue full; before that it is the server's.
    pub fn set_slow_consumer(&self, policy: SlowConsumer) {
        self.0.set_slow_consumer(policy);
    }

    /// Ends the session: what is queued goes out first, within the close timeout.
    pub fn close(&self, reason: CloseReason) {
        self.0.close(reason);
    }

    /// True while JSON for this client must be in ASCII, every other character as `\uXXXX`: it polls
    /// with revision 3 and text payloads, and clients of the 1.x line decode UTF-8 twice there
    /// (EIO3 3.6 rule 2). No longer after an upgrade.
    pub fn needs_ascii_json(&self) -> bool {
        // Most sessions are of revision 4, and need no lock to know.
        self.version() == Version::V3 && self.0.look(|session| session.needs_ascii_json())
    }

    /// Bytes that wait to be sent.
    pub fn queued_bytes(&self) -> usize {
        self.0.look(|session| session.queued_bytes())
    }

    /// True once the session has ended.
    pub fn is_closed(&self) -> bool {
        self.0.look(|session| session.is_closed())
    }

    /// Waits until the queue is below its low water mark or the session has ended.
    pub async fn writable(&self) {
        self.0.writable().await;
    }

    /// Stops reading from the client until [`SessionHandle::resume`].
    pub fn pause(&self) {
        self.0.pause();
    }

    /// Reads from the client again.
    pub fn resume(&self) {
        self.0.resume();
    }
}

impl fmt::Debug for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionHandle").field(self.sid()).finish()
    }
}
