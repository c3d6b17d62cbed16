//! The way of events to the application: in order, one call at a time, outside the lock, and a panic
//! of the application ends its own session only.
//!
//! One POST may bring thousands of messages. They are handed on in turns of [`TURN`] calls, between
//! which everybody else on this thread gets a turn, so that no session holds a worker.

use std::{
    collections::VecDeque,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, MutexGuard},
};

use engineio_proto::{CloseReason, Data, Event};
use tokio::task;

use super::{
    SessionCell,
    state::{Call, ReceiverSlot, State},
};
use crate::{Receiver, SessionHandle, clock};

/// What an application's panic leaves in the place of the receiver that it should have made.
struct Nobody;

impl SessionCell {
    /// Has the application make its receiver; from here on events flow.
    pub(crate) fn start(
        self: &Arc<Self>,
        open: impl FnOnce(SessionHandle) -> Box<dyn Receiver>,
    ) -> Result<(), OpenPanicked> {
        let handle = SessionHandle::new(Arc::clone(self));
        let opened = panic::catch_unwind(AssertUnwindSafe(|| open(handle)));
        let panicked = opened.is_err();
        let mut state = self.lock();
        state.receiver = ReceiverSlot::Idle(opened.unwrap_or_else(|_| Box::new(Nobody)));
        if panicked {
            self.abandon(&mut state);
        }
        self.settle(state);
        if panicked { Err(OpenPanicked) } else { Ok(()) }
    }

    /// Hands events on in order, without the lock, until there are none or the turn is over. Then a
    /// task goes on, and nobody else calls the receiver before.
    pub(super) fn deliver<'a>(
        self: &'a Arc<Self>,
        mut receiver: Box<dyn Receiver>,
        mut state: MutexGuard<'a, State>,
    ) -> MutexGuard<'a, State> {
        for _ in 0..TURN {
            let Some(call) = state.next_call() else {
                return self.put_back(receiver, state);
            };
            drop(state);
            if let Call::Closed(reason) = call {
                self.deliver_end(receiver, reason);
                state = self.lock();
                state.receiver = ReceiverSlot::Gone;
                return state;
            }
            let made = panic::catch_unwind(AssertUnwindSafe(|| call.make(&mut *receiver)));
            state = self.lock();
            if made.is_err() {
                self.abandon(&mut state);
            }
        }
        if state.events.is_empty() {
            return self.put_back(receiver, state);
        }
        state.receiver = ReceiverSlot::Resting(receiver);
        self.engine.spawn(Arc::clone(self).go_on());
        state
    }

    /// The next turn, after everybody else's.
    async fn go_on(self: Arc<Self>) {
        task::yield_now().await;
        let mut state = self.lock();
        state.end_rest();
        self.settle(state);
    }

    /// There is nothing to hand on.
    fn put_back<'a>(
        &self,
        receiver: Box<dyn Receiver>,
        mut state: MutexGuard<'a, State>,
    ) -> MutexGuard<'a, State> {
        state.receiver = ReceiverSlot::Idle(receiver);
        // A burst's memory is not kept by a session that then idles.
        if state.events.capacity() > KEPT {
            state.events = VecDeque::new();
        }
        self.wake_reader(&mut state);
        state
    }

    /// The last call. The receiver goes inside of it, as its own end may panic, too.
    fn deliver_end(self: &Arc<Self>, mut receiver: Box<dyn Receiver>, reason: CloseReason) {
        let _ = panic::catch_unwind(AssertUnwindSafe(move || receiver.closed(reason)));
        self.engine.forget(&self.sid, reason);
        self.changed.notify_waiters();
    }

    /// Ends the session of an application that has panicked; an end that is on its way stands.
    fn abandon(&self, state: &mut State) {
        state
            .events
            .retain(|event| matches!(event, Event::Closed(_)));
        state
            .session
            .abort(clock::now(), CloseReason::ApplicationPanic);
        self.drain_outputs(state);
    }
}

/// The application panicked instead of making a receiver.
#[derive(Debug)]
pub(crate) struct OpenPanicked;

impl Receiver for Nobody {
    fn message(&mut self, _: Data) {}

    fn closed(&mut self, _: CloseReason) {}
}

/// Calls of the receiver in one turn.
pub(super) const TURN: usize = 64;

/// Events whose place is kept while nothing happens.
const KEPT: usize = 4;
