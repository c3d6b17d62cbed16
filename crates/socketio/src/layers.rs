//! Layers: code around the handling of every event of a namespace, and a view on what it sends.

use std::sync::Arc;

use crate::{Args, Event, HandlerError, SocketId, Target, handlers::Handlers, socket::SocketCore};

/// What follows a layer: the layers inside it, then the handlers.
///
/// A layer that drops it ends the handling of this event.
pub struct Next {
    handlers: Arc<Handlers>,
    layer: usize,
    socket: Arc<SocketCore>,
}

impl Next {
    /// Handles the event, which may be another than the one that came.
    ///
    /// # Errors
    ///
    /// What the handler or a layer inside this one returned.
    pub async fn run(mut self, event: Event) -> Result<(), HandlerError> {
        let handlers = Arc::clone(&self.handlers);
        let socket = Arc::clone(&self.socket);
        let inner = handlers.layers.iter().skip(self.layer);
        match inner.enumerate().find(|(_, layer)| layer.fits(&event)) {
            Some((passed, layer)) => {
                self.layer += passed + 1;
                layer.run(&socket, event, self).await
            }
            None => handlers.innermost(&socket, event).await,
        }
    }

    /// Before all layers.
    pub(crate) fn outermost(handlers: Arc<Handlers>, socket: Arc<SocketCore>) -> Self {
        Self {
            handlers,
            layer: 0,
            socket,
        }
    }
}

/// An event on its way out, as an outgoing catch-all sees it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Outgoing<'a> {
    /// The event's name.
    pub name: &'a str,
    /// Its arguments.
    pub args: &'a Args,
    /// To whom it goes.
    pub to: Recipients<'a>,
}

/// To whom an event goes.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Recipients<'a> {
    /// One socket.
    Socket(&'a SocketId),
    /// All that a broadcast means.
    Broadcast(&'a Target),
}
