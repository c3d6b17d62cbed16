//! One session with all its sockets: the protocol machine behind one short lock.
//!
//! Under the lock the machine is fed, its outputs are drained, packets go into the session's queue
//! and events into inboxes; the code of the application never runs there. Lock order: this one,
//! then one of inbox, acks, a namespace's memory and then its rooms, and the engine's session last.

mod entrance;
mod sockets;

use std::{
    mem, ptr,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use engineio::{
    Receiver, SessionHandle,
    proto::{CloseReason, Data, Entry, SendOptions, Text, Version},
};
use futures_util::future::BoxFuture;
use socketio_proto::{Connection, Event, NamespaceName, Output, Violation};
use tokio::{task::AbortHandle, time::sleep_until};

pub(crate) use self::entrance::Entrance;
use self::sockets::Sockets;
use crate::{
    DisconnectReason, EmitError, EmitOutcome, Handshake, Refusal, SocketId,
    admission::{self, internal_error, unknown_namespace},
    clock::now,
    deliver::{Deliverer, Work},
    inbox::Flow,
    link::{Link, Message},
    observer::Happening,
    recovery::Dismissal,
    server::Shared,
    socket::SocketCore,
    stats::Refused,
};

/// A client over all its namespaces.
pub(crate) struct Client {
    server: Arc<Shared>,
    link: Link,
    handshake: Arc<engineio::Handshake>,
    state: Mutex<State>,
    deliverer: Arc<Deliverer>,
    /// For those of its sockets that may come back.
    dismissal: Arc<Dismissal>,
    /// How many of its sockets have a full inbox.
    blocked: Mutex<usize>,
}

struct State {
    connection: Connection,
    /// When its last message came.
    heard: Instant,
    sockets: Sockets,
    /// Questions to middleware that are asked once the lock is free.
    asked: Vec<BoxFuture<'static, ()>>,
    timer: Option<Timer>,
    /// For what the session is being ended.
    violation: Option<Violation>,
}

struct Timer {
    deadline: Instant,
    task: AbortHandle,
}

/// A socket that is joined, and stays so as long as this is held.
pub(crate) struct Joined<'a> {
    client: &'a Client,
    socket: &'a SocketCore,
    _state: MutexGuard<'a, State>,
}

/// The end of a client that the engine feeds.
struct Inlet(Arc<Client>);

impl Client {
    pub(crate) fn open(server: &Arc<Shared>, session: SessionHandle) -> impl Receiver + use<> {
        let protocol = session.version().into();
        let settings = Arc::clone(server.protocol());
        let client = Arc::new(Self {
            server: Arc::clone(server),
            handshake: Arc::new(session.handshake().clone()),
            link: Link::new(session),
            state: Mutex::new(State {
                connection: Connection::open(now(), protocol, settings),
                heard: now(),
                sockets: Sockets::default(),
                asked: Vec::new(),
                timer: None,
                violation: None,
            }),
            deliverer: Deliverer::new(),
            dismissal: Arc::default(),
            blocked: Mutex::new(0),
        });
        // Clients of protocol 4 are in the root namespace without asking.
        client.feed(|_, _| ());
        Inlet(client)
    }

    pub(crate) fn session(&self) -> &SessionHandle {
        self.link.session()
    }

    pub(crate) fn deliverer(&self) -> &Arc<Deliverer> {
        &self.deliverer
    }

    /// True while the socket is joined.
    pub(crate) fn has(&self, socket: &SocketCore) -> bool {
        self.lock().has(socket)
    }

    /// Keeps a socket in its namespace, if it is joined.
    pub(crate) fn joined<'a>(&'a self, socket: &'a SocketCore) -> Option<Joined<'a>> {
        let state = self.lock();
        let joined = state.has(socket);
        joined.then_some(Joined {
            client: self,
            socket,
            _state: state,
        })
    }

    /// Its client has come back on another session. If this one has been silent, it is half dead,
    /// and ends before the network tells: its sockets are lost, to be claimed by the other.
    pub(crate) fn make_way(&self) {
        let silence = now().saturating_duration_since(self.lock().heard);
        if silence >= HALF_DEAD {
            self.ended(CloseReason::TransportClose);
            self.session().close(CloseReason::TransportClose);
        }
    }

    /// Queues a packet of a socket's, if it is still joined: nothing follows its DISCONNECT.
    pub(crate) fn send(
        &self,
        socket: &SocketCore,
        message: &Message,
        options: SendOptions,
    ) -> Result<EmitOutcome, EmitError> {
        let state = self.lock();
        if !state.has(socket) {
            return Err(EmitError::Gone);
        }
        let outcome = self.link.send(message, options)?;
        self.sent(message);
        Ok(outcome.into())
    }

