//! Connection state recovery: clients that lost their connection find their place again (SIO5 6.7).
//!
//! Owns its settings, the memory that a namespace has for it and who is on the way back in. What is
//! kept and for how long is decided in `socketio-proto`.

mod kept;
mod memory;
mod place;
mod returning;

use std::sync::Arc;

use socketio_proto::{RecoveryBudget, RecoveryLimits};

pub(crate) use self::{kept::Dismissal, memory::Memory, place::Place, returning::Returning};

/// Connection state recovery, which is off unless [`Builder::recovery`](crate::Builder::recovery)
/// turns it on.
///
/// A client of protocol 5 that loses its connection and comes back in time gets what it missed, then
/// its socket as it was: id, rooms and state; [`Socket::recovered`](crate::Socket::recovered) is true
/// then, and on the client's side, too. What cannot be brought back as a whole is a new connection.
///
/// - Missed is every event but those that want an answer and those whose
///   [`SendOptions`](crate::SendOptions) let them be dropped or conflated: they carry no offset and
///   never come again.
/// - Nothing is kept after a DISCONNECT of either side, or after the application closed the session.
/// - What the application does to a socket that is away counts: it is moved between rooms,
///   disconnected and closed by its [`Socket`](crate::Socket) and by a
///   [`Broadcast`](crate::Broadcast) as if it were here. So a `leave` in a disconnect handler takes it
///   out of the room for good, and a `disconnect` there has its client begin anew. Once the client is
///   back, an old `Socket` does nothing.
/// - A session that has been silent for half a second gives its sockets up when their client comes
///   back on another; before that it counts as alive, and the other one gets a new socket.
/// - Events of other servers are replayed, too; but a socket comes back on the server that lost it.
/// - Clients get the offset as one more argument, behind those of the event; where an event without
///   an offset ends with a text, which they would take for one, `null`.
/// - All events of a namespace are sent one after another, as clients count by the last that they
///   received.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use socketio::{HandlerError, Recovery, Server, Socket};
///
/// let server = Server::builder().recovery(Recovery::new()).build();
/// server.of("/").on_connect(|socket: Socket| async move {
///     if !socket.recovered() {
///         socket.join("news")?;
///     }
///     Ok::<_, HandlerError>(())
/// });
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    limits: RecoveryLimits,
    middleware: Middleware,
}

/// Recovery as one server has it.
pub(crate) struct Terms {
    limits: RecoveryLimits,
    pub(crate) middleware: Middleware,
    /// Of all its namespaces.
    budget: Arc<RecoveryBudget>,
}

/// Whether a client that comes back passes the namespace's middleware.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Middleware {
    #[default]
    Skipped,
    Asked,
}

impl Recovery {
    /// With the limits of [`RecoveryLimits::default`], and without asking middleware again.
    pub fn new() -> Self {
        Self::default()
    }

    /// How much is kept, and for how long.
    #[must_use]
    pub fn limits(mut self, limits: RecoveryLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Asks middleware about clients that come back, too. It may refuse them; what it makes is
    /// dropped, as their state goes on.
    #[must_use]
    pub fn ask_middleware(mut self) -> Self {
        self.middleware = Middleware::Asked;
        self
    }
}

impl From<Recovery> for Terms {
    fn from(recovery: Recovery) -> Self {
        Self {
            budget: RecoveryBudget::new(&recovery.limits),
            limits: recovery.limits,
            middleware: recovery.middleware,
        }
    }
}
