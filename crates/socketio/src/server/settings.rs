//! What all namespaces of a server share: bounds, the adapter, the hook for failures, the counters.

use std::{any::Any, sync::Arc, time::Duration};

use engineio::proto::{SendOptions, SlowConsumer};

use crate::{
    Adapter, HandlerError, InboxLimits, LocalAdapter, Parser, SocketId,
    observer::Watched,
    recovery::{Middleware, Terms},
    socket::SocketCore,
    stats::Counters,
};

/// Settings of a server, fixed when it is built, and what it counts.
pub(crate) struct Settings {
    pub(crate) adapter: Box<dyn Adapter>,
    pub(crate) parser: Parser,
    pub(crate) recovery: Option<Terms>,
    /// Of sessions, for messages that say nothing else.
    pub(crate) slow_consumer: SlowConsumer,
    pub(crate) inbox: InboxLimits,
    pub(crate) max_open_acks: usize,
    pub(crate) max_rooms: usize,
    pub(crate) ack_timeout: Duration,
    pub(crate) failure_hook: Option<Arc<FailureHook>>,
    pub(crate) counters: Counters,
    pub(crate) watched: Watched,
}

/// Gets what went wrong in handlers.
pub(crate) type FailureHook = dyn Fn(&HandlerFailure<'_>) + Send + Sync;

/// A handler that did not end well.
#[derive(Debug)]
#[non_exhaustive]
pub struct HandlerFailure<'a> {
    /// The socket's namespace.
    pub namespace: &'a str,
    /// The socket.
    pub socket: &'a SocketId,
    /// What was being handled.
    pub handling: Handling<'a>,
    /// What happened.
    pub failure: &'a Failure,
}

/// What a handler was called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling<'a> {
    /// The socket has joined.
    Connect,
    /// This event of its client.
    Event(&'a str),
    /// The socket has left.
    Disconnect,
}

/// How a handler failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// It returned an error. The socket goes on.
    Error(HandlerError),
    /// It panicked. Its socket has been disconnected.
    Panic {
        /// What it panicked with, if that was text.
        message: Option<String>,
    },
}

impl Settings {
    /// True for an event that is never dropped: what a policy may remove does not come again.
    pub(crate) fn is_recoverable(&self, options: SendOptions) -> bool {
        options.policy(self.slow_consumer) == SlowConsumer::Disconnect
    }

    /// Whether clients that come back pass the middleware.
    pub(crate) fn middleware_on_return(&self) -> Middleware {
        let recovery = self.recovery.as_ref();
        recovery.map_or(Middleware::Asked, |terms| terms.middleware)
    }

    /// Tells the application what a handler failed with.
    pub(crate) fn report(&self, socket: &SocketCore, handling: Handling<'_>, failure: &Failure) {
        match failure {
            Failure::Error(_) => self.counters.failed(),
            Failure::Panic { .. } => self.counters.panicked(),
        }
        let failure = HandlerFailure {
            namespace: socket.namespace().name().as_str(),
            socket: socket.id(),
            handling,
            failure,
        };
        match &self.failure_hook {
            Some(hook) => hook(&failure),
            None => failure.log(),
        }
    }
}

impl HandlerFailure<'_> {
    /// What happens if the application has no hook.
    fn log(&self) {
        let (namespace, socket, handling) = (self.namespace, self.socket, self.handling);
        match self.failure {
            Failure::Error(error) => {
                tracing::warn!(namespace, %socket, ?handling, %error, "handler failed");
            }
            Failure::Panic { message } => {
                tracing::error!(namespace, %socket, ?handling, message, "handler panicked");
            }
        }
    }
}

impl Failure {
    /// What a handler panicked with, as far as it can be told.
    pub(crate) fn panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::Panic {
            message: text.map(str::to_owned),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            adapter: Box::new(LocalAdapter),
            parser: Parser::default(),
            recovery: None,
            slow_consumer: SlowConsumer::default(),
            inbox: InboxLimits::default(),
            max_open_acks: 1024,
            max_rooms: 1024,
            ack_timeout: Duration::from_secs(20),
            failure_hook: None,
            counters: Counters::default(),
            watched: Watched::default(),
        }
    }
}
