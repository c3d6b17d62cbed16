//! What the tokens of things are for.

use crate::datetime::Timestamp;

/// Most grants of one thing.
pub(crate) const MAX_GRANTS: u32 = 64;

/// A further token of a thing, for one scope. It can be taken back alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grant {
    /// What it is taken back by, when nobody has the token at hand.
    pub id: GrantId,
    /// What it is for.
    pub scope: Scope,
    /// When it was made.
    pub created: Timestamp,
}

/// The number of a grant. It is never given again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GrantId(pub i64);

/// What a grant is for, and for nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Reads what is stored, and gets live values.
    Read,
    /// Writes values.
    Write,
}

/// What a client wants to do with the token of a thing. A thing's own token gives all of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Right {
    /// What a scope is for.
    Within(Scope),
    /// Become an owner.
    Own,
}

/// What became of a grant that was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Granted {
    /// It is there.
    Made(Grant),
    /// There is no such thing.
    UnknownThing,
    /// The thing has as many as one may have.
    TooMany,
}

impl Right {
    /// To read what is stored, and to get live values.
    pub const READ: Self = Self::Within(Scope::Read);
    /// To write values.
    pub const WRITE: Self = Self::Within(Scope::Write);

    /// The scope that a grant must have for this, if there is one.
    pub fn scope(self) -> Option<Scope> {
        match self {
            Self::Within(scope) => Some(scope),
            Self::Own => None,
        }
    }
}

impl Scope {
    /// Its name, as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// The scope of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Read, Self::Write]
            .into_iter()
            .find(|scope| scope.as_str() == name)
    }
}
