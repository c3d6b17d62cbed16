//! Handling what waits in a socket's inbox: one handler after another, in order.
//!
//! A task lives as long as the inbox has work. Acks and disconnects do not pass here, so a handler
//! may await an answer; the disconnect handler runs behind what came before it.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use socketio_proto::{AckId, Args, EventName};
use tokio::task::coop;

use crate::{DisconnectReason, Event, HandlerError, Next, server::Failure, socket::SocketCore};

/// Something for the handlers of one socket.
#[derive(Debug)]
pub(crate) enum Work {
    Connected,
    Event {
        name: EventName,
        args: Args,
        ack: Option<AckId>,
    },
    Disconnected {
        reason: DisconnectReason,
        /// What the client held of the socket: the state of the application is dropped by the
        /// deliverer, not under the client's lock.
        _socket: Arc<SocketCore>,
    },
}

impl Work {
    /// What it counts against the inbox's limit.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Event { name, args, .. } => name.as_str().len() + args.len_in_bytes(),
            Self::Connected | Self::Disconnected { .. } => 0,
        }
    }
}

/// Handles work until there is none. A handler that panics ends its socket, nothing else.
pub(crate) async fn run(socket: Arc<SocketCore>) {
    while let Some(work) = socket.next_work() {
        // Handlers that never wait must not keep a thread from everybody else.
        coop::consume_budget().await;
        match AssertUnwindSafe(handle(&socket, work)).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => report(&socket, Failure::Error(error)),
            Err(_) => {
                socket.end(DisconnectReason::HandlerPanic);
                report(&socket, Failure::Panic);
            }
        }
    }
}

async fn handle(socket: &Arc<SocketCore>, work: Work) -> Result<(), HandlerError> {
    let handlers = socket.namespace().handlers();
    match work {
        Work::Connected => match &handlers.connect {
            Some(connect) => connect(socket, ()).await,
            None => Ok(()),
        },
        Work::Event { name, args, ack } => {
            let event = Event::new(socket, name, args, ack);
            let next = Next::outermost(Arc::clone(&handlers), Arc::clone(socket));
            next.run(event).await
        }
        Work::Disconnected { reason, .. } => match &handlers.disconnect {
            Some(disconnect) => disconnect(socket, reason).await,
            None => Ok(()),
        },
    }
}

fn report(socket: &Arc<SocketCore>, failure: Failure) {
    let hook = AssertUnwindSafe(|| socket.namespace().settings().report(socket, &failure));
    if std::panic::catch_unwind(hook).is_err() {
        tracing::error!(?socket, "the hook for failed handlers panicked");
    }
}
