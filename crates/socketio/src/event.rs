//! An event from a client, and the answer to it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::de::DeserializeOwned;
use socketio_proto::{AckId, ArgError, Args, EventName, IntoArgs};

use crate::{EmitError, EmitOutcome, socket::SocketCore};

/// An event that a client sent.
#[derive(Debug, Clone)]
pub struct Event {
    name: EventName,
    args: Args,
    responder: Option<Responder>,
}

/// Answers one event of a client, once.
#[derive(Clone)]
pub struct Responder(Arc<Awaited>);

struct Awaited {
    socket: Arc<SocketCore>,
    id: AckId,
    answered: AtomicBool,
}

impl Event {
    pub(crate) fn new(
        socket: &Arc<SocketCore>,
        name: EventName,
        args: Args,
        ack: Option<AckId>,
    ) -> Self {
        let responder = ack.map(|id| Responder::new(Arc::clone(socket), id));
        Self {
            name,
            args,
            responder,
        }
    }

    /// The event's name. A name that was sent as a number is its digits.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The arguments behind the name, to be relayed as they came, with their bytes.
    pub fn args(&self) -> &Args {
        &self.args
    }

    /// One argument as a type of the application's, in which [`Binary`](crate::Binary) takes bytes:
    /// see [`Args::get`].
    ///
    /// # Errors
    ///
    /// The client is wrong: it sent fewer arguments, another type, or bytes where the type has no
    /// `Binary`. An argument that clients may leave out is [`ArgError::Missing`], also for an `Option`.
    pub fn arg<T: DeserializeOwned>(&self, index: usize) -> Result<T, ArgError> {
        self.args.get(index)
    }

    /// True if the client waits for an answer.
    pub fn has_ack(&self) -> bool {
        self.responder.is_some()
    }

    /// What answers the event, to be kept beyond the handler; none if no answer is awaited.
    pub fn responder(&self) -> Option<Responder> {
        self.responder.clone()
    }

    /// Answers the event. Does nothing if no answer is awaited. A client that asks with socket.io's
    /// `emitWithAck` sees the first argument alone.
    ///
    /// # Errors
    ///
    /// As [`Responder::ack`].
    pub fn ack(&self, args: impl IntoArgs) -> Result<(), EmitError> {
        match &self.responder {
            Some(responder) => responder.ack(args),
            None => Ok(()),
        }
    }
}

impl Responder {
    fn new(socket: Arc<SocketCore>, id: AckId) -> Self {
        Self(Arc::new(Awaited {
            socket,
            id,
            answered: AtomicBool::new(false),
        }))
    }

    /// Answers the event. Only the first answer is sent (SIO5 6.5).
    ///
    /// # Errors
    ///
    /// The arguments cannot be written as JSON (another answer may follow then), or the socket is
    /// gone.
    pub fn ack(&self, args: impl IntoArgs) -> Result<(), EmitError> {
        let args = args.into_args()?;
        if self.0.answered.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.0
            .socket
            .acknowledge(self.0.id, &args)
            .map(|_: EmitOutcome| ())
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        if !*self.answered.get_mut() {
            self.socket.counters().unanswered();
            tracing::debug!(socket = %self.socket.id(), id = %self.id, "event left unanswered");
        }
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Responder").field(&self.0.id).finish()
    }
}
