//! The server's side of the protocol that `@socket.io/admin-ui` speaks, so that this user interface
//! shows what is on a server and, if it is allowed to, acts on it.
//!
//! It lives in a namespace of its own, `/admin`, that nobody enters without credentials. It watches
//! the server only while somebody is in there, and what it tells is bounded: an admin who reads too
//! slowly misses events, gets the whole picture again later, and never holds up the server.
//!
//! ```no_run
//! use socketio::{Server, admin::{Admin, Credentials}};
//!
//! let io = Server::new();
//! io.admin(Admin::new(Credentials::password("ops", "correct horse battery staple")));
//! ```
//!
//! What an admin sees is this server: in a cluster each server is looked at by itself. Commands reach
//! all of it, as the same calls of the application do.
//!
//! Everybody is asked for credentials or a session id each time: connection state recovery, if the
//! server has it, does not count here.
//!
//! # What is not told
//!
//! The headers `authorization`, `cookie` and `proxy-authorization`, what clients send in the query of
//! their handshake beyond the protocol's own, `auth` objects, sids, and the ids of sockets of protocol
//! 4, which are as secret as sids: admins see other names in their place (`~` and 16 digits), and may
//! use them in commands. The states of sockets are the application's own types and are shown as `{}`.
//! Events are shown with their arguments.

use std::{sync::Arc, time::Duration};

use engineio::WeakEngineService;

use crate::{
    EmitError, Namespace, Socket,
    namespace::{Behaviour, Comeback},
    server::Shared,
};

mod aliases;
mod audience;
mod commands;
mod credentials;
mod feed;
mod gate;
mod guesses;
mod journal;
mod logins;
mod mirror;
mod records;
mod stats;
#[cfg(test)]
mod tests;
mod timestamp;
mod told;

use aliases::Aliases;
use commands::Desk;
pub use credentials::Credentials;
use feed::Feed;
use gate::{Entrant, Gate};
use mirror::Mirror;

/// How a server is opened to admins; for [`Server::admin`](crate::Server::admin).
#[derive(Debug)]
#[must_use = "nothing happens before `Server::admin`"]
pub struct Admin {
    credentials: Credentials,
    namespace: String,
    access: Access,
    mode: Mode,
    server_id: Option<String>,
}

/// What admins may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Access {
    /// Look.
    #[default]
    ReadOnly,
    /// Send events to sockets, put them into rooms and take them out, disconnect them.
    Commands,
}

/// How much admins see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Mode {
    /// Every socket, room and event, and the statistics.
    #[default]
    Development,
    /// The statistics of each second.
    Production,
}

impl Admin {
    /// Admins with these credentials, who may look at everything and change nothing.
    pub fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            namespace: "/admin".into(),
            access: Access::default(),
            mode: Mode::default(),
            server_id: None,
        }
    }

    /// What admins may do. Default: look.
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// How much admins see. Default: everything.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// The namespace that admins join. Default `/admin`, as the user interface expects.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.namespace = name.into();
        self
    }

    /// What the user interface calls this server. Default: the name of the host.
    pub fn server_id(mut self, id: impl Into<String>) -> Self {
        self.server_id = Some(id.into());
        self
    }
}

/// Opens a server to admins.
pub(crate) fn open(server: &Arc<Shared>, engine: WeakEngineService, options: Admin) {
    let aliases = Arc::new(Aliases::new());
    let mirror = Mirror::new(&options);
    let gate = Arc::new(Gate::new(options.credentials, Arc::downgrade(server)));
    let namespace = declare(server, &options.namespace, gate);
    server
        .settings()
        .watched
        .by(Arc::clone(&mirror) as _)
        .expect("a server is opened to admins once");
    let identity = stats::Identity::new(options.server_id);
    let feed = Feed::new(&mirror, server, engine, identity, Arc::clone(&aliases));
    welcome(&namespace, options.access, options.mode, feed);
    let desk = Desk::new(Arc::downgrade(server), options.namespace, aliases);
    desk.serve(&namespace, options.access);
}

fn declare(server: &Arc<Shared>, name: &str, gate: Arc<Gate>) -> Namespace<Entrant> {
    let behaviour = Behaviour::with_comeback(Comeback::Never, move |request| {
        let gate = Arc::clone(&gate);
        async move { gate.admit(&request).await }
    });
    Namespace::new(server.declare(name, behaviour))
}

/// What every admin is told first (the user interface listens from `connect` on).
fn welcome(namespace: &Namespace<Entrant>, access: Access, mode: Mode, feed: Feed) {
    let (config, feed) = (records::Config::new(access, mode), Arc::new(feed));
    let leaving = Arc::clone(&feed);
    namespace.on_connect(move |admin: Socket<Entrant>| {
        let greeted = greet(&admin, &config);
        feed.enter(admin.core());
        async move { greeted }
    });
    namespace.on_disconnect(move |_: Socket<Entrant>, _| {
        leaving.look_around();
        async {}
    });
}

fn greet(admin: &Socket<Entrant>, config: &records::Config) -> Result<(), EmitError> {
    if let Some(login) = &admin.state().login {
        admin.emit("session", (login,))?;
    }
    admin.emit("config", (config,))?;
    Ok(())
}

/// How many admins are let in at the same time.
const MAX_ADMINS: usize = 32;

/// How often the statistics are told.
const TICK: Duration = Duration::from_secs(1);
