//! The machine of one client, from its handshake to its end.
//!
//! [`Session`] is all there is to see: this file has its parts, its dispatch and its clock. Each
//! rule lives in the file of its name.

mod close;
mod event;
pub(crate) mod fuzzing;
mod heartbeat;
mod ids;
mod opening;
mod options;
mod outbox;
mod polling;
mod reason;
mod transmit;
mod upgrade;
mod websocket;
mod wire;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Instant};

use bytes::Bytes;

use self::{
    close::{Farewell, Phase},
    heartbeat::{Heartbeat, Verdict},
    opening::Opening,
    outbox::Outbox,
    polling::Polling,
    websocket::Socket,
    wire::PONG,
};
use crate::{
    BinaryFrames, Config, Entry, ExistingKind, Handshake, OpenRequest, Packet, Prepared,
    RequestError, SendError, ShortQueue, Sid, Transport, Version,
};

pub use self::{
    event::{Event, Frame, Output, PostBody},
    ids::{PollId, PostTicket, WebSocketId},
    options::{ConflationKey, SendOptions, SendOutcome, SlowConsumer},
    reason::{CloseCode, CloseReason},
    transmit::Transmit,
};

/// One Engine.IO session, revision 3 or 4, on whatever transport it is at the moment.
///
/// # Contract
///
/// - Everything that happens comes in by a `handle_*` call with the time at which it happened;
///   time never goes backwards.
/// - After every call, drain [`Session::poll_output`] until it returns `None`. Outputs are in
///   order, and nothing follows [`Event::Closed`], which comes exactly once.
/// - Then write what [`Session::poll_transmit`] gives, reporting with [`Session::transmitted`],
///   until it gives nothing or the socket takes nothing; outputs may follow from that, too.
/// - Then wait for exactly one of: the next input, room in the socket (while something waits), or
///   [`Session::poll_timeout`], and at that instant call [`Session::handle_timeout`].
/// - [`Session::send`] and [`Session::close`] only queue. A driver may collect any number of them
///   before it drains and writes once.
///
/// What is queued is bounded by [`Limits::max_queued_bytes`](crate::Limits::max_queued_bytes) and
/// [`Limits::max_queued_packets`](crate::Limits::max_queued_packets); an empty queue takes one
/// entry of any size. An idle session holds no buffer.
///
/// A driver that was stopped, so that it looks at a deadline more than a tenth of a second late,
/// does not make the client pay: the client gets a full ping timeout from then on.
///
/// The crate's front page has the canonical driver loop.
pub struct Session {
    config: Arc<Config>,
    sid: Sid,
    version: Version,
    phase: Phase,
    link: Link,
    heartbeat: Heartbeat,
    /// A policy of its own, which few sessions have; without one it is the server's.
    slow_consumer: Option<Box<SlowConsumer>>,
    outbox: Outbox,
    outputs: ShortQueue<Output>,
}

/// How the session reaches its client.
enum Link {
    /// Born by WebSocket, which has not come yet; with the open packet for it.
    Awaited(Packet),
    /// Polling, perhaps with an upgrade on its way.
    Polling(Box<Polling>),
    /// WebSocket.
    WebSocket(Socket),
    /// Not at all: the session has ended.
    Gone {
        transport: Transport,
        between_frames: bool,
    },
}

impl Session {
    /// Opens the session that a handshake asks for.
    ///
    /// The driver then feeds the handshake's own request: [`Session::handle_poll`] or
    /// [`Session::handle_websocket`].
    pub fn open(now: Instant, request: &OpenRequest, sid: Sid, config: Arc<Config>) -> Self {
        let version = request.version();
        let open = Handshake::new(&sid, request.transport(), &config).packet();
        let initial = request.initial().cloned();
        let mut outbox = Outbox::default();
        let link = match request.transport() {
            Transport::Polling => {
                let opening = Opening { open, initial };
                Link::Polling(Box::new(Polling::new(request.encoding().clone(), opening)))
            }
            Transport::WebSocket => {
                if let Some(data) = initial {
                    outbox.push_first(&Prepared::new(data));
                }
                Link::Awaited(open)
            }
        };
        Self {
            heartbeat: Heartbeat::start(now, version, &config),
            slow_consumer: None,
            config,
            sid,
            version,
            phase: Phase::Open,
            link,
            outbox,
            outputs: ShortQueue::default(),
        }
    }

    /// Sets what happens to messages that have no policy of their own and find the queue full; before
    /// that it is the server's [`Config::slow_consumer`]. What waits already keeps its own.
    pub fn set_slow_consumer(&mut self, policy: SlowConsumer) {
        self.slow_consumer = Some(Box::new(policy));
    }

