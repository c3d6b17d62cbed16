//! A handler at work: what it was called for, and what its failure means.
//!
//! Owns the call and nothing of when it is made: that is the deliverer's. It is polled where it stands
//! first, as most handlers need not wait, and takes one allocation, which is the handler's own future.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use socketio_proto::EventName;

use crate::{
    DisconnectReason, Event, Failure, Handling, deliver::Work, handlers::Running,
    socket::SocketCore,
};

/// A handler that has been called. Its output is its socket, whose next work may begin then.
pub(crate) struct Handled {
    socket: Arc<SocketCore>,
    subject: Subject,
    running: Running,
}

/// What a handler is called for, kept to tell of its failure.
enum Subject {
    Connect,
    Event(EventName),
    Disconnect,
}

impl Handled {
    /// Calls the handler of a piece of work; none if there is none, or if it panicked at once.
    pub(crate) fn call(socket: &Arc<SocketCore>, work: Work) -> Option<Self> {
        let subject = Subject::of(&work);
        match catch_unwind(AssertUnwindSafe(|| run(socket, work))) {
            Ok(running) => running.map(|running| Self {
                socket: Arc::clone(socket),
                subject,
                running,
            }),
            Err(payload) => {
                panicked(socket, &subject, &*payload);
                None
            }
        }
    }
}

impl Future for Handled {
    type Output = Arc<SocketCore>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = catch_unwind(AssertUnwindSafe(|| self.running.as_mut().poll(cx)));
        match polled {
            Ok(running) => {
                if let Err(error) = ready!(running) {
                    report(&self.socket, &self.subject, &Failure::Error(error));
                }
            }
            Err(payload) => panicked(&self.socket, &self.subject, &*payload),
        }
        Poll::Ready(Arc::clone(&self.socket))
    }
}

/// What runs for a piece of work, if the application has said anything.
fn run(socket: &Arc<SocketCore>, work: Work) -> Option<Running> {
    let handlers = socket.namespace().handlers();
    match work {
        Work::Connected => Some(handlers.connect.as_ref()?(socket, ())),
        Work::Event { name, args, ack } => {
            let event = Event::new(socket, name, args, ack);
            handlers.event(socket, event)
        }
        Work::Disconnected { reason, .. } => Some(handlers.disconnect.as_ref()?(socket, reason)),
    }
}

/// A handler that panics ends its socket, nothing else.
fn panicked(socket: &Arc<SocketCore>, subject: &Subject, payload: &(dyn Any + Send)) {
    socket.end(DisconnectReason::HandlerPanic);
    report(socket, subject, &Failure::panic(payload));
}

fn report(socket: &SocketCore, subject: &Subject, failure: &Failure) {
    let settings = socket.namespace().settings();
    let told = AssertUnwindSafe(|| settings.report(socket, subject.handling(), failure));
    if catch_unwind(told).is_err() {
        tracing::error!(?socket, "the hook for failed handlers panicked");
    }
}

impl Subject {
    fn of(work: &Work) -> Self {
        match work {
            Work::Connected => Self::Connect,
            Work::Event { name, .. } => Self::Event(name.clone()),
            Work::Disconnected { .. } => Self::Disconnect,
        }
    }

    fn handling(&self) -> Handling<'_> {
        match self {
            Self::Connect => Handling::Connect,
            Self::Event(name) => Handling::Event(name.as_str()),
            Self::Disconnect => Handling::Disconnect,
        }
    }
}
