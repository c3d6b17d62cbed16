//! Socket ids: what an application calls one client in one namespace.

use std::{
    borrow::Borrow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use engineio::proto::Sid;

/// The id of a socket.
///
/// In protocol 5 random and unrelated to the session's secret sid. In protocol 4 made from the sid,
/// because those clients derive it themselves (SIO4 6.1): there the id is as secret as the sid, and
/// whoever is told it can speak for the client. Tell clients a name of your own instead. `Display`
/// and `Debug` show such an id shortened.
#[derive(Clone)]
pub struct SocketId {
    text: Arc<str>,
    origin: Origin,
}

#[derive(Clone, Copy)]
enum Origin {
    Random,
    Sid,
}

impl SocketId {
    /// 120 random bits as 20 characters.
    ///
    /// # Errors
    ///
    /// The operating system gave no random bytes.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 15];
        getrandom::fill(&mut bytes)?;
        let text = Sid::from_random(bytes).as_str().into();
        Ok(Self {
            text,
            origin: Origin::Random,
        })
    }

    /// The id that a client of protocol 4 derives: the sid in the root namespace, `/ns#sid` in
    /// others.
    pub(crate) fn derived(namespace: &str, sid: &Sid) -> Self {
        let text = match namespace {
            "/" => sid.as_str().into(),
            other => format!("{other}#{}", sid.as_str()).into(),
        };
        Self {
            text,
            origin: Origin::Sid,
        }
    }

    /// The id of another server's socket, as an adapter was told it. It may be made from a sid, so
    /// that it is shown shortened.
    pub fn remote(text: &str) -> Self {
        Self {
            text: text.into(),
            origin: Origin::Sid,
        }
    }

    /// True if whoever knows the id can speak for the client.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self.origin, Origin::Sid)
    }

    /// The id of a socket that has come back.
    pub(crate) fn restored(text: Arc<str>) -> Self {
        Self {
            text,
            origin: Origin::Random,
        }
    }

    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    #[cfg(test)]
    pub(crate) fn of(text: &str) -> Self {
        Self {
            text: text.into(),
            origin: Origin::Random,
        }
    }

    /// The whole id. In protocol 4 a secret: see [`SocketId`].
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Borrow<str> for SocketId {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for SocketId {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for SocketId {}

/// Equal to that of the text, as `Borrow` demands.
impl Hash for SocketId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl PartialOrd for SocketId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SocketId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.origin, self.text.rsplit_once('#')) {
            (Origin::Random, _) => f.write_str(&self.text),
            (Origin::Sid, None) => write!(f, "{:.4}…", self.text),
            (Origin::Sid, Some((namespace, sid))) => write!(f, "{namespace}#{sid:.4}…"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_made_from_a_sid_is_shown_shortened() {
        let sid = Sid::parse("abcdefgh").unwrap();
        assert_eq!(SocketId::derived("/", &sid).to_string(), "abcd…");
        let elsewhere = SocketId::derived("/chat", &sid);
        assert_eq!(format!("{elsewhere:?}"), "\"/chat#abcd…\"");
        assert_eq!(elsewhere.as_str(), "/chat#abcdefgh");
    }
}