    /// Queues a message with its attachments.
    ///
    /// # Errors
    ///
    /// As [`Session::send_prepared`].
    pub fn send(
        &mut self,
        now: Instant,
        entry: Entry,
        options: SendOptions,
    ) -> Result<SendOutcome, SendError> {
        self.send_prepared(now, &Prepared::new(entry), options)
    }

    /// Queues a message that was encoded once for many sessions: costs a reference count.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] if the session has ended or is ending. [`SendError::QueueFull`] if
    /// there is no room and the policy is [`SlowConsumer::Disconnect`]: the session has ended.
    /// [`SendError::Separator`] for a text with U+001E while revision 4 polls.
    pub fn send_prepared(
        &mut self,
        now: Instant,
        message: &Prepared,
        options: SendOptions,
    ) -> Result<SendOutcome, SendError> {
        if !matches!(self.phase, Phase::Open) {
            return Err(SendError::Closed);
        }
        if self.version == Version::V4 && self.is_polling() && message.has_separator() {
            return Err(SendError::Separator);
        }
        let policy = options.policy(self.slow_consumer());
        if policy == SlowConsumer::Volatile && !self.is_writable() {
            return Ok(SendOutcome::Dropped);
        }
        let base64 = self.takes_base64().then(|| message.in_base64());
        let message = base64.as_ref().unwrap_or(message);
        match self.outbox.push(message, policy, &self.config.limits) {
            Ok(outcome) => {
                self.queued(now);
                Ok(outcome)
            }
            Err(outbox::Full) => {
                self.end(CloseReason::SlowConsumer, Farewell::Close);
                Err(SendError::QueueFull)
            }
        }
    }

