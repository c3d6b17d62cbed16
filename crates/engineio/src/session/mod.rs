//! One session in the driver: the protocol machine behind one short lock.
//!
//! No task owns a session. Whoever has something for it (a request, a frame, the timer, a send) locks
//! the cell, feeds the machine, does what the machine asks for and unlocks. Under the lock there is
//! no `.await` and no call into the application; the only system call is a non-blocking write.

mod delivery;
mod state;
#[cfg(test)]
mod tests;

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use bytes::{Bytes, BytesMut};
use engineio_proto::{
    BinaryFrames, CloseCode, CloseReason, Event, ExistingKind, Output, Payload, PollId, Prepared,
    RequestError, SendError, SendOptions, SendOutcome, Session, Sid, SlowConsumer, Version,
    WebSocketId,
};
use tokio::sync::{Notify, oneshot};

use self::state::{ReceiverSlot, Socket, State};
use crate::{
    Handshake, clock,
    engine::Engine,
    signal::Signal,
    timer::Tick,
    websocket::{Progress, Writer},
};

pub(crate) use self::{delivery::OpenPanicked, state::Farewell};

/// A session and everything that belongs to its transports.
pub(crate) struct SessionCell {
    sid: Sid,
    version: Version,
    engine: Arc<Engine>,
    handshake: Handshake,
    number: SessionNumber,
    /// Wakes whoever waits for room in the queue or for reading to go on.
    changed: Notify,
    state: Mutex<State>,
}

/// Counts the sessions of one service: names a session's entry in the timer and picks its flusher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SessionNumber(u64);

/// What the task of a WebSocket is told when it looks.
pub(crate) enum Errand {
    /// Go on, knowing what came of the last write.
    Serve {
        progress: Progress,
        reading: Reading,
    },
    /// The machine has closed this WebSocket.
    Close(Farewell),
    /// The session has let go of it.
    Drop,
}

/// Whether more may be read from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    On,
    Paused,
}

impl SessionNumber {
    pub(crate) const FIRST: Self = Self(0);

    pub(crate) const fn new(number: u64) -> Self {
        Self(number)
    }

    /// One of so many shards, which get the same number of sessions each.
    pub(crate) fn shard(self, shards: usize) -> usize {
        (self.0 % shards as u64) as usize
    }
}

impl SessionCell {
    /// A session whose receiver is still being made: nothing is delivered yet.
    pub(crate) fn new(session: Session, handshake: Handshake, engine: Arc<Engine>) -> Arc<Self> {
        Arc::new(Self {
            sid: session.sid().clone(),
            version: session.version(),
            number: engine.next_number(),
            engine,
            handshake,
            changed: Notify::new(),
            state: Mutex::new(State::new(session)),
        })
    }

