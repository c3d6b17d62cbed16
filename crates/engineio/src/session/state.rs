//! What the lock of a session guards: the machine, its transports, and what waits for the receiver.
//!
//! Does one step at a time; who takes the steps, and when the lock is let go, is the cell's.

use std::{collections::VecDeque, mem, sync::Arc};

use engineio_proto::{CloseCode, CloseReason, Event, Payload, PollId, Session, WebSocketId};
use tokio::sync::oneshot;

use crate::{
    Receiver, clock,
    signal::Signal,
    timer::Tick,
    websocket::{Progress, Writer},
};

pub(super) struct State {
    pub(super) session: Session,
    pub(super) poll: Option<(PollId, oneshot::Sender<Payload>)>,
    pub(super) socket: Option<Socket>,
    /// WebSockets that the machine has closed, each until its task has looked.
    closed: Vec<Farewell>,
    pub(super) events: VecDeque<Event>,
    pub(super) receiver: ReceiverSlot,
    /// Whether the receiver was last told that the queue is high.
    water: Water,
    /// The session stands on a dirty list, once.
    pub(super) listed: bool,
    pub(super) paused: bool,
    /// Somebody has more to read, once this is allowed.
    pub(super) reader_waits: bool,
    /// Somebody waits for the queue to be low.
    pub(super) sender_waits: bool,
    pub(super) armed: Option<Tick>,
    next_id: u64,
}

/// The write side of the WebSocket that the machine transmits on.
pub(super) struct Socket {
    pub(super) id: WebSocketId,
    pub(super) writer: Writer,
    /// Wakes its task: a backlog, the end, reading may go on.
    pub(super) signal: Arc<Signal>,
    /// The task knows that bytes wait and watches for room.
    pub(super) watched: bool,
}

/// How a WebSocket ends that the machine has closed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Farewell {
    id: WebSocketId,
    pub(crate) code: CloseCode,
    /// False if a data frame is half written, so that a close frame would land inside it.
    pub(crate) between_frames: bool,
}

/// Who calls the receiver: one caller at a time.
pub(super) enum ReceiverSlot {
    Idle(Box<dyn Receiver>),
    Busy,
    /// It has had its turn, and the session's task goes on with it after others have had theirs.
    Resting(Box<dyn Receiver>),
    Gone,
}

/// One call of the receiver.
pub(super) enum Call {
    Message(engineio_proto::Data),
    Upgraded,
    HighWater,
    LowWater,
    Closed(CloseReason),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Water {
    Low,
    High,
}

impl State {
    /// A session whose receiver is still being made: nothing is delivered yet.
    pub(super) fn new(session: Session) -> Self {
        Self {
            session,
            poll: None,
            socket: None,
            closed: Vec::new(),
            events: VecDeque::new(),
            receiver: ReceiverSlot::Busy,
            water: Water::Low,
            listed: false,
            paused: false,
            reader_waits: false,
            sender_waits: false,
            armed: None,
            next_id: 0,
        }
    }

    pub(super) fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// A reply for a poll whose client has gone meanwhile is dropped with its channel.
    pub(super) fn reply(&mut self, id: PollId, payload: Payload) {
        if let Some((_, reply)) = self.poll.take_if(|(parked, _)| *parked == id) {
            let _ = reply.send(payload);
        }
    }

    /// Leaves word for the task of this WebSocket, which may not have it yet.
    pub(super) fn close_socket(&mut self, id: WebSocketId, code: CloseCode) {
        self.closed.push(Farewell {
            id,
            code,
            between_frames: self.session.between_frames(),
        });
        self.drop_socket(id);
    }

    /// Lets go of a WebSocket; its task looks why.
    pub(super) fn drop_socket(&mut self, id: WebSocketId) -> bool {
        let socket = self.socket.take_if(|socket| socket.id == id);
        if let Some(socket) = &socket {
            socket.signal.tell();
        }
        socket.is_some()
    }

    /// How this WebSocket ends, if the machine has closed it; told once.
    pub(super) fn take_farewell(&mut self, id: WebSocketId) -> Option<Farewell> {
        let place = self.closed.iter().position(|farewell| farewell.id == id)?;
        Some(self.closed.swap_remove(place))
    }

    /// Nothing more is read while the receiver has not seen what was read before.
    pub(super) fn may_read(&self) -> bool {
        !self.paused && self.events.is_empty()
    }

    /// Writes once. A socket that fails is closed in the machine, which then has nothing to write.
    pub(super) fn transmit(&mut self) -> Progress {
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
                self.drop_socket(id);
                Progress::Wrote
            }
        }
    }

    /// The receiver, if there is something to tell it and nobody else is doing so.
    pub(super) fn take_receiver(&mut self) -> Option<Box<dyn Receiver>> {
        if self.events.is_empty() && self.turn() == self.water {
            return None;
        }
        match mem::replace(&mut self.receiver, ReceiverSlot::Busy) {
            ReceiverSlot::Idle(receiver) => Some(receiver),
            other => {
                self.receiver = other;
                None
            }
        }
    }

    /// The receiver may be called again.
    pub(super) fn end_rest(&mut self) {
        self.receiver = match mem::replace(&mut self.receiver, ReceiverSlot::Gone) {
            ReceiverSlot::Resting(receiver) => ReceiverSlot::Idle(receiver),
            other => other,
        };
    }

    /// What the receiver has to be told next.
    pub(super) fn next_call(&mut self) -> Option<Call> {
        if let Some(event) = self.events.pop_front() {
            return Some(event.into());
        }
        let turn = self.turn();
        if turn == self.water {
            return None;
        }
        self.water = turn;
        Some(match turn {
            Water::Low => Call::LowWater,
            Water::High => Call::HighWater,
        })
    }

    /// The two marks lie apart, so that a queue between them tells nothing.
    fn turn(&self) -> Water {
        match self.water {
            Water::Low if self.session.above_high_water() => Water::High,
            Water::High if !self.session.above_low_water() => Water::Low,
            same => same,
        }
    }
}

impl Call {
    pub(super) fn make(self, receiver: &mut dyn Receiver) {
        match self {
            Self::Message(data) => receiver.message(data),
            Self::Upgraded => receiver.upgraded(),
            Self::HighWater => receiver.high_water(),
            Self::LowWater => receiver.low_water(),
            Self::Closed(reason) => receiver.closed(reason),
        }
    }
}

impl From<Event> for Call {
    fn from(event: Event) -> Self {
        match event {
            Event::Message(data) => Self::Message(data),
            Event::Upgraded => Self::Upgraded,
            Event::Closed(reason) => Self::Closed(reason),
        }
    }
}

/// Bytes offered to one vectored write.
const BUDGET: usize = 64 * 1024;
