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
use serde_json::{Value, json};
use socketio::{
    Args, ConnectRequest, Event, Namespace, Refusal, Responder, Server, Socket,
    engineio::{Config as EngineConfig, Hooks, Refusal as HandshakeRefusal, proto::Version},
};

use crate::{
    auth::Auth,
    config::RealtimeConfig,
    datetime::Timestamp,
    hub::{Hub, Outlet, Room},
    object::Object,
    origin::Origins,
    store::{Admission, Admitted, OnAdmitted, Session, Store, StoreError, Ticket},
    token::{Digest, Token},
    topic::Topic,
};

mod client;

use client::{Added, Client, Denied, Membership};

/// How often expired sessions and silent clients are looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// The server behind `/socket.io/` and what its handlers work with.
pub(crate) struct Realtime {
    io: Server,
    v2: Namespace<Client>,
    hub: Arc<Hub>,
    store: Arc<dyn Store>,
    auth: Arc<Auth>,
    config: RealtimeConfig,
}

/// Reaches the sockets of `/v2`.
struct V2Outlet {
    v2: Namespace<Client>,
    auth_timeout: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    session_token: String,
}

#[derive(Deserialize)]
struct TopicRequest {
    resource: String,
}

/// A request that waits for its answer: on the event of its name, and in the ack if one is awaited.
struct Asked {
    event: &'static str,
    socket: Socket<Client>,
    ack: Option<Responder>,
}

/// A server whose namespace `/v2` exists and handles nothing yet, and the way to its sockets.
pub(crate) fn server(
    config: &RealtimeConfig,
    origins: &Origins,
) -> (Server, Namespace<Client>, impl Outlet + use<>) {
    let engine = engine_config(config, origins);
    let io = Server::builder().engine(engine).path("/socket.io/").build();
    let auth_timeout = config.auth_timeout();
    let v2 = io.namespace("/v2", move |_: ConnectRequest| async move {
        Ok::<_, Refusal>(Client::new(auth_timeout, Instant::now()))
    });
    let outlet = V2Outlet {
        v2: v2.clone(),
        auth_timeout,
    };
    (io, v2, outlet)
}

