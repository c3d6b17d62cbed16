//! What the servers are made to do, and in which unit it is counted.

use crate::job::{Error, Pace};

/// One row of the report.
pub(super) struct Work {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// Of the load generator.
    pub(super) arguments: &'static [&'static str],
    pub(super) measure: Measure,
    pub(super) needs: Needs,
    /// The bare server that bounds it.
    pub(super) limit: &'static str,
    runs: Runs,
}

/// What of a sample a row shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// CPU time of the server, in microseconds per unit.
    Cpu,
    /// Resident bytes per client.
    Memory,
}

/// What a server must speak for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    WebSocket,
    Polling,
    /// Clients of revision 3.
    Revision3,
    /// Only asked of ours: how it grows.
    Ours,
}

/// Where it is part of the run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Runs {
    Always,
    /// It takes too long for `--quick`.
    Full,
}

const fn work(
    name: &'static str,
    title: &'static str,
    needs: Needs,
    arguments: &'static [&'static str],
) -> Work {
    Work {
        name,
        title,
        arguments,
        measure: Measure::Cpu,
        needs,
        limit: "epoll-immediate",
        runs: Runs::Always,
    }
}

pub(super) const WORKS: &[Work] = &[
    work(
        "fanout-100",
        "1 topic, 100 subscribers, 64 B",
        Needs::WebSocket,
        &["fanout", "--subscribers", "100"],
    ),
    work(
        "fanout-1000",
        "1 topic, 1,000, 64 B",
        Needs::WebSocket,
        &["fanout", "--subscribers", "1000"],
    ),
    Work {
        runs: Runs::Full,
        ..work(
            "fanout-5000",
            "1 topic, 5,000, 64 B",
            Needs::WebSocket,
            &["fanout", "--subscribers", "5000"],
        )
    },
    work(
        "fanout-1KiB",
        "1 topic, 1,000, 1 KiB",
        Needs::WebSocket,
        &["fanout", "--subscribers", "1000", "--size", "1024"],
    ),
    Work {
        limit: "epoll-deferred",
        ..work(
            "burst",
            "1 topic, 1,000, 16 publishes in flight",
            Needs::WebSocket,
            &["fanout", "--subscribers", "1000", "--in-flight", "16"],
        )
    },
    work(
        "topics",
        "1,000 topics, 1 subscriber each, 100 in flight",
        Needs::WebSocket,
        &[
            "fanout",
            "--subscribers",
            "1000",
            "--topics",
            "1000",
            "--in-flight",
            "100",
        ],
    ),
    work(
        "revision-3",
        "EIO 3 clients, 1 topic, 1,000",
        Needs::Revision3,
        &["fanout", "--subscribers", "1000", "--eio", "3"],
    ),
    work(
        "polling",
        "long-polling, 500",
        Needs::Polling,
        &["polling-fanout", "--subscribers", "500"],
    ),
    work(
        "echo",
        "echo with ack, 100 connections",
        Needs::WebSocket,
        &["echo", "--clients", "100"],
    ),
    work(
        "polling-echo",
        "echo over polling, 100",
        Needs::Polling,
        &["polling-echo", "--clients", "100"],
    ),
    work(
        "connect",
        "connect by WebSocket",
        Needs::WebSocket,
        &["connect"],
    ),
    work(
        "upgrade",
        "polling connect and upgrade",
        Needs::Polling,
        &["upgrade"],
    ),
    Work {
        measure: Measure::Memory,
        ..work(
            "idle",
            "resident bytes per idle WebSocket",
            Needs::WebSocket,
            &["idle", "--clients", "5000"],
        )
    },
    Work {
        measure: Measure::Memory,
        ..work(
            "polling-idle",
            "resident bytes per idle polling session",
            Needs::Polling,
            &["polling-idle", "--clients", "2000"],
        )
    },
    Work {
        runs: Runs::Full,
        ..work(
            "fanout-10000",
            "1 topic, 10,000, 64 B",
            Needs::Ours,
            &["fanout", "--subscribers", "10000"],
        )
    },
    work(
        "one-topic",
        "1 topic, 1 subscriber, 1 in flight",
        Needs::Ours,
        &["fanout", "--subscribers", "1"],
    ),
    Work {
        runs: Runs::Full,
        ..work(
            "million-topics",
            "1,000,000 topics, 1,000 subscribers, 1 in flight",
            Needs::Ours,
            &["fanout", "--subscribers", "1000", "--topics", "1000000"],
        )
    },
];

/// The works of a run, in order.
pub(super) fn chosen(pace: Pace, names: Option<&Vec<String>>) -> Vec<&'static Work> {
    let runs = |work: &&Work| match names {
        Some(names) => names.iter().any(|name| name == work.name),
        None => pace == Pace::Full || work.runs == Runs::Always,
    };
    WORKS.iter().filter(runs).collect()
}

pub(super) fn check_names(names: &[String]) -> Result<(), Error> {
    match names.iter().find(|name| find(name).is_none()) {
        Some(unknown) => {
            let known: Vec<_> = WORKS.iter().map(|work| work.name).collect();
            Err(format!("no work is named {unknown}; there are {}", known.join(", ")).into())
        }
        None => Ok(()),
    }
}

pub(super) fn find(name: &str) -> Option<&'static Work> {
    WORKS.iter().find(|work| work.name == name)
}
