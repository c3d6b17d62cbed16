//! Socket ids: what an application calls one client in one namespace.

use std::{borrow::Borrow, fmt, sync::Arc};

use engineio::proto::Sid;

/// The id of a socket.
///
/// In protocol 5 random and unrelated to the session's secret sid; in protocol 4 made from the sid,
/// because those clients derive it themselves (SIO5 6.1).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(Arc<str>);

impl SocketId {
    /// 120 random bits as 20 characters.
    ///
    /// # Errors
    ///
    /// The operating system gave no random bytes.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 15];
        getrandom::fill(&mut bytes)?;
        Ok(Self(Sid::from_random(bytes).as_str().into()))
    }

    /// The id that a client of protocol 4 derives: the sid in the root namespace, `/ns#sid` in
    /// others.
    pub(crate) fn derived(namespace: &str, sid: &Sid) -> Self {
        match namespace {
            "/" => Self(sid.as_str().into()),
            other => Self(format!("{other}#{}", sid.as_str()).into()),
        }
    }

    #[cfg(test)]
    pub(crate) fn of(text: &str) -> Self {
        Self(text.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for SocketId {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
