//! What the application has said about a namespace: who gets in, and who handles what.

use std::{
    any::{Any, TypeId},
    future::Future,
    num::NonZeroUsize,
    pin::Pin,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    ConnectRequest, DisconnectReason, Event, Refusal,
    handlers::{Handler, Handlers, Layer, ServerHandler, Tap},
};

/// The state of a socket that got in, its type erased.
pub(crate) type Admitted = Result<Arc<dyn Any + Send + Sync>, Refusal>;

type Admit = dyn Fn(ConnectRequest) -> Pin<Box<dyn Future<Output = Admitted> + Send>> + Send + Sync;

/// Middleware and handlers; shared by all namespaces of one pattern.
pub(crate) struct Behaviour {
    state: TypeId,
    admit: Box<Admit>,
    handlers: RwLock<Arc<Handlers>>,
    /// How many events of one socket are handled at once; at least one.
    concurrency: AtomicUsize,
    /// How many namespaces of a pattern stay when their last socket has left.
    keeps: AtomicUsize,
    comeback: Comeback,
}

/// Whether clients who lost their connection come back to their old sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comeback {
    /// If the server has recovery.
    AsServer,
    /// Never: everybody is asked each time.
    Never,
}

impl Behaviour {
    pub(crate) fn new<S, F>(
        middleware: impl Fn(ConnectRequest) -> F + Send + Sync + 'static,
    ) -> Arc<Self>
    where
        S: Send + Sync + 'static,
        F: Future<Output = Result<S, Refusal>> + Send + 'static,
    {
        Self::with_comeback(Comeback::AsServer, middleware)
    }

    pub(crate) fn with_comeback<S, F>(
        comeback: Comeback,
        middleware: impl Fn(ConnectRequest) -> F + Send + Sync + 'static,
    ) -> Arc<Self>
    where
        S: Send + Sync + 'static,
        F: Future<Output = Result<S, Refusal>> + Send + 'static,
    {
        Arc::new(Self {
            comeback,
            state: TypeId::of::<S>(),
            admit: Box::new(move |request| {
                let admitted = middleware(request);
                Box::pin(async move { Ok(Arc::new(admitted.await?) as Arc<dyn Any + Send + Sync>) })
            }),
            handlers: RwLock::default(),
            concurrency: AtomicUsize::new(1),
            keeps: AtomicUsize::new(0),
        })
    }

    /// Everybody gets in, with no state.
    pub(crate) fn open() -> Arc<Self> {
        Self::new(|_| std::future::ready(Ok(())))
    }

    /// True if the sockets' state has this type.
    pub(crate) fn has_state<S: 'static>(&self) -> bool {
        self.state == TypeId::of::<S>()
    }

    /// Asks the middleware.
    pub(crate) async fn admit(&self, request: ConnectRequest) -> Admitted {
        (self.admit)(request).await
    }

    pub(crate) fn comeback(&self) -> Comeback {
        self.comeback
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.concurrency.load(Ordering::Relaxed)
    }

    pub(crate) fn set_concurrency(&self, events: NonZeroUsize) {
        self.concurrency.store(events.get(), Ordering::Relaxed);
    }

    pub(crate) fn keeps(&self) -> usize {
        self.keeps.load(Ordering::Relaxed)
    }

    pub(crate) fn keep(&self, namespaces: usize) {
        self.keeps.store(namespaces, Ordering::Relaxed);
    }

    /// The handlers of this moment.
    pub(crate) fn handlers(&self) -> Arc<Handlers> {
        let handlers = self.handlers.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&handlers)
    }

    pub(super) fn on_connect(&self, handler: Handler<()>) {
        self.change(|handlers| handlers.connect = Some(handler));
    }

    pub(super) fn on_disconnect(&self, handler: Handler<DisconnectReason>) {
        self.change(|handlers| handlers.disconnect = Some(handler));
    }

    pub(super) fn on(&self, name: &str, handler: Handler<Event>) {
        self.change(|handlers| {
            handlers.events.insert(name.into(), handler);
        });
    }

    pub(super) fn on_any(&self, handler: Handler<Event>) {
        self.change(|handlers| handlers.any.push(handler));
    }

    pub(super) fn add_layer(&self, layer: Layer) {
        self.change(|handlers| handlers.layers.push(layer));
    }

    pub(super) fn on_any_outgoing(&self, tap: Tap) {
        self.change(|handlers| handlers.outgoing.push(tap));
    }

    pub(super) fn on_server_event(&self, name: &str, handler: ServerHandler) {
        self.change(|handlers| {
            handlers.server_events.insert(name.into(), handler);
        });
    }

    /// Changes the handlers for everything that is handled from now on.
    fn change(&self, change: impl FnOnce(&mut Handlers)) {
        let mut handlers = self
            .handlers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut handlers));
    }
}
