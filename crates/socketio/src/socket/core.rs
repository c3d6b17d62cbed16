//! A socket as the server keeps it, whatever the type of its state.

use std::{
    any::Any,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use engineio::proto::SendOptions;
use socketio_proto::{AckId, Address, Args, Audience};

use crate::{
    DisconnectReason, EmitError, EmitOutcome, Handshake, SocketId,
    ack::{Acks, Waiter},
    admission::Candidate,
    client::Client,
    deliver::{Deliverer, Work},
    inbox::{Flow, Inbox},
    link::Message,
    namespace::NamespaceCore,
    recovery::Place,
    stats::{Counters, Refused},
};

/// One client in one namespace.
///
/// Kept by its client and by its namespace while it is joined. What an application keeps of it
/// holds neither the client nor the session.
pub(crate) struct SocketCore {
    id: SocketId,
    namespace: Arc<NamespaceCore>,
    client: Weak<Client>,
    handshake: Handshake,
    state: Arc<dyn Any + Send + Sync>,
    /// Where it stands, if it may come back after its connection is lost.
    place: Option<Arc<Place>>,
    inbox: Mutex<Inbox<Work>>,
    acks: Mutex<Acks>,
    deliverer: Arc<Deliverer>,
}

impl SocketCore {
    pub(crate) fn new(
        candidate: &Candidate,
        client: &Arc<Client>,
        state: Arc<dyn Any + Send + Sync>,
        place: Option<Arc<Place>>,
    ) -> Arc<Self> {
        let settings = candidate.namespace.settings();
        Arc::new(Self {
            id: candidate.id.clone(),
            namespace: Arc::clone(&candidate.namespace),
            client: Arc::downgrade(client),
            handshake: candidate.handshake.clone(),
            state,
            place,
            inbox: Mutex::new(Inbox::new(settings.inbox)),
            acks: Mutex::new(Acks::new(settings.max_open_acks)),
            deliverer: Arc::clone(client.deliverer()),
        })
    }

    pub(crate) fn id(&self) -> &SocketId {
        &self.id
    }

    pub(crate) fn namespace(&self) -> &Arc<NamespaceCore> {
        &self.namespace
    }

    pub(crate) fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    pub(crate) fn state(&self) -> &Arc<dyn Any + Send + Sync> {
        &self.state
    }

    pub(crate) fn place(&self) -> Option<&Arc<Place>> {
        self.place.as_ref()
    }

    pub(crate) fn acks(&self) -> MutexGuard<'_, Acks> {
        self.acks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client, unless this socket's session has ended.
    pub(crate) fn client(&self) -> Result<Arc<Client>, EmitError> {
        self.client.upgrade().ok_or(EmitError::Gone)
    }

    /// Sends a message, if the socket is still joined.
    pub(crate) fn send(
        &self,
        message: &Message,
        options: SendOptions,
    ) -> Result<EmitOutcome, EmitError> {
        self.client()?.send(self, message, options)
    }

    /// The same for an event, which is counted.
    pub(crate) fn emit(
        &self,
        message: &Message,
        options: SendOptions,
    ) -> Result<EmitOutcome, EmitError> {
        let outcome = self.send(message, options);
        self.counters().emitted(&outcome);
        outcome
    }

    /// The same for an event that may come again if the client loses its connection and comes back.
    /// While it is away, the event waits for it.
    pub(crate) fn emit_recoverable(
        &self,
        name: &str,
        args: &Args,
        plain: Message,
        options: SendOptions,
    ) -> Result<EmitOutcome, EmitError> {
        if self.place.is_none() {
            return self.emit(&plain, options);
        }
        let outcome = if self.namespace.settings().is_recoverable(options) {
            self.record(name, args, plain, options)
        } else {
            self.send_unrecorded(name, args, plain, options)
        };
        self.counters().emitted(&outcome);
        outcome
    }

    fn record(
        &self,
        name: &str,
        args: &Args,
        plain: Message,
        options: SendOptions,
    ) -> Result<EmitOutcome, EmitError> {
        let client = self.client().ok();
        // Held until the event is queued: nothing follows the socket's DISCONNECT.
        let joined = client.as_ref().and_then(|client| client.joined(self));
        let mut memory = self.namespace.memory().ok_or(EmitError::Gone)?;
        if joined.is_none() && !memory.awaits(self) {
            return Err(EmitError::Gone);
        }
        let audience = Audience {
            to: vec![Address::Socket(self.id.shared())],
            except: Vec::new(),
        };
        let namespace = &self.namespace;
        let message = namespace.record(&mut memory, audience, name, args, plain)?;
        match joined {
            Some(joined) => joined.send(&message, options),
            None => Ok(EmitOutcome::Queued),
        }
    }

    fn send_unrecorded(
        &self,
        name: &str,
        args: &Args,
        plain: Message,
        options: SendOptions,
    ) -> Result<EmitOutcome, EmitError> {
        let message = self.namespace.unrecorded(name, args, plain)?;
        let client = self.client()?;
        let joined = client.joined(self).ok_or(EmitError::Gone)?;
        joined.send(&message, options)
    }

    /// Keeps who waits for an answer of the client.
    pub(crate) fn expect_ack(&self, id: AckId, waiter: Waiter) -> Result<(), EmitError> {
        let expected = self.acks().expect(id, waiter);
        if let Err(EmitError::TooManyAcks) = expected {
            self.counters().refused(Refused::TooManyAcks);
            tracing::debug!(socket = ?self, "too many answers are awaited");
        }
        expected
    }

    pub(crate) fn acknowledge(&self, id: AckId, args: &Args) -> Result<EmitOutcome, EmitError> {
        let message = self.namespace.answer(id, args)?;
        self.send(&message, SendOptions::never_dropped())
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.namespace.settings().counters
    }

    /// Puts work behind what waits.
    pub(crate) fn deliver(self: &Arc<Self>, work: Work) {
        self.push(work);
        self.deliverer.announce(Arc::clone(self));
    }

    /// The same for a caller who holds a lock, and has it begun when it is free.
    pub(crate) fn deliver_due(self: &Arc<Self>, work: Work) {
        self.push(work);
        self.deliverer.announce_due(Arc::clone(self));
    }

    fn push(&self, work: Work) {
        let (company, bytes) = (work.company(), work.bytes());
        let mut inbox = self.inbox();
        let flow = inbox.push(work, company, bytes);
        self.turn(flow);
    }

    /// The next work, if it may begin beside what is handled.
    pub(crate) fn begin_work(&self) -> Option<Work> {
        let most = self.namespace.behaviour().concurrency();
        let mut inbox = self.inbox();
        let (work, flow) = inbox.begin(most);
        self.turn(flow);
        work
    }

    /// A handler has done what it was given.
    pub(crate) fn end_work(&self) {
        self.inbox().end();
    }

    /// The socket has left its namespace: nobody reaches it any more, and its handlers learn it
    /// after what came before.
    pub(crate) fn left(self: Arc<Self>, reason: DisconnectReason) {
        self.namespace.remove(&self, reason);
        self.acks().close();
        self.counters().left(reason);
        tracing::debug!(socket = ?self, reason = reason.name(), "socket left");
        if reason.is_ours() {
            let mut inbox = self.inbox();
            let flow = inbox.clear();
            self.turn(flow);
        }
        let last = Arc::clone(&self);
        last.deliver(Work::Disconnected {
            reason,
            _socket: self,
        });
    }

    /// Takes the socket out of its namespace; the client is told.
    pub(crate) fn disconnect(&self) {
        self.end(DisconnectReason::ServerNamespaceDisconnect);
    }

    /// The same for a reason.
    pub(crate) fn end(&self, reason: DisconnectReason) {
        if let Ok(client) = self.client() {
            client.end(self, reason);
        }
        self.namespace.forget(self);
    }

    /// Ends the whole session. If it has been lost, nothing of it comes back in any namespace.
    pub(crate) fn close(&self) {
        if let Ok(client) = self.client() {
            client.close();
        }
        self.namespace.forget(self);
        if let Some(place) = &self.place {
            place.dismissal().give();
        }
    }

    /// Called under the inbox's lock, so that turns come in order.
    fn turn(&self, flow: Option<Flow>) {
        let Some(flow) = flow else {
            return;
        };
        if flow == Flow::Blocked {
            self.counters().refused(Refused::InboxFull);
            tracing::debug!(socket = ?self, "inbox full: the client is not read");
        }
        if let Some(client) = self.client.upgrade() {
            client.turn(flow);
        }
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox<Work>> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SocketCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("namespace", &self.namespace.name())
            .field("id", &self.id)
            .finish()
    }
}