    /// Takes a socket out of its namespace and tells the client.
    pub(crate) fn end(self: &Arc<Self>, socket: &SocketCore, reason: DisconnectReason) {
        let mut state = self.lock();
        if state.has(socket) {
            self.end_one(&mut state, socket.namespace().name(), reason);
        }
    }

    /// Takes all sockets out of their namespaces and ends the session, behind what is queued.
    pub(crate) fn close(self: &Arc<Self>) {
        let mut state = self.lock();
        let sockets = state.sockets.iter();
        let names: Vec<NamespaceName> = sockets
            .map(|socket| socket.namespace().name().clone())
            .collect();
        for name in &names {
            self.end_one(
                &mut state,
                name,
                DisconnectReason::ServerNamespaceDisconnect,
            );
        }
        self.session().close(CloseReason::ForcedClose);
    }

    /// Tells the client that it is not in; its session stays.
    pub(crate) fn refuse(
        self: &Arc<Self>,
        namespace: &NamespaceName,
        refused: Refused,
        refusal: &Refusal,
    ) {
        self.feed(|state, _| self.turn_away(&mut state.connection, namespace, refused, refusal));
    }

    /// A handler's inbox is full, or has room again.
    pub(crate) fn turn(&self, flow: Flow) {
        let mut blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        match flow {
            Flow::Blocked => *blocked += 1,
            Flow::Open => *blocked = blocked.saturating_sub(1),
        }
        match (flow, *blocked) {
            (Flow::Blocked, 1) => self.session().pause(),
            (Flow::Open, 0) => self.session().resume(),
            _ => {}
        }
    }

    fn end_one(
        self: &Arc<Self>,
        state: &mut State,
        name: &NamespaceName,
        reason: DisconnectReason,
    ) {
        state.connection.disconnect(name);
        self.settle(state);
        if let Some(socket) = state.sockets.remove(name) {
            socket.left(reason);
        }
    }

    fn ended(&self, reason: CloseReason) {
        let mut state = self.lock();
        let reason = state.reason(reason);
        state.connection.close();
        if let Some(timer) = state.timer.take() {
            timer.task.abort();
        }
        for socket in state.sockets.take() {
            socket.left(reason);
        }
    }

    /// Feeds one input and does everything that follows from it.
    fn feed(self: &Arc<Self>, input: impl FnOnce(&mut State, Instant)) {
        let mut state = self.lock();
        input(&mut state, now());
        self.settle(&mut state);
        let asked = mem::take(&mut state.asked);
        drop(state);
        asked.into_iter().for_each(admission::begin);
        self.deliverer.begin();
    }

    fn settle(self: &Arc<Self>, state: &mut State) {
        while let Some(output) = state.connection.poll_output() {
            match output {
                Output::Send(packet) => self.write(packet),
                Output::Event(event) => self.take(state, event),
                Output::Close(violation) => {
                    self.server.settings().counters.violated(violation);
                    tracing::debug!(
                        session = ?self.session(),
                        reason = violation.name(),
                        %violation,
                        "client broke the protocol"
                    );
                    state.violation = Some(violation);
                    self.session().close(CloseReason::ForcedServerClose);
                }
            }
        }
        self.rearm(state);
    }

    fn write(&self, packet: Entry) {
        match Message::new(self.server.settings().parser, packet) {
            // Fails only for a session that has ended, which `closed` tells.
            Ok(message) => {
                let _ = self.link.send(&message, SendOptions::never_dropped());
                self.sent(&message);
            }
            Err(error) => {
                tracing::error!(session = ?self.session(), %error, "a refusal cannot be told");
                self.session().close(CloseReason::ForcedServerClose);
            }
        }
    }

    fn take(self: &Arc<Self>, state: &mut State, event: Event) {
        match event {
            Event::Connect { namespace, auth } => self.consider(state, namespace, auth),
            Event::Event {
                namespace,
                name,
                args,
                ack,
            } => {
                if let Some(socket) = state.sockets.get(&namespace) {
                    socket.counters().received();
                    self.tell(|| Happening::Received {
                        socket,
                        name: &name,
                        args: &args,
                    });
                    socket.deliver_due(Work::Event { name, args, ack });
                }
            }
            Event::Ack {
                namespace,
                id,
                args,
            } => {
                if let Some(socket) = state.sockets.get(&namespace) {
                    let waiter = socket.acks().take(id);
                    waiter
                        .into_iter()
                        .for_each(|waiter| waiter.answer(socket.id(), args.clone()));
                }
            }
            Event::Disconnect { namespace } => {
                if let Some(socket) = state.sockets.remove(&namespace) {
                    socket.left(DisconnectReason::ClientNamespaceDisconnect);
                }
            }
        }
    }

