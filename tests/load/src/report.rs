//! What a run prints.

use std::{
    fmt,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::process;

/// The figures of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) work: &'static str,
    /// Deliveries, echoes, connects or connections, by the kind of work.
    pub(crate) units: u64,
    /// CPU time of the server per unit.
    pub(crate) cpu_us_per_unit: f64,
    pub(crate) units_per_second: f64,
    /// Share of one core that the generator itself used: above 0.9 the run does not count.
    pub(crate) generator_share: f64,
    /// Milliseconds from a publish or request to the last effect of it, by percentile.
    pub(crate) latency_ms: Percentiles,
    /// Resident bytes of the server per unit, where memory is what is measured.
    pub(crate) resident_per_unit: Option<f64>,
    /// Milliseconds from the answer of a REST write to its delivery, at the 99th percentile.
    pub(crate) behind_answer_ms: Option<f64>,
    pub(crate) lost: u64,
    /// Out of order, or more than once.
    pub(crate) misordered: u64,
    /// Other bytes than were sent.
    pub(crate) wrong: u64,
}

/// Four points of a distribution.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

/// The accounts at the start of the measured part.
pub(crate) struct Meter {
    pid: u32,
    start: Instant,
    server: Duration,
    own: Duration,
}

impl Meter {
    pub(crate) fn start(pid: u32) -> std::io::Result<Self> {
        Ok(Self {
            pid,
            start: Instant::now(),
            server: process::cpu(pid)?,
            own: process::cpu(std::process::id())?,
        })
    }

    pub(crate) fn finish(
        self,
        work: &'static str,
        units: u64,
        latencies: Vec<Duration>,
    ) -> std::io::Result<Report> {
        let wall = self.start.elapsed().as_secs_f64();
        let server = (process::cpu(self.pid)? - self.server).as_secs_f64();
        let own = (process::cpu(std::process::id())? - self.own).as_secs_f64();
        Ok(Report {
            work,
            units,
            cpu_us_per_unit: server * 1e6 / units.max(1) as f64,
            units_per_second: units as f64 / wall,
            generator_share: own / wall,
            latency_ms: Percentiles::of(latencies),
            resident_per_unit: None,
            behind_answer_ms: None,
            lost: 0,
            misordered: 0,
            wrong: 0,
        })
    }
}

impl Report {
    pub(crate) fn is_clean(&self) -> bool {
        self.lost == 0 && self.misordered == 0 && self.wrong == 0
    }
}

impl Percentiles {
    pub(crate) fn of(mut latencies: Vec<Duration>) -> Self {
        latencies.sort_unstable();
        let at = |share: f64| {
            let index = (latencies.len() as f64 * share) as usize;
            let latency = latencies.get(index.min(latencies.len().saturating_sub(1)));
            latency.map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
        };
        Self {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: at(1.0),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}
