//! Asking a namespace's middleware whether a client gets in.
//!
//! A middleware that has to wait gets a task, so that it delays nobody else. It does not keep the
//! client: one that has gone meanwhile leaves nothing behind.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{Arc, Weak},
};

use futures_util::{FutureExt, future::BoxFuture};
use socketio_proto::NamespaceName;
use tokio::task::yield_now;

use crate::{
    ConnectRequest, Handshake, Refusal, SocketId,
    client::{Client, Entrance},
    namespace::{Admitted, NamespaceCore},
    recovery::{Middleware, Returning},
    server::Shared,
    stats::Refused,
};

/// A client at the door of a namespace.
pub(crate) struct Candidate {
    pub(crate) id: SocketId,
    pub(crate) namespace: Arc<NamespaceCore>,
    pub(crate) handshake: Handshake,
    /// Its claim to a socket that it has lost.
    pub(crate) returning: Option<Returning>,
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
        let candidate = Candidate::new(id, namespace, handshake);
        let admitted = candidate.ask().await;
        Some((candidate, admitted))
    };
    let (refused, refusal) = match AssertUnwindSafe(ask).catch_unwind().await {
        Ok(Some((mut candidate, Ok(state)))) => return let_in(client, &mut candidate, state).await,
        Ok(Some((_, Err(refusal)))) => (Refused::Middleware, refusal),
        Ok(None) => (Refused::UnknownNamespace, unknown_namespace()),
        Err(_) => (Refused::MiddlewarePanic, internal_error()),
    };
    if let Some(client) = client.upgrade() {
        client.refuse(&name, refused, &refusal);
    }
}

/// Lets in who is admitted. What a client has missed goes out before, part by part, as fast as it
/// takes it.
async fn let_in(
    client: Weak<Client>,
    candidate: &mut Candidate,
    admitted: Arc<dyn Any + Send + Sync>,
) {
    while let Some(client) = client.upgrade() {
        let session = client.session().clone();
        if session.is_closed() || client.let_in(candidate, &admitted) == Entrance::Done {
            return;
        }
        drop(client);
        session.writable().await;
        // Others wait for the namespace's lock.
        yield_now().await;
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
    fn new(id: SocketId, namespace: Arc<NamespaceCore>, handshake: Handshake) -> Self {
        let returning = namespace.claim(&handshake);
        Self {
            id: returning.as_ref().map_or(id, Returning::socket_id),
            namespace,
            handshake,
            returning,
        }
    }

    async fn ask(&self) -> Admitted {
        let Some(returning) = &self.returning else {
            return self.ask_middleware().await;
        };
        if self.namespace.settings().middleware_on_return() == Middleware::Asked {
            self.ask_middleware().await?;
        }
        Ok(returning.state())
    }

    async fn ask_middleware(&self) -> Admitted {
        let request = ConnectRequest::new(
            self.id.clone(),
            self.namespace.name().as_str().into(),
            self.handshake.clone(),
        );
        self.namespace.behaviour().admit(request).await
    }
}
