//! What all namespaces of a server share: bounds, the adapter, the hook for failures.

use std::{sync::Arc, time::Duration};

use crate::{
    Adapter, HandlerError, InboxLimits, LocalAdapter, Parser, SocketId, socket::SocketCore,
};

/// Settings of a server, fixed when it is built.
pub(crate) struct Settings {
    pub(crate) adapter: Box<dyn Adapter>,
    pub(crate) parser: Parser,
    pub(crate) inbox: InboxLimits,
    pub(crate) max_open_acks: usize,
    pub(crate) ack_timeout: Duration,
    pub(crate) failure_hook: Option<Arc<FailureHook>>,
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
    /// What happened.
    pub failure: &'a Failure,
}

/// How a handler failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// It returned an error. The socket goes on.
    Error(HandlerError),
    /// It panicked. Its socket has been disconnected.
    Panic,
}

impl Settings {
    /// Tells the application what a handler failed with.
    pub(crate) fn report(&self, socket: &SocketCore, failure: &Failure) {
        let failure = HandlerFailure {
            namespace: socket.namespace().name().as_str(),
            socket: socket.id(),
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
        let (namespace, socket) = (self.namespace, self.socket);
        match self.failure {
            Failure::Error(error) => tracing::warn!(namespace, %socket, %error, "handler failed"),
            Failure::Panic => tracing::error!(namespace, %socket, "handler panicked"),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            adapter: Box::new(LocalAdapter),
            parser: Parser::default(),
            inbox: InboxLimits::default(),
            max_open_acks: 1024,
            ack_timeout: Duration::from_secs(20),
            failure_hook: None,
        }
    }
}
