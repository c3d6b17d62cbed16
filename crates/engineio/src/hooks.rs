//! Where an application may have its say before and around a session.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use engineio_proto::{Data, Sid};
use http::{HeaderMap, StatusCode};

use crate::Handshake;

/// The application's say in handshakes and answers. All hooks are off by default.
#[derive(Clone, Default)]
pub struct Hooks {
    allow: Option<Arc<AllowHook>>,
    sid: Option<Arc<SidHook>>,
    headers: Option<Arc<HeadersHook>>,
    initial: Option<Data>,
}

type AllowHook =
    dyn Fn(Handshake) -> Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send>> + Send + Sync;
type SidHook = dyn Fn(&Handshake) -> Option<Sid> + Send + Sync;
type HeadersHook = dyn Fn(Answer, &mut HeaderMap) + Send + Sync;

/// Which answer the header hook sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The one that opens a session: once per session.
    Initial,
    /// Any other, errors included.
    Later,
}

/// A handshake that the application refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status. Default 403.
    pub status: StatusCode,
    /// What the client is told. Default `Forbidden`.
    pub message: String,
}

impl Hooks {
    /// Asks before a session is made; the refusal is answered with code 4, before any 101.
    ///
    /// A hook that takes longer than [`Limits::allow_timeout`](crate::Limits::allow_timeout) is
    /// dropped where it waits, and the handshake gets 503.
    #[must_use]
    pub fn allow<F>(mut self, hook: impl Fn(Handshake) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), Refusal>> + Send + 'static,
    {
        self.allow = Some(Arc::new(move |handshake| Box::pin(hook(handshake))));
        self
    }

    /// Makes the session ids. A hook that returns nothing, or an id that is taken, refuses the
    /// handshake with code 3.
    #[must_use]
    pub fn sid(mut self, hook: impl Fn(&Handshake) -> Option<Sid> + Send + Sync + 'static) -> Self {
        self.sid = Some(Arc::new(hook));
        self
    }

    /// Adds headers to every answer, the 101 included.
    #[must_use]
    pub fn headers(
        mut self,
        hook: impl Fn(Answer, &mut HeaderMap) + Send + Sync + 'static,
    ) -> Self {
        self.headers = Some(Arc::new(hook));
        self
    }

    /// A message that every session gets right behind its open packet.
    #[must_use]
    pub fn initial(mut self, message: Data) -> Self {
        self.initial = Some(message);
        self
    }

    pub(crate) async fn ask(&self, handshake: &Handshake) -> Result<(), Refusal> {
        match &self.allow {
            Some(hook) => hook(handshake.clone()).await,
            None => Ok(()),
        }
    }

    pub(crate) fn make_sid(&self, handshake: &Handshake) -> Option<Option<Sid>> {
        self.sid.as_ref().map(|hook| hook(handshake))
    }

    pub(crate) fn decorate(&self, answer: Answer, headers: &mut HeaderMap) {
        if let Some(hook) = &self.headers {
            hook(answer, headers);
        }
    }

    pub(crate) fn initial_message(&self) -> Option<Data> {
        self.initial.clone()
    }
}

impl Default for Refusal {
    fn default() -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            message: "Forbidden".into(),
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("allow", &self.allow.is_some())
            .field("sid", &self.sid.is_some())
            .field("headers", &self.headers.is_some())
            .field("initial", &self.initial)
            .finish()
    }
}
