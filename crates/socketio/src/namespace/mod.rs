//! A namespace as the application sees it: its handlers, and what is sent to all its sockets.

use std::{fmt, future::Future, marker::PhantomData, num::NonZeroUsize, sync::Arc};

use socketio_proto::{Args, IntoArgs};

use crate::{
    Broadcast, Delivery, DisconnectReason, EmitError, Event, IntoHandlerResult, Next, Outgoing,
    Room, ServerAckError, ServerEvent, Socket, SocketId, Target, handlers,
};

mod away;
mod behaviour;
mod core;
mod dynamic;
mod members;
mod outgoing;
mod recovery;

pub(crate) use self::{
    behaviour::{Admitted, Behaviour, Comeback},
    core::NamespaceCore,
};
pub use dynamic::Dynamic;

/// A namespace whose sockets carry a state of type `S`.
///
/// Cheap to clone. Handlers may be set at any time and count for everything that is handled from
/// then on. The handlers of one socket run one after another, in the order in which its events came,
/// unless [`Namespace::concurrent`] allows more; the connect handler is the first, so whatever lasts
/// longer belongs in a task of its own. Different sockets do not wait for each other.
pub struct Namespace<S = ()> {
    core: Arc<NamespaceCore>,
    state: PhantomData<fn() -> S>,
}

impl<S: Send + Sync + 'static> Namespace<S> {
    /// Sets what is called with every new socket, after the client has been told that it is in.
    pub fn on_connect<F>(&self, handler: impl Fn(Socket<S>) -> F + Send + Sync + 'static)
    where
        F: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.core
            .behaviour()
            .on_connect(handlers::connect_handler(handler));
    }

    /// Sets what is called when a socket has left its namespace and its rooms, behind everything that
    /// it had sent before. With [`Recovery`](crate::Recovery) also when it has lost its connection and may
    /// come back, for which it keeps its rooms.
    pub fn on_disconnect<F>(
        &self,
        handler: impl Fn(Socket<S>, DisconnectReason) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.core
            .behaviour()
            .on_disconnect(handlers::handler(handler));
    }

    /// Sets what handles the events of this name, in place of what did before. An event that nobody handles is ignored.
    pub fn on<F>(&self, name: &str, handler: impl Fn(Socket<S>, Event) -> F + Send + Sync + 'static)
    where
        F: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.core.behaviour().on(name, handlers::handler(handler));
    }

    /// Adds what is called with every event, before the handler of its name. An error returned here
    /// ends the handling of the event.
    pub fn on_any<F>(&self, handler: impl Fn(Socket<S>, Event) -> F + Send + Sync + 'static)
    where
        F: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.core.behaviour().on_any(handlers::handler(handler));
    }

    /// Adds a layer around the handling of every event, inside those that are there.
    ///
    /// A layer may change the event, answer it, refuse it by not calling [`Next::run`], or do
    /// something before and after.
    pub fn layer<F>(&self, layer: impl Fn(Socket<S>, Event, Next) -> F + Send + Sync + 'static)
    where
        F: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.core.behaviour().add_layer(handlers::layer(layer));
    }

    /// Adds a layer around the handling of the events of this name: a [`Namespace::layer`] that the
    /// other events pass by.
    pub fn layer_for<F>(
        &self,
        name: &str,
        layer: impl Fn(Socket<S>, Event, Next) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        self.core
            .behaviour()
            .add_layer(handlers::layer_for(name, layer));
    }

    /// Handles up to so many events of one socket at the same time, so that they may end in another
    /// order than they came in. They still begin in order, after the connect handler has ended, and
    /// the disconnect handler runs when all have ended. Default 1: one after another.
    pub fn concurrent(&self, events: NonZeroUsize) {
        self.core.behaviour().set_concurrency(events);
    }

    /// Adds what sees every event that is sent, once per emit and once per broadcast on each server
    /// of a cluster.
    pub fn on_any_outgoing(&self, tap: impl Fn(&Outgoing<'_>) + Send + Sync + 'static) {
        self.core.behaviour().on_any_outgoing(Arc::new(tap));
    }

    /// Sets what is called when another server of the cluster sends this server-side event.
    ///
    /// It must not block: what takes time goes on in a task, which may also answer.
    ///
    /// ```
    /// # use socketio::{Server, ServerEvent};
    /// # let server = Server::new();
    /// let sockets = server.of("/");
    /// server.of("/").on_server_event("how many", move |event: ServerEvent| {
    ///     let _ = event.ack((sockets.len(),));
    /// });
    /// ```
    pub fn on_server_event(
        &self,
        name: &str,
        handler: impl Fn(ServerEvent) + Send + Sync + 'static,
    ) {
        self.core
            .behaviour()
            .on_server_event(name, Arc::new(handler));
    }

    /// The socket with this id, if it is on this server.
    pub fn socket(&self, id: &SocketId) -> Option<Socket<S>> {
        self.core.socket(id).as_ref().map(Socket::new)
    }

    /// The sockets of this server, in no order.
    pub fn sockets(&self) -> Vec<Socket<S>> {
        let sockets = self.core.sockets(&Target::default());
        sockets.iter().map(Socket::new).collect()
    }
}

