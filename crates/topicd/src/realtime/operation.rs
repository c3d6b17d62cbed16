//! What the operator sees of the sockets, and does to them.

use std::net::SocketAddr;

use super::Realtime;
use crate::store::UserId;

/// One socket of `/v2`.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) id: String,
    pub(crate) user: Option<UserId>,
    pub(crate) revision: u8,
    pub(crate) transport: &'static str,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) subscriptions: usize,
    pub(crate) queued_bytes: usize,
}

/// Which sockets are meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Whom {
    Socket(String),
    User(UserId),
}

impl Realtime {
    /// All sockets of this moment, in no order.
    pub(crate) fn connections(&self) -> Vec<Connection> {
        let sockets = self.v2.sockets().into_iter();
        let connection = |socket: socketio::Socket<super::Client>| Connection {
            id: socket.id().to_string(),
            user: socket.state().session().map(|session| session.user),
            revision: socket.handshake().version().number(),
            transport: socket
                .transport()
                .map_or("none", |transport| transport.as_str()),
            peer: socket.handshake().peer(),
            subscriptions: socket.state().subscriptions(),
            queued_bytes: socket.queued_bytes(),
        };
        sockets.map(connection).collect()
    }

    /// Bytes that wait to be sent to all sockets.
    pub(crate) fn queued_bytes(&self) -> usize {
        let sockets = self.v2.sockets();
        sockets.iter().map(socketio::Socket::queued_bytes).sum()
    }

    /// Closes the sessions of those who are meant, and tells how many.
    pub(crate) fn disconnect(&self, whom: &Whom) -> usize {
        let sockets = self.v2.sockets().into_iter();
        let meant = sockets.filter(|socket| match whom {
            Whom::Socket(id) => socket.id().to_string() == *id,
            Whom::User(user) => {
                let session = socket.state().session();
                session.is_some_and(|session| session.user == *user)
            }
        });
        meant.inspect(|socket| socket.close()).count()
    }
}