    /// The deadline that [`Session::poll_timeout`] named has come. Harmless at any other time.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.phase {
            Phase::Open => self.check_heartbeat(now),
            Phase::Closing { until, reason } if until <= now => self.end(reason, Farewell::Close),
            _ => {}
        }
        self.check_upgrade(now);
        self.check_write(now);
    }

    /// The driver stops reading from this client: its silence says nothing until
    /// [`Session::resume`], for [`Limits::max_pause`](crate::Limits::max_pause) at most.
    pub fn pause(&mut self, now: Instant) {
        self.heartbeat.pause(now, &self.config);
    }

    /// The driver reads again; the client has a full ping timeout from now on.
    pub fn resume(&mut self, now: Instant) {
        self.heartbeat.resume(now, &self.config);
    }

    /// What the driver has to do next; `None` when there is nothing.
    #[must_use]
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front().or_else(|| self.answer_poll())
    }

    /// When [`Session::handle_timeout`] has to be called; none once the session has ended.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let life = match self.phase {
            Phase::Open => self.heartbeat.deadline(),
            Phase::Closing { until, .. } => until,
            Phase::Closed => return None,
        };
        let upgrade = match &self.link {
            Link::Polling(polling) => polling.upgrade.deadline(),
            _ => None,
        };
        [Some(life), upgrade, self.write_deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether a request of this kind fits the session; consumes nothing (EIO4 2.2).
    ///
    /// # Errors
    ///
    /// [`RequestError::SessionIdUnknown`] if the session has ended, [`RequestError::BadRequest`]
    /// for another revision or transport, [`RequestError::MethodNotAllowed`] for another method.
    pub fn check(&self, version: Option<Version>, kind: &ExistingKind) -> Result<(), RequestError> {
        // Clients whose handshake could go without EIO go on without it.
        let version = version.or_else(|| self.config.legacy_eio.then_some(Version::V3));
        match kind {
            _ if self.is_closed() => Err(RequestError::SessionIdUnknown),
            ExistingKind::OtherMethod => Err(RequestError::MethodNotAllowed),
            _ if version != Some(self.version) => Err(RequestError::BadRequest),
            ExistingKind::Poll | ExistingKind::Post(_) if !self.is_polling() => {
                Err(RequestError::BadRequest)
            }
            ExistingKind::WebSocket(_) if self.is_polling() && !self.config.may_upgrade() => {
                Err(RequestError::BadRequest)
            }
            ExistingKind::Mismatch => Err(RequestError::BadRequest),
            _ => Ok(()),
        }
    }

    /// The session's id.
    pub fn sid(&self) -> &Sid {
        &self.sid
    }

    /// The revision fixed by the handshake.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The transport of this moment; after the end, the last one.
    pub fn transport(&self) -> Transport {
        match &self.link {
            Link::Polling(_) => Transport::Polling,
            Link::Awaited(_) | Link::WebSocket(_) => Transport::WebSocket,
            Link::Gone { transport, .. } => *transport,
        }
    }

    /// Bytes that wait to be sent, counted by whole entries.
    pub fn queued_bytes(&self) -> usize {
        self.outbox.bytes()
    }

    /// Packets that wait to be sent, attachments included.
    pub fn queued_packets(&self) -> usize {
        self.outbox.packets()
    }

    /// True while more than half of the room for bytes or packets is taken: the client is slow.
    pub fn above_high_water(&self) -> bool {
        self.is_above(2)
    }

    /// True while more than a quarter of the room for bytes or packets is taken: whoever waits
    /// for room should go on waiting.
    pub fn above_low_water(&self) -> bool {
        self.is_above(4)
    }

    /// True while JSON must be sent in ASCII (EIO3 3.6): see [`PollEncoding::needs_ascii_json`].
    ///
    /// [`PollEncoding::needs_ascii_json`]: crate::PollEncoding::needs_ascii_json
    pub fn needs_ascii_json(&self) -> bool {
        matches!(&self.link, Link::Polling(polling) if polling.encoding.needs_ascii_json())
    }

    /// True once the session has ended; a session that is being closed has not.
    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    /// One packet on the transport that the session uses.
    fn handle_packet(&mut self, now: Instant, packet: Packet) {
        match (packet, self.version) {
            // A client that has said so takes nothing of what it is still to get.
            (Packet::Close, _) => self.end(CloseReason::TransportClose, Farewell::Noop),
            _ if self.is_closing() => {}
            (Packet::Message(data), _) => {
                self.heartbeat.traffic_arrived(now, &self.config);
                self.outputs.push_back(Output::Event(Event::Message(data)));
            }
            (Packet::Ping(_), Version::V3) => {
                self.heartbeat.ping_arrived(now, &self.config);
                self.outbox.rest();
                self.send_pong(now);
            }
            // In revision 4 only the server asks (EIO4 2.6).
            (Packet::Ping(_), Version::V4) => {
                self.end(CloseReason::TransportError, Farewell::Close)
            }
            (Packet::Pong(_), Version::V4) => {
                self.heartbeat.pong_arrived(now, &self.config);
                self.outbox.rest();
            }
            // Without meaning here, and tolerated by every known server (EIO4 2.5).
            (Packet::Pong(_), Version::V3)
            | (Packet::Open(_) | Packet::Upgrade | Packet::Noop, _) => {
                self.heartbeat.traffic_arrived(now, &self.config);
            }
        }
    }

    fn send_ping(&mut self, now: Instant) {
        match &mut self.link {
            Link::Polling(polling) => polling.push_ping(),
            Link::WebSocket(socket) => socket.wire.push_ping(),
            Link::Awaited(_) | Link::Gone { .. } => {}
        }
        self.queued(now);
    }

    fn send_pong(&mut self, now: Instant) {
        match &mut self.link {
            Link::Polling(polling) => polling.push_pong(),
            Link::WebSocket(socket) => socket.wire.push(Bytes::from_static(PONG)),
            Link::Awaited(_) | Link::Gone { .. } => {}
        }
        self.queued(now);
    }

    /// Deadlines hold for requests, too, however late the driver's timer is.
    fn look_at_clock(&mut self, now: Instant) -> Result<(), RequestError> {
        if self.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.handle_timeout(now);
        }
        if self.is_closed() {
            Err(RequestError::SessionIdUnknown)
        } else {
            Ok(())
        }
    }

    fn check_heartbeat(&mut self, now: Instant) {
        match self.heartbeat.check(now, &self.config) {
            Verdict::Alive => {}
            Verdict::Ping => self.send_ping(now),
            Verdict::Dead => self.end(CloseReason::PingTimeout, Farewell::Close),
        }
    }

    /// Whether something sent now would leave now.
    fn is_writable(&self) -> bool {
        let ready = match &self.link {
            Link::Polling(polling) => polling.parked.is_some(),
            Link::WebSocket(socket) => socket.wire.is_empty(),
            Link::Awaited(_) | Link::Gone { .. } => false,
        };
        ready && self.outbox.is_empty()
    }

    /// Whether binary messages have to be text on this WebSocket.
    fn takes_base64(&self) -> bool {
        matches!(&self.link, Link::WebSocket(socket) if socket.wire.binary() == BinaryFrames::Base64)
    }

    fn slow_consumer(&self) -> SlowConsumer {
        match &self.slow_consumer {
            Some(own) => **own,
            None => self.config.slow_consumer,
        }
    }

    fn is_polling(&self) -> bool {
        matches!(self.link, Link::Polling(_))
    }

    fn is_closing(&self) -> bool {
        matches!(self.phase, Phase::Closing { .. })
    }

    fn is_above(&self, part: usize) -> bool {
        let limits = &self.config.limits;
        self.outbox.bytes() > limits.max_queued_bytes / part
            || self.outbox.packets() > limits.max_queued_packets / part
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("sid", &self.sid)
            .field("version", &self.version)
            .field("transport", &self.transport())
            .field("queued_bytes", &self.queued_bytes())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
