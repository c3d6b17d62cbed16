//! A server in this process, on a folder and a port of its own.

use std::{net::SocketAddr, path::Path, sync::Arc};

use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use topicd::{
    Config, Reloader, Server,
    datetime::Timestamp,
    store::{Retention, Store, Trimmed},
    token::Token,
};

use crate::client::{Answer, call};

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// There if the settings name a certificate.
    pub(crate) tls: Option<SocketAddr>,
    pub(crate) reloader: Reloader,
    pub(crate) config: Config,
    store: Arc<dyn Store>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    folder: TempDir,
}

/// A server that is on its way out.
pub(crate) struct Stopping {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    serving: JoinHandle<()>,
    _folder: TempDir,
}

impl Stopping {
    pub(crate) async fn ended(self) {
        self.serving.await.unwrap();
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// What a user has after the guide's first steps.
pub(crate) struct Guest {
    pub(crate) session: String,
    pub(crate) thing: String,
    pub(crate) thing_id: String,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::configured(|_| {}).await
    }

    pub(crate) async fn configured(configure: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.data_dir = folder.path().to_owned();
        config.accounts.registration = true;
        configure(&mut config);
        let mut server = Server::open(&config).unwrap();
        let store = Arc::clone(server.store());
        let (listener, address) = listen().await;
        let (admin_listener, admin) = listen().await;
        server = server.with_admin(admin_listener).unwrap();
        let mut tls = None;
        if config.tls.certificate.is_some() {
            let (listener, address) = listen().await;
            server = server.with_tls(listener).unwrap();
            tls = Some(address);
        }
        let reloader = server.reloader();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let shutdown = async { drop(stopped.await) };
            server.serve(listener, shutdown).await.unwrap();
        });
        Self {
            address,
            admin,
            tls,
            reloader,
            config,
            store,
            stop,
            serving,
            folder,
        }
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the server the way a signal does. Its folder is there until what is returned is gone.
    pub(crate) async fn stop(self) -> TempDir {
        drop(self.store);
        self.stop.send(()).unwrap();
        self.serving.await.unwrap();
        self.folder
    }

    /// Begins to end the server, as a signal does.
    pub(crate) fn begin_to_stop(self) -> Stopping {
        drop(self.store);
        self.stop.send(()).unwrap();
        Stopping {
            address: self.address,
            admin: self.admin,
            serving: self.serving,
            _folder: self.folder,
        }
    }

    /// One call of the admin API.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: &str) -> Answer {
        let token = std::fs::read_to_string(self.folder().join("admin-token")).unwrap();
        let token = format!("Bearer {}", token.trim());
        call(self.admin, method, path, &token, body).await
    }

    pub(crate) async fn call(&self, method: &str, path: &str, token: &str, body: &str) -> Answer {
        call(self.address, method, path, token, body).await
    }

    /// Keeps the newest value of each resource.
    pub(crate) async fn trim(&self) {
        let retention = Retention {
            days: None,
            values: Some(1),
        };
        let outdated = self.store.outdated(retention, Timestamp::now(), None);
        for cut in outdated.await.unwrap().cuts {
            while self.store.trim(cut).await.unwrap() == Trimmed::Slice {}
        }
    }

    /// A code as the operator makes it.
    pub(crate) async fn code(&self) -> String {
        let code = Token::generate().unwrap();
        self.store.create_code(code.digest()).await.unwrap();
        code.reveal().to_owned()
    }

    pub(crate) async fn user(&self, email: &str) -> String {
        let body = format!(r#"{{"email":"{email}","password":"secret","app":"a"}}"#);
        let answer = self.call("POST", "/v2/register", "", &body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.field("token")
    }

    pub(crate) async fn thing(&self) -> (String, String) {
        let body = format!(r#"{{"activationCode":"{}"}}"#, self.code().await);
        let answer = self.call("POST", "/v2/things", "", &body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        (answer.field("thingToken"), answer.field("thingId"))
    }

    pub(crate) async fn link(&self, session: &str, thing: &str) {
        let body = format!(r#"{{"thingToken":"{thing}"}}"#);
        let answer = self.call("POST", "/v2/me/things", session, &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Registers, activates and links.
    pub(crate) async fn guest(&self) -> Guest {
        let session = self.user("anna@example.com").await;
        let (thing, thing_id) = self.thing().await;
        self.link(&session, &thing).await;
        Guest {
            session,
            thing,
            thing_id,
        }
    }

    pub(crate) async fn write(&self, thing: &str, key: &str, value: &str) {
        let body = format!(r#"{{"values":[{{"key":"{key}","value":{value}}}]}}"#);
        let path = format!("/v2/things/{thing}");
        let answer = self.call("POST", &path, "", &body).await;
        answer.is(201, r#"{"status":"success","message":"created"}"#);
    }
}
