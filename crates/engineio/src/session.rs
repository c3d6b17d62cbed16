//! One session in the driver: the protocol machine behind one short lock.
//!
//! No task owns a session. Whoever has something for it (a request, a frame, the timer, a send) locks
//! the cell, feeds the machine, does what the machine asks for and unlocks. Under the lock there is
//! no `.await` and no call into the application; the only system call is a non-blocking write.

use std::{
    collections::VecDeque,
    mem,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use bytes::{Bytes, BytesMut};
use engineio_proto::{
    CloseCode, CloseReason, Event, ExistingKind, Output, Payload, PollId, Prepared, RequestError,
    SendError, SendOptions, SendOutcome, Session, Sid, Version, WebSocketId,
};
use tokio::sync::{Notify, oneshot};

use crate::{
    Handshake, Receiver, clock,
    engine::Engine,
    timer::Tick,
    websocket::{Progress, Writer},
};

/// A session and everything that belongs to its transports.
pub(crate) struct SessionCell {
    sid: Sid,
    version: Version,
    engine: Arc<Engine>,
    handshake: Handshake,
    /// Wakes the task of the session's WebSocket: a backlog, a close, a resume.
    pub(crate) signal: Notify,
    /// Wakes whoever waits for room in the queue or for reading to go on.
    pub(crate) changed: Notify,
    paused: AtomicBool,
    state: Mutex<State>,
}

struct State {
    session: Session,
    poll: Option<(PollId, oneshot::Sender<Payload>)>,
    socket: Option<Socket>,
    /// WebSockets that the machine refused before their task had them.
    refused: Vec<(WebSocketId, CloseCode)>,
    events: VecDeque<Event>,
    receiver: ReceiverSlot,
    /// The session stands on a dirty list, once.
    listed: bool,
    armed: Option<Tick>,
    next_id: u64,
}

/// The write side of the WebSocket that the machine transmits on.
struct Socket {
    id: WebSocketId,
    writer: Writer,
    close: Option<CloseCode>,
    /// The task knows that bytes wait and watches for room.
    watched: bool,
}

/// Who calls the receiver: one caller at a time.
enum ReceiverSlot {
    Idle(Box<dyn Receiver>),
    Busy,
    Gone,
}

/// What the task of a WebSocket is told when it looks.
pub(crate) enum Errand {
    /// Go on, knowing what came of the last write.
    Serve(Progress),
    /// End, with a close frame unless a data frame is half written.
    Close {
        code: CloseCode,
        between_frames: bool,
    },
    /// The session has let go of this WebSocket.
    Drop,
}

impl SessionCell {
    /// A session whose receiver is still being made: nothing is delivered yet.
    pub(crate) fn new(session: Session, handshake: Handshake, engine: Arc<Engine>) -> Arc<Self> {
        Arc::new(Self {
            sid: session.sid().clone(),
            version: session.version(),
            engine,
            handshake,
            signal: Notify::new(),
            changed: Notify::new(),
            paused: AtomicBool::new(false),
            state: Mutex::new(State {
                session,
                poll: None,
                socket: None,
                refused: Vec::new(),
                events: VecDeque::new(),
                receiver: ReceiverSlot::Busy,
                listed: false,
                armed: None,
                next_id: 0,
            }),
        })
    }

    /// Puts the receiver in place; from here on events flow.
    pub(crate) fn start(self: &Arc<Self>, receiver: Box<dyn Receiver>) {
        let mut state = self.lock();
        state.receiver = ReceiverSlot::Idle(receiver);
        self.settle(state);
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
    pub(crate) fn announce_websocket(self: &Arc<Self>) -> Result<WebSocketId, RequestError> {
        let mut state = self.lock();
        let id = WebSocketId::new(state.fresh_id());
        let accepted = state.session.handle_websocket(clock::now(), id);
        self.settle(state);
        accepted.map(|()| id)
    }

    /// Gives the machine's WebSocket its write side; refused if the machine has closed it already.
    pub(crate) fn attach(
        self: &Arc<Self>,
        id: WebSocketId,
        writer: Writer,
    ) -> Result<(), CloseCode> {
        let mut state = self.lock();
        if let Some(place) = state.refused.iter().position(|(refused, _)| *refused == id) {
            let (_, code) = state.refused.swap_remove(place);
            return Err(code);
        }
        state.socket = Some(Socket {
            id,
            writer,
            close: None,
            watched: false,
        });
        self.settle(state);
        Ok(())
    }

    /// The WebSocket is gone. True if no data frame of ours was half written.
    pub(crate) fn websocket_closed(self: &Arc<Self>, id: WebSocketId) -> bool {
        self.end_websocket(id, Session::handle_websocket_closed)
    }

    /// The client broke the WebSocket protocol. True if no data frame of ours was half written.
    pub(crate) fn websocket_failed(self: &Arc<Self>, id: WebSocketId) -> bool {
        self.end_websocket(id, Session::handle_websocket_error)
    }

    fn end_websocket(
        self: &Arc<Self>,
        id: WebSocketId,
        end: impl FnOnce(&mut Session, Instant, WebSocketId),
    ) -> bool {
        let mut state = self.lock();
        state.refused.retain(|(refused, _)| *refused != id);
        let attached = state.socket.take_if(|socket| socket.id == id).is_some();
        let between_frames = attached && state.session.between_frames();
        end(&mut state.session, clock::now(), id);
        self.settle(state);
        between_frames
    }

    /// What the task of this WebSocket has to do, after writing what can be written.
    pub(crate) fn errand(self: &Arc<Self>, id: WebSocketId) -> Errand {
        let mut state = self.lock();
        let progress = self.work(&mut state);
        let between_frames = state.session.between_frames();
        let errand = match &mut state.socket {
            Some(socket) if socket.id == id => {
                socket.watched = progress == Progress::Blocked;
                match socket.close {
                    Some(code) => Errand::Close {
                        code,
                        between_frames,
                    },
                    None => Errand::Serve(progress),
                }
            }
            _ => Errand::Drop,
        };
        if matches!(errand, Errand::Close { .. }) {
            state.socket = None;
        }
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
        self.paused.store(true, Ordering::Release);
        self.feed(Session::pause);
    }

    /// Reads from the client again.
    pub(crate) fn resume(self: &Arc<Self>) {
        self.paused.store(false, Ordering::Release);
        self.feed(Session::resume);
        self.signal.notify_one();
        self.changed.notify_waiters();
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    /// Waits while reading is paused.
    pub(crate) async fn read_on(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if !self.is_paused() || self.look(|session| session.is_closed()) {
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
            if state.events.is_empty() {
                break;
            }
            let ReceiverSlot::Idle(receiver) =
                mem::replace(&mut state.receiver, ReceiverSlot::Busy)
            else {
                break;
            };
            state = self.deliver(receiver, state);
        }
        self.rearm(&mut state);
    }

    /// Hands events on in order, without the lock, until there are none.
    fn deliver<'a>(
        self: &'a Arc<Self>,
        mut receiver: Box<dyn Receiver>,
        mut state: MutexGuard<'a, State>,
    ) -> MutexGuard<'a, State> {
        while let Some(event) = state.events.pop_front() {
            drop(state);
            let last = matches!(event, Event::Closed(_));
            let call = panic::catch_unwind(AssertUnwindSafe(|| hand_on(&mut *receiver, event)));
            if last {
                self.engine.forget(&self.sid);
                drop(receiver);
                self.changed.notify_waiters();
                state = self.lock();
                state.receiver = ReceiverSlot::Gone;
                return state;
            }
            state = self.lock();
            if call.is_err() {
                // Only this session pays for the application's panic; `Closed` still comes.
                state.events.clear();
                state
                    .session
                    .abort(clock::now(), CloseReason::ApplicationPanic);
                self.drain_outputs(&mut state);
            }
        }
        state.receiver = ReceiverSlot::Idle(receiver);
        state
    }

    /// Drains outputs and writes until both are done or the socket is full.
    fn work(self: &Arc<Self>, state: &mut State) -> Progress {
        let full = state.session.above_low_water();
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
            self.signal.notify_one();
        }
        if full && !state.session.above_low_water() {
            self.changed.notify_waiters();
        }
        progress
    }

    fn drain_outputs(&self, state: &mut State) {
        while let Some(output) = state.session.poll_output() {
            match output {
                Output::PollReply { id, payload } => state.reply(id, payload),
                Output::CloseWebSocket { id, code } => {
                    state.close_socket(id, code);
                    self.signal.notify_one();
                }
                Output::Event(event) => state.events.push_back(event),
            }
        }
    }

    fn rearm(self: &Arc<Self>, state: &mut State) {
        let Some(deadline) = state.session.poll_timeout() else {
            return;
        };
        let tick = self.engine.timer().tick(deadline);
        if state.armed.is_none_or(|armed| tick < armed) {
            state.armed = Some(tick);
            self.engine.timer().arm(tick, self);
        }
    }

    /// A panic of the application never happens under this lock, so a poisoned state is whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hand_on(receiver: &mut dyn Receiver, event: Event) {
    match event {
        Event::Message(data) => receiver.message(data),
        Event::Upgraded => receiver.upgraded(),
        Event::Closed(reason) => receiver.closed(reason),
    }
}

