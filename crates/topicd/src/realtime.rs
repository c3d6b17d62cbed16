//! The Socket.IO side: namespace `/v2` with `authenticate`, `subscribe` and `unsubscribe`.
//!
//! Owns what each socket may do and is told. Who may come in is decided by the store, in step with
//! the commits; values arrive through the hub.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::Value;
use socketio::{
    ConflationKey, ConnectRequest, Event, Namespace, Refusal, Responder, SendOptions, Server,
    SlowConsumer, Socket,
    engineio::{Config as EngineConfig, Hooks, Refusal as HandshakeRefusal, proto::Version},
};

use crate::{
    auth::Auth,
    datetime::Timestamp,
    hub::{Channel, Hub, Outlet, Room},
    live::Live,
    metrics::Metrics,
    object::Object,
    read_budget::ReadBudget,
    store::{Admission, Holder, OnAdmitted, Replay, Session, Store, ThingRow, Ticket},
    token::{Digest, Token},
    topic::Topic,
};

mod answer;
mod client;
mod operation;
mod request;

pub(crate) use operation::{Connection, Whom};

use answer::{
    done, exhausted, invalid_token, logged_in, refused, subscribed, too_many, unavailable,
    with_resource,
};
use client::{Added, Client, Denied, Membership};
use request::{TopicRequest, Wanted};

/// How often expired sessions and silent clients are looked for.
const SWEEP: Duration = Duration::from_secs(1);
/// Memory that one replay may take.
const MAX_REPLAY: usize = 1024 * 1024;

/// What clients may send. Anything else means nothing here, and is counted.
const EVENTS: [&str; 3] = ["authenticate", "subscribe", "unsubscribe"];

/// The server behind `/socket.io/` and what its handlers work with.
pub(crate) struct Realtime {
    io: Server,
    v2: Namespace<Client>,
    hub: Arc<Hub>,
    store: Arc<dyn Store>,
    auth: Arc<Auth>,
    reads: ReadBudget,
    live: Arc<Live>,
    metrics: Metrics,
}

/// Reaches the sockets of `/v2`.
struct V2Outlet {
    v2: Namespace<Client>,
    live: Arc<Live>,
    metrics: Metrics,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    session_token: String,
}

/// A request that waits for its answer: on the event of its name, and in the ack if one is awaited.
struct Asked {
    event: &'static str,
    socket: Socket<Client>,
    ack: Option<Responder>,
}

/// A server whose namespace `/v2` exists and handles nothing yet, and the way to its sockets.
pub(crate) fn server(
    live: &Arc<Live>,
    metrics: &Metrics,
) -> (Server, Namespace<Client>, impl Outlet + use<>) {
    let engine = engine_config(live);
    let io = Server::builder().engine(engine).path("/socket.io/").build();
    let settings = Arc::clone(live);
    let v2 = io.namespace("/v2", move |_: ConnectRequest| {
        let auth_timeout = settings.auth_timeout();
        async move { Ok::<_, Refusal>(Client::new(auth_timeout, Instant::now())) }
    });
    let outlet = V2Outlet {
        v2: v2.clone(),
        live: Arc::clone(live),
        metrics: metrics.clone(),
    };
    (io, v2, outlet)
}

/// What browsers of other hosts are told is the server's business, for all paths alike.
fn engine_config(live: &Arc<Live>) -> EngineConfig {
    let mut engine = EngineConfig::default();
    let (now, live) = (live.now(), Arc::clone(live));
    let settings = &now.config;
    engine.protocol.legacy_eio = settings.realtime.legacy_eio;
    let limits = &mut engine.protocol.limits;
    limits.max_sessions = settings.realtime.max_connections;
    limits.max_sessions_per_address = settings.limits.sessions_per_address;
    engine.hooks = Hooks::default().allow(move |handshake| {
        let allowed = live.now().origins.allow(handshake.headers());
        async move {
            if allowed {
                Ok(())
            } else {
                Err(HandshakeRefusal::default())
            }
        }
    });
    engine
}

impl Realtime {
    /// Sets the handlers. They work as long as what is returned lives.
    pub(crate) fn open(
        (io, v2): (Server, Namespace<Client>),
        hub: Arc<Hub>,
        store: Arc<dyn Store>,
        auth: Arc<Auth>,
        reads: ReadBudget,
        live: Arc<Live>,
        metrics: Metrics,
    ) -> Arc<Self> {
        let realtime = Arc::new(Self {
            io,
            v2,
            hub,
            store,
            auth,
            reads,
            live,
            metrics,
        });
        realtime.handle_events();
        realtime
    }

