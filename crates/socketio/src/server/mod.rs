//! A server: its namespaces, and the Engine.IO service in front of them.

use std::{future::Future, io, sync::Arc, time::Duration};

use engineio::{EngineService, Receiver, SessionHandle};
use tokio::net::TcpListener;

use crate::{
    ConnectRequest, Dynamic, Namespace, Refusal, Stats,
    admin::{self, Admin},
    client::Client,
    namespace::Behaviour,
};

mod builder;
mod settings;
mod shared;

pub use builder::Builder;
pub(crate) use settings::Settings;
pub use settings::{Failure, HandlerFailure, Handling};
pub(crate) use shared::{Registration, Shared};

/// A Socket.IO server. Cheap to clone; all clones are the same server.
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
    engine: EngineService,
}

/// What the Engine.IO service sees of the server.
struct Application(Arc<Shared>);

impl Server {
    /// A server with the default settings.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A server that is put together.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The namespace of this name, open to everybody, whose sockets have no state. It is made if it
    /// is not here.
    ///
    /// # Panics
    ///
    /// If the name does not begin with `/`, or the namespace has a state of another type.
    pub fn of(&self, name: &str) -> Namespace {
        Namespace::new(self.shared.find_or_open(name))
    }

    /// Declares a namespace with the middleware that makes the state of its sockets or refuses them.
    ///
    /// A slow middleware delays neither other clients nor the same client in other namespaces.
    ///
    /// ```
    /// # use socketio::{ConnectRequest, Refusal, Server, Socket};
    /// #[derive(serde::Deserialize)]
    /// struct Login {
    ///     token: String,
    /// }
    ///
    /// struct User {
    ///     name: String,
    /// }
    ///
    /// // `io("/members", { auth: { token: "secret" } })` of a client.
    /// async fn log_in(request: ConnectRequest) -> Result<User, Refusal> {
    ///     let login: Login = request.auth().map_err(|_| Refusal::new("no token"))?;
    ///     match login.token.as_str() {
    ///         "secret" => Ok(User { name: "ann".into() }),
    ///         _ => Err(Refusal::new("wrong token")),
    ///     }
    /// }
    ///
    /// # let server = Server::new();
    /// let members = server.namespace("/members", log_in);
    /// members.on_connect(async |socket: Socket<User>| println!("{} is here", socket.state().name));
    /// ```
    ///
    /// # Panics
    ///
    /// If the name does not begin with `/`, or the namespace has been declared already.
    pub fn namespace<S, F>(
        &self,
        name: &str,
        middleware: impl Fn(ConnectRequest) -> F + Send + Sync + 'static,
    ) -> Namespace<S>
    where
        S: Send + Sync + 'static,
        F: Future<Output = Result<S, Refusal>> + Send + 'static,
    {
        let behaviour = Behaviour::new(middleware);
        Namespace::new(self.shared.declare(name, behaviour))
    }

    /// Declares all namespaces whose name fits `pattern`, with the middleware for their sockets.
    ///
    /// Names that are declared by themselves come first, then patterns in the order in which they
    /// were declared.
    pub fn dynamic<S, F>(
        &self,
        pattern: impl Fn(&str) -> bool + Send + Sync + 'static,
        middleware: impl Fn(ConnectRequest) -> F + Send + Sync + 'static,
    ) -> Dynamic<S>
    where
        S: Send + Sync + 'static,
        F: Future<Output = Result<S, Refusal>> + Send + 'static,
    {
        let behaviour = Behaviour::new(middleware);
        self.shared.add_pattern(pattern, Arc::clone(&behaviour));
        Dynamic::new(behaviour, Arc::downgrade(&self.shared))
    }

    /// The namespace of this name, if it is here and its sockets have this type of state.
    pub fn find<S: Send + Sync + 'static>(&self, name: &str) -> Option<Namespace<S>> {
        let namespace = self.shared.find(name)?;
        let fits = namespace.behaviour().has_state::<S>();
        fits.then(|| Namespace::new(namespace))
    }

    /// Lets admins in who look at the server with `@socket.io/admin-ui`: see
    /// [`admin`](crate::admin).
    ///
    /// # Panics
    ///
    /// If it has been called before, the namespace of the admins is declared already or its name
    /// does not begin with `/`, or the operating system has no random bytes.
    pub fn admin(&self, options: Admin) {
        admin::open(&self.shared, self.engine.downgrade(), options);
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The names of all namespaces of this moment, in no order.
    pub fn namespaces(&self) -> Vec<String> {
        self.shared.names()
    }

    /// Sessions that are open at this moment.
    pub fn sessions(&self) -> usize {
        self.engine.sessions()
    }

    /// What the server has done since its start, for metrics.
    pub fn stats(&self) -> Stats {
        let counters = &self.shared.settings().counters;
        counters.snapshot(self.engine.stats())
    }

    /// The server as a service for hyper, tower and axum. It answers the server's path and 404 to
    /// others; [`EngineService::mounted`] is for routers that strip a path.
    pub fn service(&self) -> EngineService {
        self.engine.clone()
    }

    /// Serves connections of `listener` until `shutdown` resolves, then closes.
    ///
    /// # Errors
    ///
    /// As [`EngineService::serve`].
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        self.engine.serve(listener, shutdown).await
    }

    /// Refuses new sessions, lets every session take what is queued for it, and ends them all. Sockets
    /// leave with [`CloseReason::ServerShuttingDown`](engineio::proto::CloseReason).
    ///
    /// To be awaited while requests are still answered: under axum inside the future of
    /// `with_graceful_shutdown`.
    pub async fn close(&self) {
        self.engine.close().await;
    }

    /// Refuses new sessions and ends those that are open little by little over `window`.
    pub async fn drain(&self, window: Duration) {
        self.engine.drain(window).await;
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl engineio::Application for Application {
    fn open(&self, session: SessionHandle) -> Box<dyn Receiver> {
        Box::new(Client::open(&self.0, session))
    }
}
