//! The model of a conformance case: what it is called, what it demands, how it ends.
//!
//! Owns no input or output. A case is a constant plus one small function; the function talks to the
//! server through a [`Peer`] and returns [`Check`].

use std::{fmt, io};

use crate::peer::Peer;
use crate::transcript::Line;

/// One row of the table of cases.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// The row's id, such as `H1`; unique over all groups.
    pub(crate) id: &'static str,
    /// Section of the protocol reference the row rests on, such as `EIO4 2.3`.
    pub(crate) clause: &'static str,
    pub(crate) level: Level,
    /// What the server has to do, as one phrase.
    pub(crate) title: &'static str,
    /// Server options without which the case makes no sense.
    pub(crate) needs: &'static [ServerOption],
    /// Server options under which the case makes no sense.
    pub(crate) without: &'static [ServerOption],
    pub(crate) company: Company,
    pub(crate) run: fn(&Peer) -> Check,
}

impl Case {
    /// A case every server has to pass.
    pub(crate) const fn must(id: &'static str, clause: &'static str) -> Draft {
        Draft {
            id,
            clause,
            level: Level::Must,
            title: "",
        }
    }

    /// Behaviour of the reference that clients rely on but no specification demands.
    pub(crate) const fn should(id: &'static str, clause: &'static str) -> Draft {
        Draft {
            id,
            clause,
            level: Level::Should,
            title: "",
        }
    }

    /// Several outcomes pass; the function lists them. A crash, a hang or an effect on another
    /// session never does.
    pub(crate) const fn tolerant(id: &'static str, clause: &'static str) -> Draft {
        Draft {
            id,
            clause,
            level: Level::Tolerant,
            title: "",
        }
    }

    /// The same case, run only against a server that has these options.
    pub(crate) const fn needs(self, needs: &'static [ServerOption]) -> Self {
        Self { needs, ..self }
    }

    /// The same case, run while no other is: it loads the server so that others would be late.
    pub(crate) const fn alone(self) -> Self {
        Self {
            company: Company::None,
            ..self
        }
    }

    /// The same case, run only against a server that has none of these options.
    pub(crate) const fn without(self, without: &'static [ServerOption]) -> Self {
        Self { without, ..self }
    }
}

/// A case that has no function yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft {
    id: &'static str,
    clause: &'static str,
    level: Level,
    title: &'static str,
}

impl Draft {
    /// What the server has to do, as one phrase.
    pub(crate) const fn title(self, title: &'static str) -> Self {
        Self { title, ..self }
    }

    /// How it is found out.
    pub(crate) const fn run(self, run: fn(&Peer) -> Check) -> Case {
        let Self {
            id,
            clause,
            level,
            title,
        } = self;
        let company = Company::Others;
        Case {
            id,
            clause,
            level,
            title,
            needs: &[],
            without: &[],
            company,
            run,
        }
    }
}

/// Cases of one section, in one file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    /// Path of the group, such as `eio4/handshake`; `--group` takes any prefix of it.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) layer: Layer,
    /// Server options without which none of the cases makes sense.
    pub(crate) needs: &'static [ServerOption],
    pub(crate) cases: &'static [Case],
}

/// Which fixture the cases of a group talk to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    /// The Engine.IO echo server.
    Engine,
    /// The Socket.IO fixture.
    Socket,
}

/// What may run at the same time as a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    Others,
    None,
}

/// How binding a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Must,
    Should,
    Tolerant,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::Tolerant => "tolerant",
        })
    }
}

/// A non-default setting of the server under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ServerOption {
    /// Revision 3 is served; assumed unless `eio3-off` is given.
    Eio3,
    /// Revision 3 is refused.
    Eio3Off,
    /// Polling by script tags is on.
    Jsonp,
    /// Any origin is allowed (`Access-Control-Allow-Origin: *`).
    Cors,
    /// Only the origin `http://allowed.example` is allowed.
    CorsOrigin,
    /// Origins are echoed with credentials, for old browser clients.
    CorsLegacy,
    /// The handshake sets the cookie `io`.
    Cookie,
    /// Polling answers of 1024 bytes and more are compressed.
    Compression,
    /// The upgrade to WebSocket is switched off, only polling is served.
    NoUpgrades,
    /// The server's first message is `ready`, within the first payload.
    InitialPacket,
    /// Requests with the query key `refuse` are refused by a hook of the application.
    Hook,
    /// Every answer carries `x-every: 1`, handshake answers also `x-initial: 1`.
    HeaderHooks,
    /// The path is also served without its trailing slash.
    NoTrailingSlash,
    /// Connection state recovery is on.
    Recovery,
    /// The msgpack parser replaces the JSON parser.
    Msgpack,
}

impl ServerOption {
    /// Whether the option shows in so many answers that only the cases about it make sense.
    pub(crate) fn stands_apart(self) -> bool {
        matches!(
            self,
            Self::NoUpgrades | Self::InitialPacket | Self::Recovery | Self::Msgpack
        )
    }
}

impl fmt::Display for ServerOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match clap::ValueEnum::to_possible_value(self) {
            Some(value) => f.write_str(value.get_name()),
            None => Ok(()),
        }
    }
}

/// What a case function returns.
pub(crate) type Check = Result<(), Failure>;

/// Why a case did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) expected: String,
    pub(crate) received: String,
}

impl Failure {
    pub(crate) fn new(expected: impl Into<String>, received: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            received: received.into(),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new("a working connection", error.to_string())
    }
}

/// `Ok` if `holds`, else the failure that the two phrases make.
pub(crate) fn ensure(
    holds: bool,
    expected: impl Into<String>,
    received: impl Into<String>,
) -> Check {
    if holds {
        Ok(())
    } else {
        Err(Failure::new(expected, received))
    }
}

/// How a case ended.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    Passed,
    Failed(Failure),
    /// The server is not configured for this case.
    Skipped(Skip),
}

/// Why a case was not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Skip {
    Needs(ServerOption),
    NotWith(ServerOption),
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Needs(option) => write!(f, "needs --with {option}"),
            Self::NotWith(option) => write!(f, "makes no sense with {option}"),
        }
    }
}

/// One case together with its outcome.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) group: &'static Group,
    pub(crate) case: &'static Case,
    pub(crate) verdict: Verdict,
    /// Time taken, in milliseconds.
    pub(crate) milliseconds: u128,
    /// What went over the wire.
    pub(crate) transcript: Vec<Line>,
}
