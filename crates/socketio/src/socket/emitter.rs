//! One emit to one socket, with its options.

use std::{sync::Arc, time::Duration};

use engineio::proto::{Compressible, SendOptions};
use socketio_proto::{AckId, Args, IntoArgs};
use tokio::sync::oneshot;

use super::SocketCore;
use crate::{
    Ack, AckError, EmitError, EmitOutcome, Outgoing, Recipients, ack::Waiter, link::Message,
};

/// An emit to one socket that is being put together.
#[derive(Debug, Clone, Copy)]
#[must_use = "nothing is sent before `emit`"]
pub struct Emitter<'a> {
    socket: &'a Arc<SocketCore>,
    options: SendOptions,
    compressible: Compressible,
    timeout: Duration,
}

impl<'a> Emitter<'a> {
    pub(crate) fn new(socket: &'a Arc<SocketCore>) -> Self {
        Self {
            socket,
            options: SendOptions::default(),
            compressible: Compressible::Yes,
            timeout: socket.namespace().settings().ack_timeout,
        }
    }

    /// Drops the event unless the client can take it at this moment.
    pub fn volatile(self) -> Self {
        self.with(SendOptions::volatile())
    }

    /// Sends with these options in place of the server's.
    pub fn with(mut self, options: SendOptions) -> Self {
        self.options = options;
        self
    }

    /// Leaves what carries the event uncompressed, whatever the server's settings: for secrets that
    /// travel with what others can choose.
    pub fn uncompressed(mut self) -> Self {
        self.compressible = Compressible::No;
        self
    }

    /// Waits this long for the answer.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Queues the event.
    ///
    /// # Errors
    ///
    /// As [`Socket::emit`](crate::Socket::emit).
    pub fn emit(self, name: &str, args: impl IntoArgs) -> Result<EmitOutcome, EmitError> {
        let args = args.into_args()?;
        let message = self.prepare(name, &args, None)?;
        let socket = self.socket;
        socket.emit_recoverable(name, &args, message, self.options)
    }

    /// Queues the event once there is room in the client's queue.
    ///
    /// Cancel-safe: dropped, it has sent nothing.
    ///
    /// # Errors
    ///
    /// As [`Socket::emit`](crate::Socket::emit).
    pub async fn emit_wait(
        self,
        name: &str,
        args: impl IntoArgs,
    ) -> Result<EmitOutcome, EmitError> {
        let args = args.into_args()?;
        let session = self.socket.client()?.session().clone();
        session.writable().await;
        drop(session);
        self.emit(name, args)
    }

    /// Queues the event and returns the future of its answer.
    pub fn emit_with_ack(self, name: &str, args: impl IntoArgs) -> Ack {
        match self.ask(name, args) {
            Ok(ack) => ack,
            Err(error) => Ack::failed(error),
        }
    }

    fn ask(self, name: &str, args: impl IntoArgs) -> Result<Ack, AckError> {
        let args = args.into_args().map_err(EmitError::from)?;
        let id = self.socket.namespace().next_ack();
        let message = self.prepare(name, &args, Some(id))?;
        let (sender, answer) = oneshot::channel();
        self.socket.expect_ack(id, Waiter::One(sender))?;
        // From here on the registration is undone with the future.
        let ack = Ack::waiting(self.socket, id, answer, self.timeout);
        match self.socket.emit(&message, self.options)? {
            EmitOutcome::Dropped => Err(AckError::Dropped),
            EmitOutcome::Queued | EmitOutcome::Conflated => Ok(ack),
        }
    }

    fn prepare(self, name: &str, args: &Args, ack: Option<AckId>) -> Result<Message, EmitError> {
        let to = Recipients::Socket(self.socket.id());
        let event = Outgoing { name, args, to };
        let namespace = self.socket.namespace();
        namespace.prepare(&event, ack, self.compressible)
    }
}
