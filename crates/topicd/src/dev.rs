//! `topicd dev`: a server to try things with, which has a user, a thing and values that move.
//!
//! What it makes is made the way its users would make it: accounts and links through the server's
//! own calls, values through the REST API over HTTP.

use std::{fmt, future::Future, io, net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::{
    Config, Server, StartError,
    auth::{AuthError, Login, Secret},
    console::{self, DevTokens},
    store::{NewThing, Right, StoreError},
    token::{NoRandomness, ThingId, Token},
};

mod greeting;
mod sensor;

/// The file in the data folder that keeps the demo's secrets for the next run.
const MEMORY: &str = "dev.json";
const EMAIL: &str = "demo@example.com";

/// A demo that is ready to serve.
#[derive(Debug)]
pub struct Dev {
    server: Server,
    tokens: DevTokens,
    config: Config,
}

/// What the simulated sensor does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sensor {
    /// It writes a temperature and a humidity every second.
    Writes,
    /// There is none.
    Off,
}

/// Why the demo does not start.
#[derive(Debug)]
pub enum DevError {
    /// The server does not.
    Start(StartError),
    /// The file with the demo's secrets cannot be read as such.
    Damaged(PathBuf),
    /// The demo's user or thing could not be made.
    Setup(String),
}

/// The demo's secrets, as they are kept.
#[derive(Serialize, Deserialize)]
struct Memory {
    password: String,
    thing_token: String,
}

impl Dev {
    /// Opens the data folder, and makes the demo's user and thing unless they are there.
    ///
    /// # Errors
    ///
    /// [`DevError`].
    pub async fn open(mut config: Config) -> Result<Self, DevError> {
        config.accounts.registration = true;
        // The demo's own signs in by itself.
        config.console = false;
        let server = Server::open(&config).map_err(DevError::Start)?;
        let known = match recall(&config)? {
            Some(memory) => sign_in(&server, &memory).await?,
            None => None,
        };
        let tokens = match known {
            Some(tokens) => tokens,
            None => make(&server, &config).await?,
        };
        Ok(Self {
            server: server.with_routes(console::demo(tokens.clone())),
            tokens,
            config,
        })
    }

    /// Serves the operator, too: see [`Server::with_admin`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn with_admin(mut self, listener: TcpListener) -> Result<Self, DevError> {
        self.server = self.server.with_admin(listener).map_err(DevError::Start)?;
        Ok(self)
    }

    /// Serves the same on a further listener with TLS: see [`Server::with_tls`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn with_tls(mut self, listener: TcpListener) -> Result<Self, DevError> {
        self.server = self.server.with_tls(listener).map_err(DevError::Start)?;
        Ok(self)
    }

    /// What a newcomer is told: addresses, tokens, a line to write with and one to subscribe with.
    pub fn greeting(&self, address: SocketAddr) -> String {
        greeting::text(address, &self.tokens, &self.config)
    }

    /// Serves until `shutdown` resolves.
    ///
    /// # Errors
    ///
    /// As [`Server::serve`].
    pub async fn serve(
        self,
        listener: TcpListener,
        sensor: Sensor,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let address = listener.local_addr()?;
        let token = self.tokens.thing_token.clone();
        let running = async {
            match sensor {
                Sensor::Writes => sensor::run(address, &token).await,
                Sensor::Off => std::future::pending().await,
            }
        };
        tokio::select! {
            served = self.server.serve(listener, shutdown) => served,
            () = running => Ok(()),
        }
    }
}

/// The secrets of an earlier run.
fn recall(config: &Config) -> Result<Option<Memory>, DevError> {
    let path = config.data_dir.join(MEMORY);
    match std::fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DevError::Setup(format!(
            "cannot read {}: {error}",
            path.display()
        ))),
        Ok(text) => match serde_json::from_slice(&text) {
            Ok(memory) => Ok(Some(memory)),
            Err(_) => Err(DevError::Damaged(path)),
        },
    }
}

/// Makes a user and a thing that is linked to it. The secrets are written last: a run that is ended
/// before that makes others next time.
async fn make(server: &Server, config: &Config) -> Result<DevTokens, DevError> {
    let password = Token::generate()?;
    let (code, token, id) = (Token::generate()?, Token::generate()?, ThingId::generate()?);
    let store = server.store();
    store.create_code(code.digest()).await?;
    let thing = NewThing {
        id,
        token: token.digest(),
        product: None,
    };
    store.activate(code.digest(), thing).await?;
    let memory = Memory {
        password: password.reveal().to_owned(),
        thing_token: token.reveal().to_owned(),
    };
    let session = server.auth().register(login(&memory)).await?;
    let session = server
        .auth()
        .session(&session)
        .await?
        .ok_or(StoreError::Busy)?;
    store.link(session.user, token.digest()).await?;
    remember(config, &memory)?;
    let tokens = sign_in(server, &memory).await?;
    tokens.ok_or_else(|| DevError::Setup("the demo user and thing are gone again".into()))
}

fn remember(config: &Config, memory: &Memory) -> Result<(), DevError> {
    let path = config.data_dir.join(MEMORY);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path);
    let written =
        file.and_then(|file| serde_json::to_writer(file, memory).map_err(io::Error::from));
    written.map_err(|error| DevError::Setup(format!("cannot write {}: {error}", path.display())))
}

/// None if the secrets are of another database: its file was removed, say, and made anew.
async fn sign_in(server: &Server, memory: &Memory) -> Result<Option<DevTokens>, DevError> {
    let here = std::net::Ipv4Addr::LOCALHOST.into();
    let session = match server.auth().login(login(memory), here).await {
        Ok(session) => session,
        Err(AuthError::BadCredentials) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let token = Token::presented(&memory.thing_token);
    let thing = server.store().thing(token.digest(), Right::Own).await?;
    Ok(thing.map(|thing| DevTokens {
        session_token: session.reveal().to_owned(),
        thing_token: memory.thing_token.clone(),
        thing_id: thing.id.as_str().to_owned(),
    }))
}

fn login(memory: &Memory) -> Login {
    // A name of its own for each password: of a run that was ended half way, a user may remain.
    Login {
        app: "demo".into(),
        email: format!("{}-{EMAIL}", memory.password.get(..6).unwrap_or("")),
        password: Secret::new(memory.password.clone()),
    }
}

impl fmt::Display for DevError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => error.fmt(f),
            Self::Damaged(path) => write!(
                f,
                "the demo's secrets in {} are damaged; remove that file, and the next start makes another demo user and thing",
                path.display()
            ),
            Self::Setup(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for DevError {}

impl From<StoreError> for DevError {
    fn from(error: StoreError) -> Self {
        Self::Setup(error.to_string())
    }
}

impl From<AuthError> for DevError {
    fn from(error: AuthError) -> Self {
        Self::Setup(format!("the demo user: {error}"))
    }
}

impl From<NoRandomness> for DevError {
    fn from(_: NoRandomness) -> Self {
        Self::Setup("the operating system gives no random bytes".into())
    }
}
