//! The seam between the servers of a cluster.
//!
//! The sockets of this server are never an adapter's affair: it carries to the other servers what
//! this one has done already, once per operation, and applies here what they have done.

use std::{
    fmt,
    future::{Future, ready},
    pin::Pin,
    sync::{Arc, Weak},
};

use engineio::proto::SendOptions;
use socketio_proto::Args;

use crate::{Delivery, EmitError, Room, SocketId, Target, server::Shared};

/// Something that is done to sockets of one namespace, on every server of a cluster.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Command {
    /// Sends an event.
    Emit {
        /// To whom.
        target: Target,
        /// The event's name.
        name: Arc<str>,
        /// Its arguments.
        args: Args,
        /// What happens to clients that do not keep up.
        options: SendOptions,
    },
    /// Puts sockets into rooms.
    Join {
        /// Which sockets.
        target: Target,
        /// Which rooms.
        rooms: Vec<Room>,
    },
    /// Takes sockets out of rooms.
    Leave {
        /// Which sockets.
        target: Target,
        /// Which rooms.
        rooms: Vec<Room>,
    },
    /// Takes sockets out of the namespace.
    Disconnect {
        /// Which sockets.
        target: Target,
    },
    /// Ends the sessions of sockets.
    Close {
        /// Which sockets.
        target: Target,
    },
}

/// What connects the servers of a cluster.
pub trait Adapter: Send + Sync + 'static {
    /// The server is ready: `local` is its sockets, to apply what other servers tell.
    fn start(&self, local: LocalSockets);

    /// Tells the other servers what has been done here. Must not block: it queues.
    fn publish(&self, namespace: &str, command: &Command);

    /// Asks the other servers which of their sockets a target means.
    fn fetch_sockets<'a>(
        &'a self,
        namespace: &'a str,
        target: &'a Target,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<SocketInfo>, AdapterError>> + Send + 'a>>;

    /// Tells the other servers' handlers of server-side events. Must not block: it queues.
    fn server_event(&self, namespace: &str, name: &str, args: &Args);
}

/// A socket of some server of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketInfo {
    /// Its id, to which a broadcast may go.
    pub id: SocketId,
    /// The rooms that it is in.
    pub rooms: Vec<Room>,
}

/// Other servers did not answer: which, the adapter knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterError {
    message: String,
}

/// The sockets of this server, for an adapter. Holding it keeps nothing alive.
#[derive(Clone)]
pub struct LocalSockets {
    server: Weak<Shared>,
}

/// How far an operation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    Server,
    Cluster,
}

/// The adapter of a server that is alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalAdapter;

impl Adapter for LocalAdapter {
    fn start(&self, _: LocalSockets) {}

    fn publish(&self, _: &str, _: &Command) {}

    fn fetch_sockets<'a>(
        &'a self,
        _: &'a str,
        _: &'a Target,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<SocketInfo>, AdapterError>> + Send + 'a>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn server_event(&self, _: &str, _: &str, _: &Args) {}
}

impl LocalSockets {
    pub(crate) fn new(server: &Arc<Shared>) -> Self {
        Self {
            server: Arc::downgrade(server),
        }
    }

    /// Does here what another server did. Nothing happens in a namespace that is not here.
    ///
    /// # Errors
    ///
    /// The other server is wrong: its event has a reserved name.
    pub fn apply(&self, namespace: &str, command: &Command) -> Result<Delivery, EmitError> {
        match self
            .server
            .upgrade()
            .and_then(|server| server.find(namespace))
        {
            Some(namespace) => namespace.apply(command),
            None => Ok(Delivery::default()),
        }
    }

    /// The sockets of this server that a target means.
    pub fn sockets(&self, namespace: &str, target: &Target) -> Vec<SocketInfo> {
        let namespace = self
            .server
            .upgrade()
            .and_then(|server| server.find(namespace));
        namespace.map_or_else(Vec::new, |namespace| namespace.describe(target))
    }

    /// Calls the handlers of a server-side event.
    pub fn server_event(&self, namespace: &str, name: &str, args: &Args) {
        if let Some(namespace) = self
            .server
            .upgrade()
            .and_then(|server| server.find(namespace))
        {
            namespace.server_event(name, args);
        }
    }
}

impl AdapterError {
    /// An error that says what is missing.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

impl fmt::Display for AdapterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for AdapterError {}

impl fmt::Debug for LocalSockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSockets").finish_non_exhaustive()
    }
}
