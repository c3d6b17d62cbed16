//! A socket as the application sees it: one client in one namespace.

use std::{any::Any, fmt, sync::Arc, time::Duration};

use engineio::proto::{SendOptions, Transport};
use socketio_proto::IntoArgs;

use crate::{
    Ack, Broadcast, EmitError, EmitOutcome, Handshake, JoinError, Namespace, Room, SocketId, Target,
};

mod core;
mod emitter;

pub(crate) use self::core::SocketCore;
pub use emitter::Emitter;

/// One client in one namespace, with the state that the namespace's middleware made for it.
///
/// Cheap to clone. Keeping it keeps neither the session nor its place in any room: once the client
/// has left, emits fail with [`EmitError::Gone`] and joins with [`JoinError::Gone`]. With
/// [`Recovery`](crate::Recovery), what is done to the socket of a client that has lost its connection
/// counts for when it comes back.
pub struct Socket<S = ()> {
    core: Arc<SocketCore>,
    state: Arc<S>,
}

impl<S: Send + Sync + 'static> Socket<S> {
    /// The typed view of a socket of a namespace whose state has this type.
    pub(crate) fn new(core: &Arc<SocketCore>) -> Self {
        let state: Arc<dyn Any + Send + Sync> = Arc::clone(core.state());
        Self {
            core: Arc::clone(core),
            state: state
                .downcast()
                .expect("a namespace's handlers and sockets have one type of state"),
        }
    }

    /// The namespace.
    pub fn namespace(&self) -> Namespace<S> {
        Namespace::new(Arc::clone(self.core.namespace()))
    }
}

impl<S> Socket<S> {
    /// The socket's id.
    pub fn id(&self) -> &SocketId {
        self.core.id()
    }

    /// What the namespace's middleware made for this socket. It is shared by all handlers: what changes in
    /// it goes into an atomic or a `Mutex`.
    pub fn state(&self) -> &S {
        &self.state
    }

    /// True if the client has lost its connection and come back: id, rooms and state are what they
    /// were, and it has got what it missed. See [`Recovery`](crate::Recovery).
    pub fn recovered(&self) -> bool {
        self.core.place().is_some_and(|place| place.is_recovered())
    }

    /// The request that opened the session, and what the client brought for this namespace.
    pub fn handshake(&self) -> &Handshake {
        self.core.handshake()
    }

    /// What carries the session at this moment; none if it has gone.
    pub fn transport(&self) -> Option<Transport> {
        let client = self.core.client().ok()?;
        Some(client.session().transport())
    }

    /// True until the socket has left its namespace.
    pub fn is_connected(&self) -> bool {
        self.core
            .client()
            .is_ok_and(|client| client.has(&self.core))
    }

    /// Bytes that wait to be sent to the client, in all its namespaces.
    pub fn queued_bytes(&self) -> usize {
        self.core
            .client()
            .map_or(0, |client| client.session().queued_bytes())
    }

    /// Waits until the client's queue is below its low water mark, or the client is gone.
    ///
    /// Cancel-safe.
    pub async fn writable(&self) {
        if let Ok(client) = self.core.client() {
            let session = client.session().clone();
            drop(client);
            session.writable().await;
        }
    }

    /// Queues an event. Each element of a tuple is one argument; packets go out in the order in
    /// which they were emitted.
    ///
    /// With [`Recovery`](crate::Recovery), an event for a client that has lost its connection waits
    /// for it as long as it may come back. A client that has come back has a new `Socket`.
    ///
    /// # Errors
    ///
    /// The socket is gone, the queue is full under the policy that ends the session, or the event
    /// cannot be written.
    pub fn emit(&self, name: &str, args: impl IntoArgs) -> Result<EmitOutcome, EmitError> {
        self.emitter().emit(name, args)
    }

    /// Queues an event once there is room in the client's queue.
    ///
    /// Cancel-safe: dropped, it has sent nothing.
    ///
    /// # Errors
    ///
    /// As [`Socket::emit`].
    pub async fn emit_wait(
        &self,
        name: &str,
        args: impl IntoArgs,
    ) -> Result<EmitOutcome, EmitError> {
        self.emitter().emit_wait(name, args).await
    }

    /// Queues an event and returns the future of its answer, with the server's timeout for acks.
    pub fn emit_with_ack(&self, name: &str, args: impl IntoArgs) -> Ack {
        self.emitter().emit_with_ack(name, args)
    }

    /// The next emit is dropped unless the client can take it at this moment.
    pub fn volatile(&self) -> Emitter<'_> {
        self.with(SendOptions::volatile())
    }

    /// The next emit has these options in place of the server's.
    pub fn with(&self, options: SendOptions) -> Emitter<'_> {
        self.emitter().with(options)
    }

    /// What carries the next emit is left uncompressed.
    pub fn uncompressed(&self) -> Emitter<'_> {
        self.emitter().uncompressed()
    }

    /// The answer to the next emit is awaited this long.
    pub fn timeout(&self, timeout: Duration) -> Emitter<'_> {
        self.emitter().timeout(timeout)
    }

    /// A broadcast to a room, without this socket.
    pub fn to(&self, room: impl Into<Room>) -> Broadcast {
        self.broadcast().to(room)
    }

    /// A broadcast to the whole namespace, without this socket.
    pub fn broadcast(&self) -> Broadcast {
        let target = Target {
            rooms: Vec::new(),
            except: vec![self.id().into()],
        };
        Broadcast::new(Arc::clone(self.core.namespace()), target)
    }

    /// Joins a room. In a room that it is in, nothing happens.
    ///
    /// # Errors
    ///
    /// The socket has left its namespace, is in as many rooms as
    /// [`Builder::max_rooms`](crate::Builder::max_rooms) allows, or the name is longer than
    /// [`Room::MAX_LEN`].
    pub fn join(&self, room: impl Into<Room>) -> Result<(), JoinError> {
        self.core.namespace().join(&self.core, &room.into())
    }

    /// Leaves a room.
    pub fn leave(&self, room: impl Into<Room>) {
        self.core.namespace().leave(&self.core, &room.into());
    }

    /// The rooms that the socket is in, in no order.
    pub fn rooms(&self) -> Vec<Room> {
        self.core.namespace().rooms_of(&self.core)
    }

    /// Takes the socket out of its namespace; the client is told and its session stays. The reason is
    /// [`ServerNamespaceDisconnect`](crate::DisconnectReason::ServerNamespaceDisconnect).
    ///
    /// What it has sent and nobody has handled yet is dropped.
    pub fn disconnect(&self) {
        self.core.disconnect();
    }

    /// Takes all sockets of the client out of their namespaces, for the same reason as
    /// [`Socket::disconnect`], and ends the session, after what is queued has gone out.
    pub fn close(&self) {
        self.core.close();
    }

    pub(crate) fn core(&self) -> &Arc<SocketCore> {
        &self.core
    }

    fn emitter(&self) -> Emitter<'_> {
        Emitter::new(&self.core)
    }
}

impl<S> Clone for Socket<S> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            state: Arc::clone(&self.state),
        }
    }
}

impl<S> fmt::Debug for Socket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}
