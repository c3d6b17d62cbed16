//! Who runs what against which server: the list of suites.

use std::process::Command;

use super::{authority, start_fixture, start_topicd, topicd};
use crate::{
    job::{Error, Job},
    server::Server,
};

/// What all clients of some kinds do, against one server.
pub(crate) struct Suite {
    /// What its table is headed with.
    pub(crate) title: &'static str,
    /// How the folders of its clients begin, and the script that they run; none for those that are
    /// programs themselves.
    scripts: &'static [(&'static str, Option<&'static str>)],
    /// What one run has to report; a step that is missing has failed.
    pub(crate) steps: &'static [&'static str],
    pub(crate) server: fn(&mut Job<'_>, &str) -> Result<Server, Error>,
    pub(crate) line: Line,
}

/// What is between the clients and the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    Direct,
    /// A relay, which the steps cut and mend.
    Relay,
    /// TLS, with a certificate of the run's own authority.
    Tls,
}

pub(crate) const SUITES: [Suite; 6] = [
    Suite {
        title: "the common scenario, against the socketio fixture",
        scripts: &[
            ("socket.io-client-", Some("scenario.mjs")),
            ("socket.io-msgpack-parser-", Some("scenario.mjs")),
            ("python-socketio-", Some("scenario.py")),
            ("rust_socketio-", None),
        ],
        steps: &[
            "connect",
            "auth",
            "namespaces",
            "refusal",
            "events",
            "binary",
            "acks",
            "asks",
            "rooms",
            "leaving",
            "reasons",
            "reconnect",
        ],
        server: start_socketio,
        line: Line::Relay,
    },
    Suite {
        title: "clients that come back, against the socketio fixture",
        scripts: &[
            ("socket.io-client-4", Some("recovery.mjs")),
            ("socket.io-msgpack-parser-", Some("recovery.mjs")),
        ],
        steps: &[
            "recovers",
            "recovers-twice",
            "half-dead",
            "not-after-leaving",
        ],
        server: |job, client| start_socketio_with(job, client, &["recovery"]),
        line: Line::Direct,
    },
    Suite {
        title: "the guide of topicd",
        scripts: &[
            ("socket.io-client-", Some("topicd.mjs")),
            ("python-socketio-", Some("topicd.py")),
        ],
        steps: &[
            "golden",
            "non-ascii",
            "wrong-token",
            "subscribe-before-authenticate",
        ],
        server: start_topicd,
        line: Line::Direct,
    },
    Suite {
        title: "the guide of topicd, over https and wss",
        scripts: &[
            ("socket.io-client-2", Some("topicd.mjs")),
            ("socket.io-client-4", Some("topicd.mjs")),
        ],
        steps: &["golden", "non-ascii", "unknown-authority"],
        server: start_topicd_with_tls,
        line: Line::Tls,
    },
    Suite {
        title: "echoes of the engineio fixture",
        scripts: &[("engine.io-client-", Some("engine.mjs"))],
        steps: &["text", "binary", "non-ascii", "batch"],
        server: |job, _| start_fixture(job, "conformance_engine", &["default-heartbeat"]),
        line: Line::Direct,
    },
    Suite {
        title: "what admins are told, beside the reference",
        scripts: &[("admin-ui-", Some("admin.mjs"))],
        steps: &[
            "credentials",
            "sockets",
            "events",
            "commands",
            "statistics",
            "upgrades",
        ],
        server: start_admin,
        line: Line::Direct,
    },
];

impl Suite {
    /// What a client runs here, if it belongs here.
    pub(crate) fn script(&self, client: &str) -> Option<Option<&'static str>> {
        let found = self
            .scripts
            .iter()
            .find(|(prefix, _)| client.starts_with(prefix));
        found.map(|(_, script)| *script)
    }
}

fn start_socketio(job: &mut Job<'_>, client: &str) -> Result<Server, Error> {
    start_socketio_with(job, client, &["legacy-eio"])
}

/// Both ends have to have the same parser.
fn start_socketio_with(job: &mut Job<'_>, client: &str, options: &[&str]) -> Result<Server, Error> {
    let mut options = [&["default-heartbeat"], options].concat();
    if client.starts_with("socket.io-msgpack-parser-") {
        options.push("msgpack");
    }
    start_fixture(job, "conformance", &options)
}

fn start_topicd_with_tls(job: &mut Job<'_>, client: &str) -> Result<Server, Error> {
    let signed = authority::sign(job)?;
    let mut command = topicd(job, client)?;
    command
        .env("TOPICD_TLS_LISTEN", "127.0.0.1:0")
        .env("TOPICD_TLS_CERTIFICATE", signed.certificate)
        .env("TOPICD_TLS_KEY", signed.key);
    Server::start(job, command)
}

/// The example of socketio with admins, and the password that `admin.mjs` knows.
fn start_admin(job: &mut Job<'_>, _: &str) -> Result<Server, Error> {
    let mut command = Command::new(job.workspace.built("examples").join("admin"));
    command.arg("0").env("ADMIN_PASSWORD", "rosebud");
    Server::start(job, command)
}