    /// Takes the limits that hold from now on.
    pub(crate) fn reload(&self) {
        let settings = &self.live.now().config;
        let here = settings.limits.sessions_per_address;
        let most = settings.realtime.max_connections;
        self.io.service().limit_sessions(most, here);
    }

    pub(crate) fn io(&self) -> &Server {
        &self.io
    }

    /// Logs out whoever's session has expired and closes who does not log in, until `this` is gone.
    pub(crate) async fn sweep(this: Weak<Self>) {
        let mut ticks = tokio::time::interval(SWEEP);
        loop {
            ticks.tick().await;
            let Some(this) = this.upgrade() else {
                return;
            };
            let (now, clock) = (Timestamp::now(), Instant::now());
            for socket in this.v2.sockets() {
                let expired = |session: &Session| session.has_expired(now);
                log_out(&this.hub, &socket, expired, this.live.auth_timeout());
                if socket.state().is_given_up(clock) {
                    socket.close();
                }
            }
        }
    }

    /// The namespace holds its handlers and we hold the namespace: a strong reference would keep
    /// both for good.
    fn handle_events(self: &Arc<Self>) {
        let this = Arc::downgrade(self);
        self.v2.on_connect(move |socket| {
            let this = this.upgrade();
            async move {
                if let Some(this) = this {
                    this.connected(socket).await;
                }
            }
        });
        self.v2.layer(|socket, event, next| async move {
            if socket.state().may_send(&event) {
                return next.run(event).await;
            }
            socket.close();
            Ok(())
        });
        let metrics = self.metrics.clone();
        self.v2.on_any(move |_, event| {
            if !EVENTS.contains(&event.name()) {
                metrics.unknown_event();
            }
            async {}
        });
        self.on("authenticate", Self::authenticate);
        self.on("subscribe", Self::subscribe);
        self.on("unsubscribe", Self::unsubscribe);
        let hub = Arc::downgrade(&self.hub);
        self.v2.on_disconnect(move |socket, _| {
            let hub = hub.upgrade();
            async move {
                let rooms = socket.state().disconnect();
                hub.iter()
                    .for_each(|hub| rooms.iter().for_each(|room| hub.leave(room)));
            }
        });
    }

    fn on<F>(
        self: &Arc<Self>,
        name: &'static str,
        handle: impl Fn(Arc<Self>, Asked, Event) -> F + Copy + Send + Sync + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let this = Arc::downgrade(self);
        self.v2.on(name, move |socket, event| {
            let asked = Asked {
                event: name,
                socket,
                ack: event.responder(),
            };
            let handling = this.upgrade().map(|this| handle(this, asked, event));
            async move {
                if let Some(handling) = handling {
                    handling.await;
                }
            }
        });
    }

    /// Clients of protocol 5 may bring the token with their CONNECT. Those of protocol 4 could do so
    /// in the query only, where a secret does not belong.
    async fn connected(&self, socket: Socket<Client>) {
        if socket.handshake().version() == Version::V3 {
            return;
        }
        if let Ok(credentials) = socket.handshake().auth::<Object<Credentials>>() {
            let asked = Asked {
                event: "authenticate",
                socket,
                ack: None,
            };
            self.log_in(asked, Some(credentials.0.session_token)).await;
        }
    }

    async fn authenticate(self: Arc<Self>, asked: Asked, event: Event) {
        let credentials = event.arg::<Object<Credentials>>(0).ok();
        self.log_in(asked, credentials.map(|given| given.0.session_token))
            .await;
    }

    /// Missing, malformed, unknown, expired and revoked tokens are answered alike.
    async fn log_in(&self, asked: Asked, token: Option<String>) {
        let Some(token) = token else {
            return self.refuse_token(&asked);
        };
        let ticket = Ticket::Session(Token::presented(&token).digest());
        let hub = Arc::clone(&self.hub);
        let asked = Arc::new(asked);
        let entering = Arc::clone(&asked);
        let enter: OnAdmitted = Box::new(move |admitted| {
            if let Holder::Session(session) = admitted.holder {
                enter(&hub, &entering, session);
            }
        });
        match self.store.admit(ticket, None, enter).await {
            Ok(Admission::Admitted) => {}
            Ok(_) => self.refuse_token(&asked),
            Err(error) => asked.answer(&unavailable(&error)),
        }
    }

    fn refuse_token(&self, asked: &Asked) {
        asked.answer(&invalid_token());
        self.count_failure(&asked.socket);
    }

