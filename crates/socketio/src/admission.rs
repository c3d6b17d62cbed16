//! Asking a namespace's middleware whether a client gets in.
//!
//! A middleware that has to wait gets a task, so that it delays nobody else. It does not keep the
//! client: one that has gone meanwhile leaves nothing behind.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Weak},
};

use futures_util::{FutureExt, future::BoxFuture};
use socketio_proto::NamespaceName;

use crate::{
    ConnectRequest, Handshake, Refusal, SocketId,
    client::Client,
    namespace::{Admitted, NamespaceCore},
    server::Shared,
    stats::Refused,
};

/// A client at the door of a namespace.
pub(crate) struct Candidate {
    pub(crate) id: SocketId,
    pub(crate) namespace: Arc<NamespaceCore>,
    pub(crate) handshake: Handshake,
}

/// Asks at once. Most middleware answers without waiting; then the client is in before its next
/// packet is read, on which sloppy clients of protocol 4 count: they send before they are told.
pub(crate) fn begin(mut admission: BoxFuture<'static, ()>) {
    if (&mut admission).now_or_never().is_none() {
        tokio::spawn(admission);
    }
}

/// Finds the namespace, asks its middleware and tells the client.
pub(crate) async fn run(
    client: Weak<Client>,
    server: Arc<Shared>,
    name: NamespaceName,
    id: SocketId,
    handshake: Handshake,
) {
    let ask = async {
        let namespace = server.find_or_make(&name)?;
        let candidate = Candidate {
            id,
            namespace,
            handshake,
        };
        let admitted = candidate.ask().await;
        Some((candidate, admitted))
    };
    let answer = AssertUnwindSafe(ask).catch_unwind().await;
    let Some(client) = client.upgrade() else {
        return;
    };
    match answer {
        Ok(Some((candidate, admitted))) => client.conclude(&candidate, admitted),
        Ok(None) => client.refuse(&name, Refused::UnknownNamespace, &unknown_namespace()),
        Err(_) => client.refuse(&name, Refused::MiddlewarePanic, &internal_error()),
    }
}

/// What a client is told of a namespace that is not here (SIO5 6.1).
pub(crate) fn unknown_namespace() -> Refusal {
    Refusal::new("Invalid namespace")
}

/// What a client is told that is kept out by a fault of the server's.
pub(crate) fn internal_error() -> Refusal {
    Refusal::new("internal error")
}

impl Candidate {
    async fn ask(&self) -> Admitted {
        let request = ConnectRequest::new(
            self.id.clone(),
            self.namespace.name().as_str().into(),
            self.handshake.clone(),
        );
        self.namespace.behaviour().admit(request).await
    }
}
