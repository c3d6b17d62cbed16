//! Namespaces that come to life when a client joins a name that fits.

use std::{future::Future, marker::PhantomData, sync::Arc};

use super::Behaviour;
use crate::{DisconnectReason, Event, IntoHandlerResult, Next, Socket, handlers};

/// The handlers of all namespaces of one pattern.
///
/// Each namespace has its own sockets and rooms, and is gone with its last socket;
/// [`Socket::namespace`] is the way to it.
pub struct Dynamic<S = ()> {
    behaviour: Arc<Behaviour>,
    state: PhantomData<fn() -> S>,
}

impl<S: Send + Sync + 'static> Dynamic<S> {
    pub(crate) fn new(behaviour: Arc<Behaviour>) -> Self {
        Self {
            behaviour,
            state: PhantomData,
        }
    }

    /// As [`Namespace::on_connect`](crate::Namespace::on_connect).
    pub fn on_connect<F>(&self, handler: impl Fn(Socket<S>) -> F + Send + Sync + 'static)
    where
        F: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        let handler = handlers::connect_handler(handler);
        self.behaviour
            .change(|handlers| handlers.connect = Some(handler));
    }

    /// As [`Namespace::on_disconnect`](crate::Namespace::on_disconnect).
    pub fn on_disconnect<F>(
        &self,
        handler: impl Fn(Socket<S>, DisconnectReason) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        let handler = handlers::handler(handler);
        self.behaviour
            .change(|handlers| handlers.disconnect = Some(handler));
    }

    /// As [`Namespace::on`](crate::Namespace::on).
    pub fn on<F>(&self, name: &str, handler: impl Fn(Socket<S>, Event) -> F + Send + Sync + 'static)
    where
        F: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        let handler = handlers::handler(handler);
        self.behaviour.change(|handlers| {
            handlers.events.insert(name.into(), handler);
        });
    }

    /// As [`Namespace::on_any`](crate::Namespace::on_any).
    pub fn on_any<F>(&self, handler: impl Fn(Socket<S>, Event) -> F + Send + Sync + 'static)
    where
        F: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        let handler = handlers::handler(handler);
        self.behaviour.change(|handlers| handlers.any.push(handler));
    }

    /// As [`Namespace::layer`](crate::Namespace::layer).
    pub fn layer<F>(&self, layer: impl Fn(Socket<S>, Event, Next) -> F + Send + Sync + 'static)
    where
        F: Future<Output: IntoHandlerResult> + Send + 'static,
    {
        let layer = handlers::layer(layer);
        self.behaviour
            .change(|handlers| handlers.layers.push(layer));
    }
}
