//! One operation on many sockets of a namespace, with its target and options.

use std::{sync::Arc, time::Duration};

use engineio::proto::{SendError, SendOptions, SendOutcome};
use socketio_proto::IntoArgs;

use crate::{
    AdapterError, Answers, Command, EmitError, Outgoing, Recipients, Room, SocketInfo, Target,
    ack::Asking, adapter::Reach, namespace::NamespaceCore,
};

/// An operation on many sockets that is being put together.
///
/// It reaches all servers of a cluster unless it is [`Broadcast::local`].
#[derive(Clone)]
#[must_use = "nothing is done before `emit` or another operation"]
pub struct Broadcast {
    namespace: Arc<NamespaceCore>,
    target: Target,
    options: SendOptions,
    reach: Reach,
    timeout: Duration,
}

/// What became of a broadcast on this server, in sockets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// It waits to be sent.
    pub queued: usize,
    /// It waits in the place of an older one.
    pub conflated: usize,
    /// It was dropped by its policy.
    pub dropped: usize,
    /// It was refused: the session had ended, or ended because its queue was full.
    pub refused: usize,
}

impl Delivery {
    pub(crate) fn count(&mut self, outcome: Result<SendOutcome, SendError>) {
        let counter = match outcome {
            Ok(SendOutcome::Queued) => &mut self.queued,
            Ok(SendOutcome::Conflated) => &mut self.conflated,
            Ok(SendOutcome::Dropped) => &mut self.dropped,
            Err(_) => &mut self.refused,
        };
        *counter += 1;
    }

    /// Sockets whose client will get it.
    pub fn delivered(&self) -> usize {
        self.queued + self.conflated
    }
}

impl Broadcast {
    pub(crate) fn new(namespace: Arc<NamespaceCore>, target: Target) -> Self {
        let timeout = namespace.settings().ack_timeout;
        Self {
            namespace,
            target,
            options: SendOptions::default(),
            reach: Reach::Cluster,
            timeout,
        }
    }

    /// Adds a room, or a socket by its id. With none, everybody in the namespace is meant.
    pub fn to(mut self, room: impl Into<Room>) -> Self {
        self.target.rooms.push(room.into());
        self
    }

    /// Leaves out who is in a room, or one socket by its id.
    pub fn except(mut self, room: impl Into<Room>) -> Self {
        self.target.except.push(room.into());
        self
    }

    /// Stays on this server.
    pub fn local(mut self) -> Self {
        self.reach = Reach::Server;
        self
    }

    /// Drops the event for clients that cannot take it at this moment.
    pub fn volatile(self) -> Self {
        self.with(SendOptions::volatile())
    }

    /// Sends with these options in place of the server's.
    pub fn with(mut self, options: SendOptions) -> Self {
        self.options = options;
        self
    }

    /// Waits this long for answers.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends an event: encoded once, queued for each socket in one pass.
    ///
    /// # Errors
    ///
    /// The event cannot be written; what became of it for single sockets is no error.
    pub fn emit(self, name: &str, args: impl IntoArgs) -> Result<Delivery, EmitError> {
        let args = args.into_args()?;
        self.namespace.tap(|| Outgoing {
            name,
            args: &args,
            to: Recipients::Broadcast(&self.target),
        });
        let command = Command::Emit {
            target: self.target,
            name: name.into(),
            args,
            options: self.options,
        };
        self.namespace.perform(&command, self.reach)
    }

    /// Sends an event to the sockets of this server and returns the stream of their answers. All
    /// share one ack id (SIO5 6.5).
    ///
    /// # Errors
    ///
    /// The event cannot be written.
    pub fn emit_with_acks(self, name: &str, args: impl IntoArgs) -> Result<Answers, EmitError> {
        let args = args.into_args()?;
        let id = self.namespace.next_ack();
        let message = self.namespace.event(name, &args, Some(id))?;
        self.namespace.tap(|| Outgoing {
            name,
            args: &args,
            to: Recipients::Broadcast(&self.target),
        });
        let sockets = self.namespace.sockets(&self.target);
        let mut asking = Asking::new(id, sockets.len(), self.timeout);
        for socket in &sockets {
            // Who cannot be asked is not waited for.
            if asking.ask(socket).is_ok() && socket.send(&message, self.options).is_err() {
                asking.give_up(socket);
            }
        }
        Ok(asking.answers())
    }

    /// Puts the sockets into a room.
    pub fn sockets_join(self, room: impl Into<Room>) {
        let rooms = vec![room.into()];
        self.perform(|target| Command::Join { target, rooms });
    }

    /// Takes the sockets out of a room.
    pub fn sockets_leave(self, room: impl Into<Room>) {
        let rooms = vec![room.into()];
        self.perform(|target| Command::Leave { target, rooms });
    }

    /// Takes the sockets out of the namespace; their sessions stay.
    pub fn disconnect_sockets(self) {
        self.perform(|target| Command::Disconnect { target });
    }

    /// Ends the sessions of the sockets.
    pub fn close_sessions(self) {
        self.perform(|target| Command::Close { target });
    }

    /// The sockets that are meant, on all servers, in no order.
    ///
    /// # Errors
    ///
    /// A server of the cluster did not answer.
    pub async fn fetch_sockets(self) -> Result<Vec<SocketInfo>, AdapterError> {
        let mut sockets = self.namespace.describe(&self.target);
        if self.reach == Reach::Cluster {
            let adapter = &self.namespace.settings().adapter;
            let name = self.namespace.name().as_str();
            sockets.extend(adapter.fetch_sockets(name, &self.target).await?);
        }
        Ok(sockets)
    }

    fn perform(self, command: impl FnOnce(Target) -> Command) {
        // Only an event can be refused.
        let _ = self.namespace.perform(&command(self.target), self.reach);
    }
}
