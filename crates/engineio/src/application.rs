//! The seam to the layer above: what an application implements.

use engineio_proto::{CloseReason, Data};

use crate::SessionHandle;

/// The application behind an [`EngineService`](crate::EngineService).
pub trait Application: Send + Sync + 'static {
    /// A session has opened: returns what gets its events.
    ///
    /// Called once per session, before any of its messages. What is sent here goes out right behind
    /// the open packet. Must not block: the handshake waits for it. A panic ends the session, and the
    /// handshake is answered with 500.
    fn open(&self, session: SessionHandle) -> Box<dyn Receiver>;
}

/// Gets the events of one session, in order and one call at a time.
///
/// Calls are made outside every lock of this crate, so a receiver may send to any session. It must
/// not block: the session reads nothing while a call runs. A panic ends the session with
/// [`CloseReason::ApplicationPanic`], which [`Receiver::closed`] still tells.
pub trait Receiver: Send + 'static {
    /// The client sent a message.
    fn message(&mut self, data: Data);

    /// The session moved from polling to WebSocket.
    fn upgraded(&mut self) {}

    /// More than half of the room in the send queue is taken, and the client's connection takes
    /// nothing more at the moment: whoever sends should send less.
    ///
    /// Told once, until [`Receiver::low_water`] has been told.
    fn high_water(&mut self) {}

    /// After [`Receiver::high_water`]: no more than a quarter of the room is taken.
    fn low_water(&mut self) {}

    /// The session has ended. Always the last call.
    fn closed(&mut self, reason: CloseReason);
}