fn engine_config(config: &RealtimeConfig, origins: &Origins) -> EngineConfig {
    let mut engine = EngineConfig::default();
    engine.protocol.legacy_eio = config.legacy_eio;
    engine.limits.max_sessions = config.max_connections;
    engine.cors = origins.cors();
    let origins = origins.clone();
    engine.hooks = Hooks::default().allow(move |handshake| {
        let allowed = origins.allow(handshake.headers());
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
        config: RealtimeConfig,
    ) -> Arc<Self> {
        let realtime = Arc::new(Self {
            io,
            v2,
            hub,
            store,
            auth,
            config,
        });
        realtime.handle_events();
        realtime
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
                if socket.state().has_expired(now) {
                    log_out(&this.hub, &socket, this.config.auth_timeout());
                } else if socket.state().is_overdue(clock) {
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
            if let Admitted::Session(session) = admitted {
                enter(&hub, &entering, session);
            }
        });
        match self.store.admit(ticket, enter).await {
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
        let request = event.arg::<Object<TopicRequest>>(0).ok();
        let spelling: Option<Arc<str>> = request.map(|request| request.0.resource.into());
        let client = asked.socket.state();
        let Some(session) = client.session() else {
            asked.answer(&refused(401, "not authenticated", spelling.as_deref()));
            if client.count_early_subscribe() {
                asked.socket.close();
            }
            return;
        };
        let topic = spelling.as_deref().map(Topic::parse);
        let (Some(spelling), Some(Ok(topic))) = (spelling.clone(), topic) else {
            return asked.answer(&refused(400, "malformed topic", spelling.as_deref()));
        };
        match client.may_subscribe(&spelling, &topic, Instant::now()) {
            Ok(()) => self.join(asked, session, topic, spelling).await,
            Err(Denied::TooMany) => asked.answer(&too_many("too many subscriptions", &spelling, 1)),
            Err(Denied::TooFast(wait)) => {
                asked.answer(&too_many("too many requests", &spelling, wait.seconds()));
            }
            Err(Denied::NotYours) => asked.answer(&refused(404, "not found", Some(&spelling))),
        }
    }

    /// Joins in the publish stage: from there on every value of the topic is pushed, and none
    /// before the answer.
    async fn join(&self, asked: Asked, session: Session, topic: Topic, spelling: Arc<str>) {
        let ticket = match &topic {
            Topic::Resource(_) => Ticket::Session(session.token),
            Topic::Thing(thing) => Ticket::Thing {
                session: Some(session.token),
                thing: thing.digest(),
            },
        };
        let hub = Arc::clone(&self.hub);
        let asked = Arc::new(asked);
        let (joining, name) = (Arc::clone(&asked), Arc::clone(&spelling));
        let join: OnAdmitted = Box::new(move |admitted| {
            if let Some(membership) = Membership::new(&session, topic, name, admitted) {
                join(&hub, &joining, &session, membership);
            }
        });
        match self.store.admit(ticket, join).await {
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
        let request = event.arg::<Object<TopicRequest>>(0).ok();
        let spelling = request.map(|request| request.0.resource);
        let topic = spelling.as_deref().map(Topic::parse);
        let (Some(spelling), Some(Ok(_))) = (spelling.as_deref(), topic) else {
            return asked.answer(&refused(400, "malformed topic", spelling.as_deref()));
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
        let pushed = Args::from_raw([elements])
            .map_err(|error| error.to_string())
            .and_then(|args| {
                let members = self.v2.to(room_name(room));
                members
                    .emit(&room.spelling, args)
                    .map_err(|error| error.to_string())
            });
        if let Err(cause) = pushed {
            tracing::error!(cause, "values were not pushed");
        }
    }

    fn end_session(&self, hub: &Hub, session: Digest) {
        for socket in self.v2.sockets() {
            if socket.state().uses(session) {
                log_out(hub, &socket, self.auth_timeout);
            }
        }
    }
}

/// A login that was admitted. What the new user may not hold ends before the answer.
fn enter(hub: &Hub, asked: &Asked, session: Session) {
    let socket = &asked.socket;
    for room in socket.state().log_in(session) {
        leave(hub, socket, &room);
        let _ = socket.emit("unsubscribe", (done("unsubscribed", &room.spelling),));
    }
    asked.answer(&json!({ "status": "success" }));
}

/// A subscription that was admitted. Joining twice is joining once.
fn join(hub: &Hub, asked: &Asked, session: &Session, membership: Membership) {
    let (room, socket) = (membership.room.clone(), &asked.socket);
    let enter = |room: &Room| {
        hub.enter(room);
        socket.join(room_name(room));
    };
    match socket.state().add(session, membership, enter) {
        Added::New | Added::Again => {}
        Added::LoggedOut => {
            return asked.answer(&refused(401, "not authenticated", Some(&room.spelling)));
        }
    }
    asked.answer(&done("subscribed", &room.spelling));
}

fn leave(hub: &Hub, socket: &Socket<Client>, room: &Room) {
    socket.leave(room_name(room));
    hub.leave(room);
}

/// Ends all subscriptions and says so. The client has the time of a new one to log in again.
fn log_out(hub: &Hub, socket: &Socket<Client>, auth_timeout: Option<Duration>) {
    let client = socket.state();
    client.log_out(auth_timeout, Instant::now(), |room| {
        leave(hub, socket, room)
    });
    let _ = socket.emit("authenticate", (invalid_token(),));
}

/// The name in the namespace. It begins with what no topic begins with, and has the channel in it:
/// one spelling is another room for another user.
fn room_name(room: &Room) -> String {
    format!("{:?} {}", room.channel, room.spelling)
}

fn peer(socket: &Socket<Client>) -> IpAddr {
    let peer = socket.handshake().peer().map(|peer| peer.ip());
    peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

fn done(message: &str, topic: &str) -> Value {
    json!({ "status": "success", "message": message, "resource": topic })
}

fn invalid_token() -> Value {
    refused(401, "Invalid session token", None)
}

fn refused(code: u16, message: &str, topic: Option<&str>) -> Value {
    let object = json!({ "status": "error", "code": code, "message": message });
    match topic {
        Some(topic) => with_resource(object, topic),
        None => object,
    }
}

fn too_many(message: &str, topic: &str, seconds: u64) -> Value {
    let mut object = refused(429, message, Some(topic));
    object["retryAfter"] = seconds.into();
    object
}

fn unavailable(error: &StoreError) -> Value {
    tracing::error!(%error, "a client could not be admitted");
    refused(503, "the server is busy", None)
}

fn with_resource(mut object: Value, topic: &str) -> Value {
    object["resource"] = topic.into();
    object
}