    /// Tokens cannot be guessed, so a right one is taken whatever its address has done before: one
    /// broken client must not lock out those beside it. But who has failed too often gets no
    /// further tries on this socket.
    fn count_failure(&self, socket: &Socket<Client>) {
        let from = peer(socket);
        let suspected = self.auth.may_try(from).is_err();
        self.auth.failed(from);
        if socket.state().count_wrong_token() || suspected {
            socket.close();
        }
    }

    async fn subscribe(self: Arc<Self>, asked: Asked, event: Event) {
        let request = TopicRequest::of(&event);
        let topic = request.as_ref().map(|request| request.resource.as_str());
        let client = asked.socket.state();
        let Some(session) = client.session() else {
            asked.answer(&refused(401, "not authenticated", topic));
            if client.count_early_subscribe() {
                asked.socket.close();
            }
            return;
        };
        if let Err(exceeded) = client.take_turn(Instant::now()) {
            let (topic, wait) = (topic.unwrap_or(""), exceeded.seconds());
            return asked.answer(&too_many("too many requests", topic, wait));
        }
        let wanted = request.as_ref().map(TopicRequest::wanted);
        let wanted = match wanted.unwrap_or(Err("malformed topic")) {
            Ok(wanted) => wanted,
            Err(message) => return asked.answer(&refused(400, message, topic)),
        };
        match client.may_hold(&wanted) {
            Ok(()) => self.admit(asked, session, wanted).await,
            Err(Denied::TooMany) => {
                asked.answer(&too_many("too many subscriptions", &wanted.spelling, 1));
            }
            Err(Denied::NotYours) => {
                asked.answer(&refused(404, "not found", Some(&wanted.spelling)));
            }
        }
    }

    /// Stored values take memory until the client has them: it gets its next ones when these are on
    /// their way.
    async fn admit(&self, asked: Asked, session: Session, wanted: Wanted) {
        if wanted.start.is_none() {
            return self.join(&Arc::new(asked), session, wanted).await;
        }
        asked.socket.writable().await;
        let mut share = match self.reads.share(MAX_REPLAY).await {
            Ok(share) => share,
            Err(error) => return asked.answer(&exhausted(error, &wanted.spelling)),
        };
        let asked = Arc::new(asked);
        self.join(&asked, session, wanted).await;
        share.shrink_to(asked.socket.queued_bytes());
        asked.socket.writable().await;
        drop(share);
    }

    /// Joins in the publish stage: from there on every value of the topic is pushed, and none
    /// before the answer.
    async fn join(&self, asked: &Arc<Asked>, session: Session, wanted: Wanted) {
        let spelling = Arc::clone(&wanted.spelling);
        let ticket = match &wanted.topic {
            Topic::Resource(_) => Ticket::Session(session.token),
            Topic::Thing(thing) => Ticket::Thing {
                session: Some(session.token),
                thing: thing.digest(),
            },
        };
        let replay = wanted.replay();
        let (hub, joining) = (Arc::clone(&self.hub), Arc::clone(asked));
        let join: OnAdmitted = Box::new(move |admitted| {
            if let Some(membership) = Membership::new(&session, wanted, &admitted.holder) {
                join(
                    &hub,
                    &joining,
                    &session,
                    membership,
                    admitted.replay.as_ref(),
                );
            }
        });
        match self.store.admit(ticket, replay, join).await {
            Ok(Admission::Admitted) => {}
            Ok(Admission::NoSession) => {
                asked.answer(&refused(401, "not authenticated", Some(&spelling)));
            }
            Ok(Admission::NoThing) => {
                asked.answer(&refused(404, "not found", Some(&spelling)));
                self.count_failure(&asked.socket);
            }
            Err(error) => asked.answer(&with_resource(unavailable(&error), &spelling)),
        }
    }

    async fn unsubscribe(self: Arc<Self>, asked: Asked, event: Event) {
        let request = TopicRequest::of(&event);
        let spelling = request.as_ref().map(|request| request.resource.as_str());
        let topic = spelling.map(Topic::parse);
        let (Some(spelling), Some(Ok(_))) = (spelling, topic) else {
            return asked.answer(&refused(400, "malformed topic", spelling));
        };
        if let Some(room) = asked.socket.state().remove(spelling) {
            leave(&self.hub, &asked.socket, &room);
        }
        asked.answer(&done("unsubscribed", spelling));
    }
}

impl Asked {
    fn answer(&self, object: &Value) {
        // A client that is gone needs no answer.
        let _ = self.socket.emit(self.event, (object,));
        if let Some(ack) = &self.ack {
            let _ = ack.ack((object,));
        }
    }
}