    /// A client asks to join. The root and what is declared is known at once; patterns belong to
    /// the application and are asked without the lock.
    fn consider(self: &Arc<Self>, state: &mut State, name: NamespaceName, auth: Option<Text>) {
        let here = self.server.find(name.as_str()).is_some() || self.server.has_patterns();
        let id = self.make_id(&name);
        match id {
            Some(id) if here => {
                let handshake = Arc::clone(&self.handshake);
                let handshake = Handshake::new(handshake, self.session().version(), auth);
                let (client, server) = (Arc::downgrade(self), Arc::clone(&self.server));
                let admission = admission::run(client, server, name, id, handshake);
                state.asked.push(Box::pin(admission));
            }
            Some(_) => self.turn_away(
                &mut state.connection,
                &name,
                Refused::UnknownNamespace,
                &unknown_namespace(),
            ),
            None => self.turn_away(
                &mut state.connection,
                &name,
                Refused::NoRandomness,
                &internal_error(),
            ),
        }
    }

    fn turn_away(
        &self,
        connection: &mut Connection,
        namespace: &NamespaceName,
        refused: Refused,
        refusal: &Refusal,
    ) {
        self.server.settings().counters.refused(refused);
        tracing::debug!(
            session = ?self.session(),
            namespace = namespace.as_str(),
            reason = refused.name(),
            "join refused"
        );
        connection.refuse(namespace, refusal.message(), refusal.data());
    }

    /// None if the operating system has no random bytes.
    fn make_id(&self, namespace: &NamespaceName) -> Option<SocketId> {
        match self.session().version() {
            Version::V3 => Some(SocketId::derived(namespace.as_str(), self.session().sid())),
            Version::V4 => SocketId::random().ok(),
        }
    }

    fn rearm(self: &Arc<Self>, state: &mut State) {
        let deadline = state.connection.poll_timeout();
        if state.timer.as_ref().map(|timer| timer.deadline) == deadline {
            return;
        }
        if let Some(timer) = state.timer.take() {
            timer.task.abort();
        }
        state.timer = deadline.map(|deadline| Timer {
            deadline,
            task: tokio::spawn(wake(Arc::downgrade(self), deadline)).abort_handle(),
        });
    }

    fn upgraded(&self) {
        let state = self.lock();
        for socket in state.sockets.iter() {
            self.tell(|| Happening::Upgraded(socket));
        }
    }

    fn sent(&self, message: &Message) {
        self.tell(|| Happening::MessagesOut {
            count: 1,
            bytes: message.len(),
        });
    }

    fn tell<'a>(&self, happening: impl FnOnce() -> Happening<'a>) {
        self.server.settings().watched.tell(happening);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has(&self, socket: &SocketCore) -> bool {
        let joined = self.sockets.get(socket.namespace().name());
        // In protocol 4 a socket that comes back has the same id.
        joined.is_some_and(|joined| ptr::eq(Arc::as_ptr(joined), socket))
    }

    /// What the application is told of the end of the session.
    fn reason(&self, reason: CloseReason) -> DisconnectReason {
        match (reason, self.violation) {
            (CloseReason::ForcedServerClose, Some(violation)) => {
                DisconnectReason::Violation(violation)
            }
            _ => DisconnectReason::Session(reason),
        }
    }
}

impl Joined<'_> {
    /// Queues a packet of the socket's.
    pub(crate) fn send(
        &self,
        message: &Message,
        options: SendOptions,
    ) -> Result<EmitOutcome, EmitError> {
        let link = self.client.link.of(self.socket.place());
        let outcome = link.send(message, options)?;
        self.client.sent(message);
        Ok(outcome.into())
    }
}

impl Receiver for Inlet {
    fn message(&mut self, data: Data) {
        self.0.tell(|| Happening::MessageIn { bytes: data.len() });
        let parser = self.0.server.settings().parser;
        self.0.feed(|state, now| {
            state.heard = now;
            parser.feed(&mut state.connection, now, data);
        });
    }

    fn upgraded(&mut self) {
        self.0.upgraded();
    }

    fn closed(&mut self, reason: CloseReason) {
        self.0.ended(reason);
    }
}

/// Wakes the machine at its deadline.
async fn wake(client: Weak<Client>, deadline: Instant) {
    sleep_until(deadline.into()).await;
    if let Some(client) = client.upgrade() {
        client.feed(|state, now| state.connection.handle_timeout(now));
    }
}

/// A session from which no message has come for so long gives way to another of its client. No
/// client that loses its connection while it speaks is back sooner: they wait half a second.
const HALF_DEAD: Duration = Duration::from_millis(500);
