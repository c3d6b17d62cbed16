//! The middleware of the admin namespace: nobody gets in without credentials.

use std::sync::Weak;

use engineio::proto::Version;
use serde::Deserialize;
use tokio::time::Instant;

use super::{Credentials, MAX_ADMINS, credentials::Busy, guesses::Guesses, logins::Logins};
use crate::{ConnectRequest, Refusal, server::Shared};

/// Decides who gets in.
pub(super) struct Gate {
    credentials: Credentials,
    guesses: Guesses,
    logins: Logins,
    server: Weak<Shared>,
}

/// An admin who got in.
pub(super) struct Entrant {
    /// The session id to come back with, for whoever has shown a password.
    pub(super) login: Option<String>,
}

/// What the user interface sends as `auth`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Auth {
    username: Option<String>,
    password: Option<String>,
    session_id: Option<String>,
}

impl Gate {
    pub(super) fn new(credentials: Credentials, server: Weak<Shared>) -> Self {
        Self {
            credentials,
            guesses: Guesses::default(),
            logins: Logins::default(),
            server,
        }
    }

    pub(super) async fn admit(&self, request: &ConnectRequest) -> Result<Entrant, Refusal> {
        let admitted = self.check(request).await;
        let peer = request.handshake().peer();
        match &admitted {
            Ok(_) => tracing::info!(?peer, "admin let in"),
            Err(refusal) => tracing::warn!(?peer, reason = refusal.message(), "admin refused"),
        }
        admitted
    }

    async fn check(&self, request: &ConnectRequest) -> Result<Entrant, Refusal> {
        // Clients of protocol 4 have nothing but the query to bring a password in, and queries are
        // logged everywhere.
        if request.handshake().version() != Version::V4 {
            return Err(invalid());
        }
        let auth: Auth = request.auth().map_err(|_| invalid())?;
        let known = |id| self.logins.knows(id, Instant::now());
        let login = match auth {
            Auth { session_id, .. } if session_id.as_deref().is_some_and(known) => None,
            Auth {
                username: Some(username),
                password: Some(password),
                ..
            } => Some(self.log_in(request, username, password).await?),
            _ => return Err(invalid()),
        };
        self.check_room(request)?;
        Ok(Entrant { login })
    }

    async fn log_in(
        &self,
        request: &ConnectRequest,
        username: String,
        password: String,
    ) -> Result<String, Refusal> {
        let address = request.handshake().peer().map(|peer| peer.ip());
        let guess = self.guesses.count(address, Instant::now());
        let guess = guess.map_err(|_| too_many())?;
        match self.credentials.are(username, password).await {
            Ok(true) => self.guesses.forgive(&guess),
            Ok(false) => return Err(invalid()),
            Err(Busy) => {
                // Nobody has looked at it.
                self.guesses.forgive(&guess);
                return Err(too_many());
            }
        }
        let login = self.logins.open(Instant::now());
        login.map_err(|_| Refusal::new("internal error"))
    }

    fn check_room(&self, request: &ConnectRequest) -> Result<(), Refusal> {
        let server = self.server.upgrade();
        let namespace = server.and_then(|server| server.find(request.namespace()));
        let admins = namespace.map_or(0, |namespace| namespace.rooms().len());
        if admins < MAX_ADMINS {
            Ok(())
        } else {
            Err(Refusal::new("too many admins"))
        }
    }
}

fn too_many() -> Refusal {
    Refusal::new("too many attempts")
}

/// The user interface asks for the password again when it reads exactly this.
fn invalid() -> Refusal {
    Refusal::new("invalid credentials")
}
