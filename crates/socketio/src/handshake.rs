//! What a client brought: the request that opened its session, and what it sent to join.

use std::{net::SocketAddr, sync::Arc, time::SystemTime};

use engineio::proto::{Text, Version};
use http::HeaderMap;
use serde::de::DeserializeOwned;

use crate::SocketId;

/// What a client brought when it opened its session and when it joined a namespace. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handshake {
    session: Arc<engineio::Handshake>,
    version: Version,
    auth: Option<Text>,
}

/// Which session a socket belongs to: the same for the sockets of one client in all its namespaces, and
/// another for every other, as long as one of their handshakes is kept. It says nothing of the session's
/// id, which is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionKey(usize);

/// A client that wants to join a namespace: what its middleware decides on.
#[derive(Debug, Clone)]
pub struct ConnectRequest {
    id: SocketId,
    namespace: Arc<str>,
    handshake: Handshake,
}

impl Handshake {
    pub(crate) fn new(
        session: Arc<engineio::Handshake>,
        version: Version,
        auth: Option<Text>,
    ) -> Self {
        Self {
            session,
            version,
            auth,
        }
    }

    /// The session's revision of Engine.IO, from which the Socket.IO protocol follows: 5 on
    /// revision 4, 4 on revision 3.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The query of the first request as it came, percent-encoded.
    pub fn query(&self) -> &str {
        self.session.query()
    }

    /// The headers of the first request.
    pub fn headers(&self) -> &HeaderMap {
        self.session.headers()
    }

    /// The address of the client, if the host of the server told it.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.session.peer()
    }

    /// Whether the client's connection is encrypted, as far as the host of the server or proxies that it
    /// trusts told.
    pub fn is_secure(&self) -> bool {
        self.session.is_secure()
    }

    /// When the session was opened, by the clock on the wall.
    pub fn issued(&self) -> SystemTime {
        self.session.issued()
    }

    /// The session that this socket shares with others of its client.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use socketio::{Server, testing::Client};
    ///
    /// let server = Server::new();
    /// let (root, chat) = (server.of("/"), server.of("/chat"));
    /// let (mut ada, mut bob) = (Client::open(&server).await, Client::open(&server).await);
    /// ada.join("/").await.expect("everybody gets in");
    /// ada.join("/chat").await.expect("everybody gets in");
    /// let session = root.sockets()[0].handshake().session_key();
    /// assert_eq!(chat.sockets()[0].handshake().session_key(), session);
    ///
    /// bob.join("/").await.expect("everybody gets in");
    /// let sockets = root.sockets();
    /// let others = sockets.iter().filter(|socket| socket.handshake().session_key() != session);
    /// assert_eq!(others.count(), 1);
    /// # }
    /// ```
    pub fn session_key(&self) -> SessionKey {
        SessionKey(Arc::as_ptr(&self.session).addr())
    }

    /// The path of the first request.
    pub(crate) fn path(&self) -> &str {
        self.session.uri().path()
    }

    /// What the client sent to join this namespace, as a JSON object: `auth` of clients of
    /// protocol 5, the namespace's query of those of protocol 4. `{}` if it sent nothing.
    pub fn auth_json(&self) -> &str {
        self.auth.as_deref().unwrap_or("{}")
    }

    /// The same as a type of the application's.
    ///
    /// # Errors
    ///
    /// The client is wrong: it sent another type.
    pub fn auth<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.auth_json())
    }
}

impl ConnectRequest {
    pub(crate) fn new(id: SocketId, namespace: Arc<str>, handshake: Handshake) -> Self {
        Self {
            id,
            namespace,
            handshake,
        }
    }

    /// The id that the socket will have.
    pub fn id(&self) -> &SocketId {
        &self.id
    }

    /// The namespace's name.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What the client brought.
    pub fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// What the client sent to join, as a type of the application's: see [`Handshake::auth`].
    ///
    /// # Errors
    ///
    /// The client is wrong: it sent another type.
    pub fn auth<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        self.handshake.auth()
    }
}