impl Outlet for V2Outlet {
    fn push(&self, room: &Room, elements: &str) {
        self.emit(room, elements, SendOptions::default());
    }

    fn push_newest(&self, room: &Room, element: &str, key: u64) {
        let newest = SlowConsumer::ConflateBy(ConflationKey::new(key));
        self.emit(room, element, SendOptions::with(newest));
    }

    fn end_session(&self, hub: &Hub, session: Digest) {
        for socket in self.v2.sockets() {
            let uses = |own: &Session| own.token == session;
            log_out(hub, &socket, uses, self.live.auth_timeout());
        }
    }

    fn end_thing(&self, hub: &Hub, thing: ThingRow) {
        for socket in self.v2.sockets() {
            revoke(hub, &socket, thing);
        }
    }
}

impl V2Outlet {
    fn emit(&self, room: &Room, elements: &str, options: SendOptions) {
        let pushed = answer::array(elements)
            .map_err(|error| error.to_string())
            .and_then(|args| {
                let members = self.v2.to(room_name(room)).with(options);
                members
                    .emit(&room.spelling, args)
                    .map_err(|error| error.to_string())
            });
        match pushed {
            Ok(delivery) => self.metrics.broadcast(&delivery),
            Err(cause) => tracing::error!(cause, "values were not pushed"),
        }
    }
}

/// Ends what a socket holds by the token of a thing, and says so.
fn revoke(hub: &Hub, socket: &Socket<Client>, thing: ThingRow) {
    let client = socket.state();
    let removed = client.remove_thing(thing, |room| leave(hub, socket, room));
    for room in removed {
        let _ = socket.emit("unsubscribe", (done("unsubscribed", &room.spelling),));
    }
}

/// A login that was admitted. What the new user may not hold ends before the answer.
fn enter(hub: &Hub, asked: &Asked, session: Session) {
    let socket = &asked.socket;
    socket.state().log_in(session, |rooms| {
        for room in &rooms {
            leave(hub, socket, room);
            let _ = socket.emit("unsubscribe", (done("unsubscribed", &room.spelling),));
        }
        asked.answer(&logged_in());
    });
}

/// A subscription that was admitted. Joining twice is joining once; the form that was asked for last
/// is the one that holds.
fn join(
    hub: &Hub,
    asked: &Asked,
    session: &Session,
    membership: Membership,
    replay: Option<&Replay>,
) {
    let (room, socket) = (membership.room.clone(), &asked.socket);
    let enter = |room: &Room| {
        hub.enter(room);
        // Fails only for a client that has left: the bound on subscriptions is the lower one.
        let _ = socket.join(room_name(room));
    };
    let leave = |room: &Room| leave(hub, socket, room);
    if socket.state().add(session, membership, enter, leave) == Added::LoggedOut {
        return asked.answer(&refused(401, "not authenticated", Some(&room.spelling)));
    }
    asked.answer(&subscribed(&room.spelling, replay));
    if let Some(replay) = replay.filter(|replay| !replay.values.is_empty()) {
        push_stored(socket, &room, replay);
    }
}

fn push_stored(socket: &Socket<Client>, room: &Room, replay: &Replay) {
    let show_thing = matches!(room.channel, Channel::Resource(..));
    match answer::stored(replay, show_thing) {
        // A client that is gone needs no values.
        Ok(args) => drop(socket.emit(&room.spelling, args)),
        Err(error) => tracing::error!(%error, "stored values were not pushed"),
    }
}

fn leave(hub: &Hub, socket: &Socket<Client>, room: &Room) {
    socket.leave(room_name(room));
    hub.leave(room);
}

/// Ends all subscriptions and says so, if the login is one that `ends`. The client has the time of a
/// new one to log in again. What is said is said under the client's lock: nobody logs in between.
fn log_out(
    hub: &Hub,
    socket: &Socket<Client>,
    ends: impl FnOnce(&Session) -> bool,
    auth_timeout: Option<Duration>,
) {
    let deadline = auth_timeout.map(|timeout| Instant::now() + timeout);
    socket.state().log_out(ends, deadline, |rooms| {
        rooms.iter().for_each(|room| leave(hub, socket, room));
        let _ = socket.emit("authenticate", (invalid_token(),));
    });
}

/// The name in the namespace. It begins with what no topic begins with, and has the channel in it:
/// one spelling is another room for another user.
fn room_name(room: &Room) -> String {
    format!("{:?} {:?} {}", room.channel, room.form, room.spelling)
}

fn peer(socket: &Socket<Client>) -> IpAddr {
    let peer = socket.handshake().peer().map(|peer| peer.ip());
    peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}
