//! What admins call clients and sockets whose ids are secrets.

use std::borrow::Cow;

use engineio::proto::Sid;
use sha2::{Digest, Sha256};

use crate::{Room, SocketId, Target, namespace::NamespaceCore};

/// Makes names that tell nothing, the same for the same secret as long as the server runs.
pub(super) struct Aliases {
    key: [u8; 32],
}

impl Aliases {
    /// # Panics
    ///
    /// If the operating system has no random bytes.
    pub(super) fn new() -> Self {
        let mut key = [0; 32];
        getrandom::fill(&mut key).expect("the operating system has random bytes");
        Self { key }
    }

    /// What stands for a client: all its sockets have it in common.
    pub(super) fn client(&self, sid: &Sid) -> String {
        self.digits(sid.as_str())
    }

    /// The id of a socket, unless it is a secret: who knows the id of a socket of protocol 4 can
    /// speak for its client.
    pub(super) fn socket<'a>(&self, id: &'a SocketId) -> Cow<'a, str> {
        if id.is_secret() {
            Cow::Owned(format!("{MARK}{}", self.digits(id.as_str())))
        } else {
            Cow::Borrowed(id.as_str())
        }
    }

    /// The room, or the socket, that an admin means.
    pub(super) fn resolve(&self, namespace: &NamespaceCore, name: &str) -> Room {
        if !name.starts_with(MARK) {
            return name.into();
        }
        let sockets = namespace.sockets(&Target::default());
        let socket = sockets
            .iter()
            .find(|socket| self.socket(socket.id()) == name);
        socket.map_or_else(|| name.into(), |socket| socket.id().into())
    }

    fn digits(&self, secret: &str) -> String {
        let digest = Sha256::new()
            .chain_update(self.key)
            .chain_update(secret)
            .finalize();
        let digits = digest.iter().take(8);
        digits.map(|byte| format!("{byte:02x}")).collect()
    }
}

/// No id of a socket begins with it.
const MARK: char = '~';
