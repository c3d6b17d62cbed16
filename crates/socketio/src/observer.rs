//! The seam for what watches a whole server: it is told of everything where that happens.
//!
//! It is told under locks of this crate, so that it sees what happens to a socket in the order in
//! which it happens; it may only take notes. A server without an observer pays one look at a pointer.

use std::sync::{Arc, OnceLock};

use socketio_proto::{Args, EventName, NamespaceName};

use crate::{
    DisconnectReason, Outgoing, Room, SocketId, namespace::NamespaceCore, socket::SocketCore,
};

/// Watches a server.
pub(crate) trait Observer: Send + Sync {
    /// False while it does not want to be told.
    fn is_watching(&self) -> bool;

    /// Something happens. Must neither block nor call back.
    fn note(&self, happening: &Happening<'_>);
}

/// What an observer is told.
pub(crate) enum Happening<'a> {
    /// A socket is in its namespace.
    Connected(&'a Arc<SocketCore>),
    /// The session of a socket went from polling to WebSocket.
    Upgraded(&'a Arc<SocketCore>),
    /// A socket has left, and with its namespace these rooms.
    Disconnected {
        socket: &'a Arc<SocketCore>,
        reason: DisconnectReason,
        rooms: Vec<Room>,
    },
    Joined {
        namespace: &'a NamespaceName,
        room: &'a Room,
        socket: &'a SocketId,
    },
    Left {
        namespace: &'a NamespaceName,
        room: &'a Room,
        socket: &'a SocketId,
    },
    /// A client sent an event.
    Received {
        socket: &'a Arc<SocketCore>,
        name: &'a EventName,
        args: &'a Args,
    },
    /// This server sends an event.
    Sent {
        namespace: &'a NamespaceCore,
        event: &'a Outgoing<'a>,
    },
    /// A message of a client's has been read.
    MessageIn { bytes: usize },
    /// Messages for clients have been queued, of this size each.
    MessagesOut { count: usize, bytes: usize },
}

/// The place of a server's observer.
#[derive(Default)]
pub(crate) struct Watched(OnceLock<Arc<dyn Observer>>);

impl Watched {
    /// Lets the observer in, unless there is one.
    pub(crate) fn by(&self, observer: Arc<dyn Observer>) -> Result<(), AlreadyWatched> {
        self.0.set(observer).map_err(|_| AlreadyWatched)
    }

    pub(crate) fn tell<'a>(&self, happening: impl FnOnce() -> Happening<'a>) {
        if let Some(observer) = self.observer() {
            observer.note(&happening());
        }
    }

    #[cfg(test)]
    pub(crate) fn is_watched(&self) -> bool {
        self.observer().is_some()
    }

    fn observer(&self) -> Option<&Arc<dyn Observer>> {
        self.0.get().filter(|observer| observer.is_watching())
    }
}

/// A server has one observer.
#[derive(Debug)]
pub(crate) struct AlreadyWatched;
