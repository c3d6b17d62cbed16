//! The sockets of one client, one in each namespace that it has joined.

use std::{mem, sync::Arc};

use socketio_proto::NamespaceName;

use crate::socket::SocketCore;

/// Mostly one socket, at most as many as a client may have namespaces: to compare their names costs
/// less than hashing one, and a list takes the least memory.
#[derive(Default)]
pub(super) struct Sockets(Vec<Arc<SocketCore>>);

impl Sockets {
    pub(super) fn get(&self, namespace: &NamespaceName) -> Option<&Arc<SocketCore>> {
        self.iter().find(|socket| is_in(socket, namespace))
    }

    /// A client has no other socket in this namespace.
    pub(super) fn insert(&mut self, socket: Arc<SocketCore>) {
        self.0.reserve_exact(1);
        self.0.push(socket);
    }

    pub(super) fn remove(&mut self, namespace: &NamespaceName) -> Option<Arc<SocketCore>> {
        let index = self.iter().position(|socket| is_in(socket, namespace))?;
        Some(self.0.remove(index))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<SocketCore>> {
        self.0.iter()
    }

    /// All of them, in the order in which they joined.
    pub(super) fn take(&mut self) -> Vec<Arc<SocketCore>> {
        mem::take(&mut self.0)
    }
}

fn is_in(socket: &SocketCore, namespace: &NamespaceName) -> bool {
    socket.namespace().name() == namespace
}