    pub(crate) fn sid(&self) -> &Sid {
        &self.sid
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    pub(crate) fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    pub(crate) fn number(&self) -> SessionNumber {
        self.number
    }

    /// Asks the machine something that changes nothing.
    pub(crate) fn look<R>(&self, question: impl FnOnce(&Session) -> R) -> R {
        question(&self.lock().session)
    }

    /// This session, if a request of this kind fits it.
    pub(crate) fn check(
        self: Arc<Self>,
        version: Option<Version>,
        kind: &ExistingKind,
    ) -> Result<Arc<Self>, RequestError> {
        self.look(|session| session.check(version, kind))
            .map(|()| self)
    }

    /// Feeds one input and does everything that follows from it.
    pub(crate) fn feed<R>(self: &Arc<Self>, input: impl FnOnce(&mut Session, Instant) -> R) -> R {
        let mut state = self.lock();
        let result = input(&mut state.session, clock::now());
        self.settle(state);
        result
    }

    /// Parks a poll; the receiver gets its payload, or nothing if the session ends without one.
    pub(crate) fn park(
        self: &Arc<Self>,
    ) -> Result<(PollId, oneshot::Receiver<Payload>), RequestError> {
        let mut state = self.lock();
        let id = PollId::new(state.fresh_id());
        let (reply, payload) = oneshot::channel();
        let parked = state.session.handle_poll(clock::now(), id);
        if parked.is_ok() {
            state.poll = Some((id, reply));
        }
        self.settle(state);
        parked.map(|()| (id, payload))
    }

    /// Announces a WebSocket whose 101 is about to go out.
    pub(crate) fn announce_websocket(
        self: &Arc<Self>,
        binary: BinaryFrames,
    ) -> Result<WebSocketId, RequestError> {
        let mut state = self.lock();
        let id = WebSocketId::new(state.fresh_id());
        let accepted = state.session.handle_websocket(clock::now(), id, binary);
        self.settle(state);
        accepted.map(|()| id)
    }

    /// Gives the machine's WebSocket its write side, and its task the signal to wait for; refused
    /// if the machine has closed it already.
    pub(crate) fn attach(
        self: &Arc<Self>,
        id: WebSocketId,
        writer: Writer,
    ) -> Result<Arc<Signal>, Farewell> {
        let mut state = self.lock();
        if let Some(farewell) = state.take_farewell(id) {
            return Err(farewell);
        }
        let signal = Arc::new(Signal::default());
        state.socket = Some(Socket {
            id,
            writer,
            signal: Arc::clone(&signal),
            watched: false,
        });
        self.settle(state);
        Ok(signal)
    }

    /// The WebSocket is gone. True if no data frame of ours was half written.
    pub(crate) fn websocket_closed(self: &Arc<Self>, id: WebSocketId) -> bool {
        self.end_websocket(id, Session::handle_websocket_closed)
    }

    /// The client broke the WebSocket protocol, or a limit, as this code says. True if no data frame
    /// of ours was half written.
    pub(crate) fn websocket_failed(self: &Arc<Self>, id: WebSocketId, code: CloseCode) -> bool {
        self.end_websocket(id, |session, now, id| {
            session.handle_websocket_error(now, id, code);
        })
    }

    fn end_websocket(
        self: &Arc<Self>,
        id: WebSocketId,
        end: impl FnOnce(&mut Session, Instant, WebSocketId),
    ) -> bool {
        let mut state = self.lock();
        let told = state.take_farewell(id);
        let between_frames = match told {
            Some(farewell) => farewell.between_frames,
            None => state.drop_socket(id) && state.session.between_frames(),
        };
        end(&mut state.session, clock::now(), id);
        self.settle(state);
        between_frames
    }

    /// What the task of this WebSocket has to do, after writing what can be written.
    pub(crate) fn errand(self: &Arc<Self>, id: WebSocketId) -> Errand {
        let mut state = self.lock();
        let progress = self.work(&mut state);
        let reading = self.reading(&mut state);
        let errand = match state.take_farewell(id) {
            Some(farewell) => Errand::Close(farewell),
            None => match &mut state.socket {
                Some(socket) if socket.id == id => {
                    socket.watched = progress == Progress::Blocked;
                    Errand::Serve { progress, reading }
                }
                _ => Errand::Drop,
            },
        };
        self.settle(state);
        errand
    }

    /// Takes queued bytes for a task that writes them itself: for the machine they are written.
    pub(crate) fn take_queued(self: &Arc<Self>, id: WebSocketId, budget: usize) -> Bytes {
        let mut state = self.lock();
        let mut taken = BytesMut::new();
        if let Some(transmit) = state.session.poll_transmit(budget)
            && transmit.id() == id
        {
            transmit
                .slices()
                .for_each(|slice| taken.extend_from_slice(slice));
        }
        state.session.transmitted(clock::now(), taken.len());
        self.settle(state);
        taken.freeze()
    }

    pub(crate) fn set_slow_consumer(&self, policy: SlowConsumer) {
        self.lock().session.set_slow_consumer(policy);
    }

    /// Queues a message. The write happens later, once for everything queued until then.
    pub(crate) fn send(
        self: &Arc<Self>,
        message: &Prepared,
        options: SendOptions,
    ) -> Result<SendOutcome, SendError> {
        let mut state = self.lock();
        let outcome = state.session.send_prepared(clock::now(), message, options);
        self.mark_dirty(state);
        outcome
    }

    /// Ends the session: what is queued goes out first.
    pub(crate) fn close(self: &Arc<Self>, reason: CloseReason) {
        let mut state = self.lock();
        // Messages that the application has not seen by now come after its decision to end.
        state
            .events
            .retain(|event| !matches!(event, Event::Message(_)));
        state.session.close(clock::now(), reason);
        self.mark_dirty(state);
    }

    /// Called by the flusher for a session on its list.
    pub(crate) fn flush_dirty(self: &Arc<Self>) {
        let mut state = self.lock();
        state.listed = false;
        self.settle(state);
    }

    /// Called by the timer for an entry of this session.
    pub(crate) fn timer_fired(self: &Arc<Self>, tick: Tick) {
        let mut state = self.lock();
        if state.armed == Some(tick) {
            state.armed = None;
        }
        let now = clock::now();
        if state
            .session
            .poll_timeout()
            .is_some_and(|deadline| deadline <= now)
        {
            state.session.handle_timeout(now);
        }
        self.settle(state);
    }

    /// Stops reading from the client; what it has sent so far is still delivered. Its heartbeat
    /// stands still meanwhile, as its answers are not read.
    pub(crate) fn pause(self: &Arc<Self>) {
        let mut state = self.lock();
        state.paused = true;
        state.session.pause(clock::now());
        // Its task may be waiting for the next frame.
        if let Some(socket) = &state.socket {
            socket.signal.tell();
        }
        self.settle(state);
    }

    /// Reads from the client again.
    pub(crate) fn resume(self: &Arc<Self>) {
        let mut state = self.lock();
        state.paused = false;
        state.session.resume(clock::now());
        self.wake_reader(&mut state);
        self.settle(state);
    }

    /// Waits until more may be read from the client, or the session has ended.
    pub(crate) async fn may_read(&self) {
        self.until(|state| {
            let may = state.may_read() || state.session.is_closed();
            state.reader_waits |= !may;
            may
        })
        .await;
    }

    /// Waits until the queue is below its low water mark, or the session has ended.
    pub(crate) async fn writable(&self) {
        self.until(|state| {
            let may = !state.session.above_low_water() || state.session.is_closed();
            state.sender_waits |= !may;
            may
        })
        .await;
    }

    async fn until(&self, condition: impl Fn(&mut State) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if condition(&mut self.lock()) {
                return;
            }
            changed.await;
        }
    }

