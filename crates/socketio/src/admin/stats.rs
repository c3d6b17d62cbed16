//! The statistics of each second.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
};

use engineio::{EngineService, Stats, proto::Transport};
use serde::Serialize;
use tokio::time::Instant;

use super::timestamp::Timestamp;
use crate::server::Shared;

/// Messages that have passed since somebody looked.
#[derive(Default)]
pub(super) struct Traffic {
    packets_in: AtomicU64,
    bytes_in: AtomicU64,
    packets_out: AtomicU64,
    bytes_out: AtomicU64,
}

/// Which server this is.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Identity {
    server_id: String,
    hostname: String,
    pid: u32,
    #[serde(skip)]
    since: Instant,
}

/// Tells what has happened between two looks.
pub(super) struct Meter {
    engine: Stats,
}

/// The event `server_stats`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServerStats<'a> {
    #[serde(flatten)]
    identity: &'a Identity,
    /// Seconds.
    uptime: f64,
    clients_count: usize,
    polling_clients_count: usize,
    aggregated_events: Vec<Aggregate>,
    namespaces: Vec<NamespaceStats>,
}

/// How often something happened in one second.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Aggregate {
    /// Milliseconds since 1970.
    timestamp: u64,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_type: Option<String>,
    count: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NamespaceStats {
    name: String,
    sockets_count: usize,
}

impl Traffic {
    pub(super) fn came_in(&self, bytes: usize) {
        self.packets_in.fetch_add(1, Ordering::Relaxed);
        self.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn went_out(&self, count: usize, bytes: usize) {
        self.packets_out.fetch_add(count as u64, Ordering::Relaxed);
        let bytes = count.saturating_mul(bytes) as u64;
        self.bytes_out.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What has passed, by the names that the user interface knows; counts from 0 again.
    pub(super) fn take(&self) -> [(&'static str, u64); 4] {
        [
            ("packetsIn", self.packets_in.swap(0, Ordering::Relaxed)),
            ("bytesIn", self.bytes_in.swap(0, Ordering::Relaxed)),
            ("packetsOut", self.packets_out.swap(0, Ordering::Relaxed)),
            ("bytesOut", self.bytes_out.swap(0, Ordering::Relaxed)),
        ]
    }
}

impl Identity {
    pub(super) fn new(server_id: Option<String>) -> Self {
        let hostname = hostname();
        Self {
            server_id: server_id.unwrap_or_else(|| hostname.clone()),
            hostname,
            pid: std::process::id(),
            since: Instant::now(),
        }
    }
}

impl Meter {
    /// Looks for the first time.
    pub(super) fn new(engine: &EngineService) -> Self {
        Self {
            engine: engine.stats(),
        }
    }

    /// What is on the server, and what has happened since the last look.
    pub(super) fn read<'a>(
        &mut self,
        identity: &'a Identity,
        traffic: &Traffic,
        server: &Shared,
        engine: &EngineService,
    ) -> ServerStats<'a> {
        let stats = engine.stats();
        let open = stats.sessions.iter();
        let polling = open.filter(|open| open.transport == Transport::Polling);
        let polling_clients_count = polling.map(|open| open.count).sum();
        ServerStats {
            identity,
            uptime: identity.since.elapsed().as_secs_f64(),
            clients_count: engine.sessions(),
            polling_clients_count,
            aggregated_events: self.since_last(stats, traffic),
            namespaces: namespaces(server),
        }
    }

    fn since_last(&mut self, stats: Stats, traffic: &Traffic) -> Vec<Aggregate> {
        let timestamp = Timestamp::now().whole_second().millis();
        let aggregate = |r#type, sub_type, count| Aggregate {
            timestamp,
            r#type,
            sub_type,
            count,
        };
        let opened = stats.opened - self.engine.opened;
        let mut aggregates = vec![aggregate("rawConnection", None, opened)];
        for (reason, count) in &stats.closed {
            let before = self.engine.closed.get(reason).copied().unwrap_or(0);
            let reason = Some(reason.replace('_', " "));
            aggregates.push(aggregate("rawDisconnection", reason, count - before));
        }
        let passed = traffic.take();
        aggregates.extend(passed.map(|(r#type, count)| aggregate(r#type, None, count)));
        aggregates.retain(|aggregate| aggregate.count > 0);
        self.engine = stats;
        aggregates
    }
}

fn namespaces(server: &Shared) -> Vec<NamespaceStats> {
    let namespaces = server.namespaces(MAX_NAMESPACES).into_iter();
    namespaces
        .map(|namespace| NamespaceStats {
            name: namespace.name().as_str().into(),
            sockets_count: namespace.rooms().len(),
        })
        .collect()
}

/// std does not tell it.
fn hostname() -> String {
    let told = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let told = told.or_else(|| std::env::var("HOSTNAME").ok());
    let told = told.or_else(|| std::env::var("COMPUTERNAME").ok());
    told.map_or_else(|| "localhost".into(), |name| name.trim().into())
}

/// Namespaces that are listed.
const MAX_NAMESPACES: usize = 1000;