impl State {
    fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// A reply for a poll whose client has gone meanwhile is dropped with its channel.
    fn reply(&mut self, id: PollId, payload: Payload) {
        if let Some((_, reply)) = self.poll.take_if(|(parked, _)| *parked == id) {
            let _ = reply.send(payload);
        }
    }

    fn close_socket(&mut self, id: WebSocketId, code: CloseCode) {
        match &mut self.socket {
            Some(socket) if socket.id == id => socket.close = Some(code),
            _ => self.refused.push((id, code)),
        }
    }

    /// Writes once. A socket that fails is closed in the machine, which then has nothing to write.
    fn transmit(&mut self) -> Progress {
        let Some(socket) = &self.socket else {
            return Progress::Idle;
        };
        let id = socket.id;
        let Some(transmit) = self.session.poll_transmit(BUDGET) else {
            return Progress::Idle;
        };
        if transmit.id() != id {
            return Progress::Idle;
        }
        match socket.writer.try_write(&transmit) {
            Ok(0) => Progress::Blocked,
            Ok(written) => {
                self.session.transmitted(clock::now(), written);
                Progress::Wrote
            }
            Err(_) => {
                self.session.handle_websocket_closed(clock::now(), id);
                Progress::Wrote
            }
        }
    }
}

/// Bytes offered to one vectored write.
const BUDGET: usize = 64 * 1024;
