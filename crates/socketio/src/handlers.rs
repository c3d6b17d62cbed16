//! The handlers of a namespace, with the type of its sockets' state erased.
//!
//! Owns who is called for what; in which order events come is the inbox's affair.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};

use crate::{
    DisconnectReason, Event, HandlerError, IntoHandlerResult, Next, Outgoing, ServerEvent, Socket,
    socket::SocketCore,
};

/// A handler at work.
pub(crate) type Running = Pin<Box<dyn Future<Output = Result<(), HandlerError>> + Send>>;

/// A handler of something that happens to a socket.
pub(crate) type Handler<T> = Arc<dyn Fn(&Arc<SocketCore>, T) -> Running + Send + Sync>;

/// A layer around the handling of events.
#[derive(Clone)]
pub(crate) struct Layer {
    /// Of all events, if there is none.
    event: Option<Box<str>>,
    run: Arc<Around>,
}

type Around = dyn Fn(&Arc<SocketCore>, Event, Next) -> Running + Send + Sync;

/// A handler of a server-side event.
pub(crate) type ServerHandler = Arc<dyn Fn(ServerEvent) + Send + Sync>;

/// Sees what is sent.
pub(crate) type Tap = Arc<dyn Fn(&Outgoing<'_>) + Send + Sync>;

/// All handlers of a namespace. Whoever changes them makes a new set, so that running ones keep
/// theirs.
#[derive(Clone, Default)]
pub(crate) struct Handlers {
    pub(crate) connect: Option<Handler<()>>,
    pub(crate) disconnect: Option<Handler<DisconnectReason>>,
    pub(crate) events: BTreeMap<Box<str>, Handler<Event>>,
    pub(crate) any: Vec<Handler<Event>>,
    pub(crate) layers: Vec<Layer>,
    pub(crate) outgoing: Vec<Tap>,
    pub(crate) server_events: BTreeMap<Box<str>, ServerHandler>,
}

impl Handlers {
    /// What runs for an event: the layers around it, the catch-all handlers, the handler of its name.
    pub(crate) fn event(
        self: Arc<Self>,
        socket: &Arc<SocketCore>,
        event: Event,
    ) -> Option<Running> {
        if self.layers.is_empty() && self.any.is_empty() {
            // Most namespaces are like that, and what runs is the application's future alone.
            return Some(self.events.get(event.name())?(socket, event));
        }
        let next = Next::outermost(self, Arc::clone(socket));
        Some(Box::pin(next.run(event)))
    }

    /// Calls the catch-all handlers, then the one for this name, one after another.
    pub(crate) async fn innermost(
        &self,
        socket: &Arc<SocketCore>,
        event: Event,
    ) -> Result<(), HandlerError> {
        for handler in &self.any {
            handler(socket, event.clone()).await?;
        }
        match self.events.get(event.name()) {
            Some(handler) => handler(socket, event).await,
            None => Ok(()),
        }
    }
}

impl Layer {
    pub(crate) fn fits(&self, event: &Event) -> bool {
        self.event
            .as_deref()
            .is_none_or(|name| name == event.name())
    }

    pub(crate) fn run(&self, socket: &Arc<SocketCore>, event: Event, next: Next) -> Running {
        (self.run)(socket, event, next)
    }
}

/// Erases the handler of events and of disconnects.
pub(crate) fn handler<S, T, F>(
    handler: impl Fn(Socket<S>, T) -> F + Send + Sync + 'static,
) -> Handler<T>
where
    S: Send + Sync + 'static,
    F: Future<Output: IntoHandlerResult> + Send + 'static,
{
    Arc::new(move |socket, subject| run(handler(Socket::new(socket), subject)))
}

/// Erases the handler of connects.
pub(crate) fn connect_handler<S, F>(
    handler: impl Fn(Socket<S>) -> F + Send + Sync + 'static,
) -> Handler<()>
where
    S: Send + Sync + 'static,
    F: Future<Output: IntoHandlerResult> + Send + 'static,
{
    Arc::new(move |socket, ()| run(handler(Socket::new(socket))))
}

/// Erases a layer of all events.
pub(crate) fn layer<S, F>(
    layer: impl Fn(Socket<S>, Event, Next) -> F + Send + Sync + 'static,
) -> Layer
where
    S: Send + Sync + 'static,
    F: Future<Output: IntoHandlerResult> + Send + 'static,
{
    Layer {
        event: None,
        run: Arc::new(move |socket, event, next| run(layer(Socket::new(socket), event, next))),
    }
}

/// Erases a layer of the events of one name.
pub(crate) fn layer_for<S, F>(
    event: &str,
    layer: impl Fn(Socket<S>, Event, Next) -> F + Send + Sync + 'static,
) -> Layer
where
    S: Send + Sync + 'static,
    F: Future<Output: IntoHandlerResult> + Send + 'static,
{
    Layer {
        event: Some(event.into()),
        ..self::layer(layer)
    }
}

fn run(running: impl Future<Output: IntoHandlerResult> + Send + 'static) -> Running {
    Box::pin(async move { running.await.into_handler_result() })
}
