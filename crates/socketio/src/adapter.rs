//! The seam between the servers of a cluster.
//!
//! The sockets of this server are never an adapter's affair: it carries to the other servers what
//! this one has done already, once per operation, and applies here what they have done.

use std::{
    fmt,
    future::ready,
    sync::{Arc, Weak},
    time::Duration,
};

use engineio::proto::{Compressible, SendOptions};
use futures_util::{StreamExt, future::BoxFuture, stream, stream::BoxStream};
use socketio_proto::Args;

use crate::{
    Answer, Delivery, EmitError, Outgoing, Recipients, Room, ServerEvent, SocketId, Target,
    ack::Asking, namespace::NamespaceCore, server::Shared,
};

/// Something that is done to sockets of one namespace, on every server of a cluster.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Command {
    /// Sends an event.
    Emit(Emit),
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

/// An event for sockets of one namespace.
#[derive(Debug, Clone)]
pub struct Emit {
    /// To whom.
    pub target: Target,
    /// The event's name.
    pub name: Arc<str>,
    /// Its arguments.
    pub args: Args,
    /// What happens to clients that do not keep up.
    pub options: SendOptions,
    /// Whether messages with it may be compressed.
    pub compressible: Compressible,
}

/// What connects the servers of a cluster.
///
/// Whatever is a question has a timeout of the adapter's own, unless it is given one, and is answered
/// with what has come by then.
pub trait Adapter: Send + Sync + 'static {
    /// The server is ready: `local` is its sockets, to apply what other servers tell.
    fn start(&self, local: LocalSockets);

    /// Tells the other servers what has been done here. Must not block: it queues.
    fn publish(&self, namespace: &str, command: &Command);

    /// Has the other servers send an event and brings what their sockets answer within `timeout`.
    /// Must not block: the event is on its way when it returns, and dropping the stream gives up the
    /// answers only.
    fn emit_with_acks(
        &self,
        namespace: &str,
        emit: &Emit,
        timeout: Duration,
    ) -> BoxStream<'static, AckReport>;

    /// Asks the other servers which of their sockets a target means.
    fn fetch_sockets<'a>(
        &'a self,
        namespace: &'a str,
        target: &'a Target,
    ) -> BoxFuture<'a, Result<Vec<SocketInfo>, Incomplete<SocketInfo>>>;

    /// Tells the other servers' handlers of server-side events. Must not block: it queues.
    fn server_event(&self, namespace: &str, name: &str, args: &Args);

    /// The same with an answer of each server, awaited for `timeout`.
    fn server_event_with_ack<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        args: &'a Args,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Vec<Args>, Incomplete<Args>>>;

    /// A room has its first member on this server: from now on its broadcasts are of interest here.
    ///
    /// Called under a lock, so that it and [`Adapter::room_closed`] come in order: it may queue
    /// something, and must not block or call back.
    fn room_opened(&self, _namespace: &str, _room: &Room) {}

    /// A room has lost its last member on this server. Called as [`Adapter::room_opened`].
    fn room_closed(&self, _namespace: &str, _room: &Room) {}
}

/// What an adapter hears of a broadcast that awaits answers: of each server first who has been asked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AckReport {
    /// A server has asked these of its sockets.
    Asked(Vec<SocketId>),
    /// A server has asked so many sockets and does not say which.
    AskedUnnamed(usize),
    /// A socket has answered.
    Answer(Answer),
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

/// Some servers of the cluster have not answered in time; what the others said is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete<T> {
    /// What came.
    pub found: Vec<T>,
    /// How many servers did not answer.
    pub missing: usize,
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

    fn emit_with_acks(&self, _: &str, _: &Emit, _: Duration) -> BoxStream<'static, AckReport> {
        stream::empty().boxed()
    }

    fn fetch_sockets<'a>(
        &'a self,
        _: &'a str,
        _: &'a Target,
    ) -> BoxFuture<'a, Result<Vec<SocketInfo>, Incomplete<SocketInfo>>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn server_event(&self, _: &str, _: &str, _: &Args) {}

    fn server_event_with_ack<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: &'a Args,
        _: Duration,
    ) -> BoxFuture<'a, Result<Vec<Args>, Incomplete<Args>>> {
        Box::pin(ready(Ok(Vec::new())))
    }
}

impl Emit {
    pub(crate) fn outgoing(&self) -> Outgoing<'_> {
        Outgoing {
            name: &self.name,
            args: &self.args,
            to: Recipients::Broadcast(&self.target),
        }
    }
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
        match self.find(namespace) {
            Some(namespace) => namespace.apply(command),
            None => Ok(Delivery::default()),
        }
    }

    /// Sends here another server's event that awaits answers, and brings them: first who has been
    /// asked, then what each answers. Dropping the stream gives up the answers.
    ///
    /// # Errors
    ///
    /// The other server is wrong: its event has a reserved name.
    pub fn emit_with_acks(
        &self,
        namespace: &str,
        emit: &Emit,
        timeout: Duration,
    ) -> Result<BoxStream<'static, AckReport>, EmitError> {
        let mut asking = Asking::new(timeout);
        if let Some(namespace) = self.find(namespace) {
            namespace.ask(emit, &mut asking)?;
        }
        Ok(asking.answers().into_reports().boxed())
    }

    /// The sockets of this server that a target means.
    pub fn sockets(&self, namespace: &str, target: &Target) -> Vec<SocketInfo> {
        let namespace = self.find(namespace);
        namespace.map_or_else(Vec::new, |namespace| namespace.describe(target))
    }

    /// Calls the handler of a server-side event.
    pub fn server_event(&self, namespace: &str, name: &str, args: &Args) {
        if let Some(namespace) = self.find(namespace) {
            namespace.server_event(name, ServerEvent::new(args.clone()));
        }
    }

    /// Calls the handler of a server-side event and waits for what it answers. `None` if there is no
    /// handler here or it does not answer.
    pub async fn server_event_with_ack(
        &self,
        namespace: &str,
        name: &str,
        args: &Args,
    ) -> Option<Args> {
        let (event, answer) = ServerEvent::with_ack(args.clone());
        self.find(namespace)?.server_event(name, event);
        answer.await.ok()
    }

    fn find(&self, namespace: &str) -> Option<Arc<NamespaceCore>> {
        self.server.upgrade()?.find(namespace)
    }
}

impl SocketInfo {
    /// What an adapter was told of another server's socket.
    pub fn new(id: SocketId, rooms: Vec<Room>) -> Self {
        Self { id, rooms }
    }
}

impl<T> fmt::Display for Incomplete<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing = self.missing;
        write!(f, "no answer of all servers: {missing} missing")
    }
}

impl<T: fmt::Debug> std::error::Error for Incomplete<T> {}

impl fmt::Debug for LocalSockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSockets").finish_non_exhaustive()
    }
}