impl<S> Namespace<S> {
    pub(crate) fn new(core: Arc<NamespaceCore>) -> Self {
        Self {
            core,
            state: PhantomData,
        }
    }

    /// The namespace's name.
    pub fn name(&self) -> &str {
        self.core.name().as_str()
    }

    /// Number of sockets on this server.
    pub fn len(&self) -> usize {
        self.core.rooms().len()
    }

    /// True if no socket is here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rooms that have members on this server, with their number.
    pub fn rooms(&self) -> Vec<(Room, usize)> {
        let rooms = self.core.rooms();
        rooms
            .rooms()
            .map(|(room, len)| (room.clone(), len))
            .collect()
    }

    /// An operation on all sockets of the namespace.
    pub fn all(&self) -> Broadcast {
        Broadcast::new(Arc::clone(&self.core), Target::default())
    }

    /// An operation on the sockets in a room, or on one socket by its id.
    pub fn to(&self, room: impl Into<Room>) -> Broadcast {
        self.all().to(room)
    }

    /// An operation on all sockets that are not in a room.
    pub fn except(&self, room: impl Into<Room>) -> Broadcast {
        self.all().except(room)
    }

    /// Sends an event to all sockets.
    ///
    /// # Errors
    ///
    /// As [`Broadcast::emit`].
    pub fn emit(&self, name: &str, args: impl IntoArgs) -> Result<Delivery, EmitError> {
        self.all().emit(name, args)
    }

    /// Sends an event to the other servers of the cluster, not to clients.
    ///
    /// # Errors
    ///
    /// The arguments cannot be written as JSON.
    pub fn server_side_emit(&self, name: &str, args: impl IntoArgs) -> Result<(), EmitError> {
        let args = args.into_args()?;
        let adapter = &self.core.settings().adapter;
        adapter.server_event(self.name(), name, &args);
        Ok(())
    }

    /// Sends an event to the other servers of the cluster and waits for the answer of each, with the
    /// server's timeout for acks.
    ///
    /// # Errors
    ///
    /// The arguments cannot be written as JSON, or some servers did not answer in time; what the
    /// others answered is in the error.
    pub async fn server_side_emit_with_ack(
        &self,
        name: &str,
        args: impl IntoArgs,
    ) -> Result<Vec<Args>, ServerAckError> {
        let args = args.into_args().map_err(EmitError::from)?;
        let settings = self.core.settings();
        let asking =
            settings
                .adapter
                .server_event_with_ack(self.name(), name, &args, settings.ack_timeout);
        Ok(asking.await?)
    }
}

impl<S> Clone for Namespace<S> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.core))
    }
}

impl<S> fmt::Debug for Namespace<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Namespace").field(&self.name()).finish()
    }
}
