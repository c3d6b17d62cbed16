//! Namespaces that come to life when a client joins a name that fits.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    num::NonZeroUsize,
    sync::{Arc, Weak},
    time::Duration,
};

use socketio_proto::IntoArgs;

use super::{Behaviour, Namespace, NamespaceCore};
use crate::{
    Broadcast, Delivery, DisconnectReason, EmitError, Event, IntoHandlerResult, Next, Outgoing,
    Room, ServerEvent, Socket, handlers, server::Shared,
};

/// All namespaces of one pattern: their handlers, and what is sent to all their sockets.
///
/// Each namespace has its own sockets and rooms. It is gone with its last socket unless the pattern
/// is to [keep](Dynamic::keep_empty) it; [`Socket::namespace`] is the way to it.
///
/// ```
/// # use socketio::{Event, Server, Socket};
/// # let server = Server::new();
/// let docs = server.dynamic(|name| name.starts_with("/doc-"), |_| async { Ok(()) });
/// docs.on("edit", |socket: Socket, event: Event| async move {
///     socket.broadcast().emit("edited", event.args().clone()) // in this document
/// });
/// docs.emit("saved", ())?; // in all of them
/// # Ok::<_, socketio::EmitError>(())
/// ```
pub struct Dynamic<S = ()> {
    behaviour: Arc<Behaviour>,
    server: Weak<Shared>,
    state: PhantomData<fn() -> S>,
}

impl<S: Send + Sync + 'static> Dynamic<S> {
    pub(crate) fn new(behaviour: Arc<Behaviour>, server: Weak<Shared>) -> Self {
        Self {
            behaviour,
            server,
            state: PhantomData,
        }
    }

    /// Keeps up to so many of the namespaces that come up from now on, with their rooms and handlers,
    /// when their last socket has left. Default 0: clients choose the names, so that there must be a
    /// bound.
    pub fn keep_empty(&self, namespaces: usize) {
        self.behaviour.keep(namespaces);
    }

    /// The namespaces that are here at this moment, in no order.
    pub fn namespaces(&self) -> Vec<Namespace<S>> {
        self.children().into_iter().map(Namespace::new).collect()
    }

    /// An operation on the sockets of all namespaces that are here at this moment. In a cluster it
    /// reaches the other servers' sockets in these.
    pub fn all(&self) -> Broadcast {
        let timeout = self.server.upgrade();
        let timeout = timeout.map_or(Duration::ZERO, |server| server.settings().ack_timeout);
        Broadcast::children(self.children(), timeout)
    }

    /// The same for the rooms of this name, in each of them.
    pub fn to(&self, room: impl Into<Room>) -> Broadcast {
        self.all().to(room)
    }

    /// The same for all sockets that are not in a room of this name.
    pub fn except(&self, room: impl Into<Room>) -> Broadcast {
        self.all().except(room)
    }

    /// Sends an event to the sockets of all namespaces.
    ///
    /// # Errors
    ///
    /// As [`Broadcast::emit`].
    pub fn emit(&self, name: &str, args: impl IntoArgs) -> Result<Delivery, EmitError> {
        self.all().emit(name, args)
    }

    fn children(&self) -> Vec<Arc<NamespaceCore>> {
        let server = self.server.upgrade();
        server.map_or_else(Vec::new, |server| server.children(&self.behaviour))
    }

    /// As [`Namespace::on_connect`](crate::Namespace::on_connect).
    pub fn on_connect<F>(&self, handler: impl Fn(Socket<S>) -> F + Send + Sync + 'static)
    where
        F: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.behaviour
            .on_connect(handlers::connect_handler(handler));
    }

    /// As [`Namespace::on_disconnect`](crate::Namespace::on_disconnect).
    pub fn on_disconnect<F>(
        &self,
        handler: impl Fn(Socket<S>, DisconnectReason) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.behaviour.on_disconnect(handlers::handler(handler));
    }

    /// As [`Namespace::on`](crate::Namespace::on).
    pub fn on<F>(&self, name: &str, handler: impl Fn(Socket<S>, Event) -> F + Send + Sync + 'static)
    where
        F: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.behaviour.on(name, handlers::handler(handler));
    }

    /// As [`Namespace::on_any`](crate::Namespace::on_any).
    pub fn on_any<F>(&self, handler: impl Fn(Socket<S>, Event) -> F + Send + Sync + 'static)
    where
        F: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.behaviour.on_any(handlers::handler(handler));
    }

    /// As [`Namespace::layer`](crate::Namespace::layer).
    pub fn layer<F>(&self, layer: impl Fn(Socket<S>, Event, Next) -> F + Send + Sync + 'static)
    where
        F: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.behaviour.add_layer(handlers::layer(layer));
    }

    /// As [`Namespace::layer_for`](crate::Namespace::layer_for).
    pub fn layer_for<F>(
        &self,
        name: &str,
        layer: impl Fn(Socket<S>, Event, Next) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.behaviour.add_layer(handlers::layer_for(name, layer));
    }

    /// As [`Namespace::concurrent`](crate::Namespace::concurrent).
    pub fn concurrent(&self, events: NonZeroUsize) {
        self.behaviour.set_concurrency(events);
    }

    /// As [`Namespace::on_any_outgoing`](crate::Namespace::on_any_outgoing).
    pub fn on_any_outgoing(&self, tap: impl Fn(&Outgoing<'_>) + Send + Sync + 'static) {
        self.behaviour.on_any_outgoing(Arc::new(tap));
    }

    /// As [`Namespace::on_server_event`](crate::Namespace::on_server_event), for a namespace of the
    /// pattern that is here when the event comes.
    pub fn on_server_event(
        &self,
        name: &str,
        handler: impl Fn(ServerEvent) + Send + Sync + 'static,
    ) {
        self.behaviour.on_server_event(name, Arc::new(handler));
    }
}

impl<S> fmt::Debug for Dynamic<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dynamic").finish_non_exhaustive()
    }
}