    /// Has what was queued written soon. Whoever delivers events writes when it is done with them.
    fn mark_dirty(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        let is_delivering = matches!(state.receiver, ReceiverSlot::Busy);
        if is_delivering || mem::replace(&mut state.listed, true) {
            return;
        }
        drop(state);
        self.engine.mark_dirty(Arc::clone(self));
    }

    /// Does what the machine asks for until it asks for nothing more, then lets go of the lock.
    fn settle<'a>(self: &'a Arc<Self>, mut state: MutexGuard<'a, State>) {
        loop {
            self.work(&mut state);
            let Some(receiver) = state.take_receiver() else {
                break;
            };
            state = self.deliver(receiver, state);
        }
        self.rearm(&mut state);
    }

    /// Drains outputs and writes until both are done or the socket is full.
    fn work(self: &Arc<Self>, state: &mut State) -> Progress {
        let progress = loop {
            self.drain_outputs(state);
            match state.transmit() {
                Progress::Wrote => {}
                other => break other,
            }
        };
        if progress == Progress::Blocked
            && let Some(socket) = &state.socket
            && !socket.watched
        {
            socket.signal.tell();
        }
        if state.sender_waits && !state.session.above_low_water() {
            state.sender_waits = false;
            self.changed.notify_waiters();
        }
        progress
    }

    fn drain_outputs(&self, state: &mut State) {
        while let Some(output) = state.session.poll_output() {
            match output {
                Output::PollReply { id, payload } => state.reply(id, payload),
                Output::CloseWebSocket { id, code } => state.close_socket(id, code),
                Output::Event(event) => {
                    self.count(&event, state);
                    state.events.push_back(event);
                }
            }
        }
    }

    fn count(&self, event: &Event, state: &State) {
        let counters = self.engine.counters();
        match event {
            Event::Message(_) => {}
            Event::Upgraded => counters.upgraded(self.version),
            Event::Closed(reason) => {
                counters.closed(self.version, state.session.transport(), *reason);
            }
        }
    }

    /// Whether the task of a WebSocket may read on; if not, it is woken once it may.
    fn reading(&self, state: &mut State) -> Reading {
        if state.may_read() {
            return Reading::On;
        }
        state.reader_waits = true;
        Reading::Paused
    }

    fn wake_reader(&self, state: &mut State) {
        if state.reader_waits && state.may_read() {
            state.reader_waits = false;
            self.changed.notify_waiters();
            if let Some(socket) = &state.socket {
                socket.signal.tell();
            }
        }
    }

    fn rearm(self: &Arc<Self>, state: &mut State) {
        let timer = self.engine.timer();
        let Some(deadline) = state.session.poll_timeout() else {
            if let Some(armed) = state.armed.take() {
                timer.disarm(self, armed);
            }
            return;
        };
        let tick = timer.tick(deadline);
        if state.armed.is_none_or(|armed| tick < armed) {
            timer.arm(self, state.armed.replace(tick), tick);
        }
    }

    /// A panic of the application never happens under this lock, so a poisoned state is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
