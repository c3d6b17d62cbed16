//! One operation on many sockets, with its target and options.

use std::{mem, ops::AddAssign, slice, sync::Arc, time::Duration};

use engineio::proto::{Compressible, SendError, SendOptions, SendOutcome};
use socketio_proto::IntoArgs;

use crate::{
    Answers, Command, Emit, EmitError, Incomplete, Room, SocketInfo, Target, ack::Asking,
    adapter::Reach, namespace::NamespaceCore,
};

/// An operation on many sockets that is being put together.
///
/// It reaches all servers of a cluster unless it is [`Broadcast::local`].
#[derive(Clone)]
#[must_use = "nothing is done before `emit` or another operation"]
pub struct Broadcast {
    scope: Scope,
    target: Target,
    options: SendOptions,
    compressible: Compressible,
    reach: Reach,
    timeout: Duration,
}

/// Where the sockets are.
#[derive(Clone)]
enum Scope {
    Namespace(Arc<NamespaceCore>),
    /// All namespaces of a pattern.
    Children(Vec<Arc<NamespaceCore>>),
}

/// What became of a broadcast on this server, in sockets. Those that are away and may come back
/// ([`Recovery`](crate::Recovery)) are not among them.
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

impl AddAssign for Delivery {
    fn add_assign(&mut self, other: Self) {
        self.queued += other.queued;
        self.conflated += other.conflated;
        self.dropped += other.dropped;
        self.refused += other.refused;
    }
}

impl Broadcast {
    pub(crate) fn new(namespace: Arc<NamespaceCore>, target: Target) -> Self {
        let timeout = namespace.settings().ack_timeout;
        Self::over(Scope::Namespace(namespace), target, timeout)
    }

    /// An operation on the sockets of all these namespaces.
    pub(crate) fn children(namespaces: Vec<Arc<NamespaceCore>>, timeout: Duration) -> Self {
        Self::over(Scope::Children(namespaces), Target::default(), timeout)
    }

    fn over(scope: Scope, target: Target, timeout: Duration) -> Self {
        Self {
            scope,
            target,
            options: SendOptions::default(),
            compressible: Compressible::Yes,
            reach: Reach::Cluster,
            timeout,
        }
    }

    /// Adds a room, or a socket by its id. With none, everybody is meant.
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

    /// Leaves what carries the event uncompressed, whatever the server's settings: for secrets that
    /// travel with what others can choose.
    pub fn uncompressed(mut self) -> Self {
        self.compressible = Compressible::No;
        self
    }

    /// Waits this long for answers.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends an event: encoded once for a namespace, queued for each socket in one pass.
    ///
    /// # Errors
    ///
    /// The event cannot be written; what became of it for single sockets is no error.
    pub fn emit(mut self, name: &str, args: impl IntoArgs) -> Result<Delivery, EmitError> {
        let emit = self.event(name, args)?;
        self.perform(&Command::Emit(emit))
    }

    /// Sends an event and returns the stream of the answers. All sockets of a server share one ack
    /// id (SIO5 6.5).
    ///
    /// # Errors
    ///
    /// The event cannot be written.
    pub fn emit_with_acks(mut self, name: &str, args: impl IntoArgs) -> Result<Answers, EmitError> {
        let emit = self.event(name, args)?;
        let mut asking = Asking::new(self.timeout);
        for namespace in self.scope.namespaces() {
            namespace.ask(&emit, &mut asking)?;
            if self.reach == Reach::Cluster {
                let adapter = &namespace.settings().adapter;
                let name = namespace.name().as_str();
                asking.ask_remote(adapter.emit_with_acks(name, &emit, self.timeout));
            }
        }
        Ok(asking.answers())
    }

    /// Puts the sockets into a room. Those that are in as many as
    /// [`Builder::max_rooms`](crate::Builder::max_rooms) allows are left out, which is counted.
    pub fn sockets_join(mut self, room: impl Into<Room>) {
        let (target, rooms) = (mem::take(&mut self.target), vec![room.into()]);
        self.change(&Command::Join { target, rooms });
    }

    /// Takes the sockets out of a room.
    pub fn sockets_leave(mut self, room: impl Into<Room>) {
        let (target, rooms) = (mem::take(&mut self.target), vec![room.into()]);
        self.change(&Command::Leave { target, rooms });
    }

    /// Takes the sockets out of the namespace; their sessions stay.
    pub fn disconnect_sockets(mut self) {
        let target = mem::take(&mut self.target);
        self.change(&Command::Disconnect { target });
    }

    /// Ends the sessions of the sockets.
    pub fn close_sessions(mut self) {
        let target = mem::take(&mut self.target);
        self.change(&Command::Close { target });
    }

    /// The sockets that are meant, on all servers, in no order.
    ///
    /// # Errors
    ///
    /// A server of the cluster did not answer; the sockets of the others are in the error.
    pub async fn fetch_sockets(self) -> Result<Vec<SocketInfo>, Incomplete<SocketInfo>> {
        let mut sockets = Vec::new();
        let mut missing = 0;
        for namespace in self.scope.namespaces() {
            sockets.extend(namespace.describe(&self.target));
            if self.reach == Reach::Cluster {
                let adapter = &namespace.settings().adapter;
                let name = namespace.name().as_str();
                let answered = adapter.fetch_sockets(name, &self.target).await;
                let others = answered.unwrap_or_else(|incomplete| {
                    missing = missing.max(incomplete.missing);
                    incomplete.found
                });
                sockets.extend(others);
            }
        }
        match missing {
            0 => Ok(sockets),
            missing => Err(Incomplete {
                found: sockets,
                missing,
            }),
        }
    }

    fn event(&mut self, name: &str, args: impl IntoArgs) -> Result<Emit, EmitError> {
        Ok(Emit {
            target: mem::take(&mut self.target),
            name: name.into(),
            args: args.into_args()?,
            options: self.options,
            compressible: self.compressible,
        })
    }

    fn change(&self, command: &Command) {
        // Only an event can be refused.
        let _ = self.perform(command);
    }

    fn perform(&self, command: &Command) -> Result<Delivery, EmitError> {
        let mut delivery = Delivery::default();
        for namespace in self.scope.namespaces() {
            delivery += namespace.perform(command, self.reach)?;
        }
        Ok(delivery)
    }
}

impl Scope {
    fn namespaces(&self) -> &[Arc<NamespaceCore>] {
        match self {
            Self::Namespace(namespace) => slice::from_ref(namespace),
            Self::Children(namespaces) => namespaces,
        }
    }
}
