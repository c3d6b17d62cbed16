//! What the server counts while it works. Every label is of a fixed list of ours: nobody can make the
//! server count without bound.
//!
//! Figures that are looked up only when somebody asks are in `admin/exposition.rs`.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};
use socketio::Delivery;

/// The counters. Cheap to clone; all clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    answers: Family<Status, Counter>,
    values: Counter,
    writes: Histogram,
    fan_out: Histogram,
    deliveries: Family<Outcome, Counter>,
    drops: Family<Reason, Counter>,
    unknown_events: Counter,
    webhooks: Family<Outcome, Counter>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Status {
    status: u16,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// Why something that was to be delivered was not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dropped {
    /// By the policy of its subscription.
    Policy,
    /// The session had ended, or ended because its queue was full.
    SessionEnded,
    /// An HTTP stream was not read fast enough and was cut.
    SlowStream,
}

/// What became of a notice to the receiver of webhooks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// It was taken.
    Taken,
    /// It was not, however often it was tried.
    Failed,
    /// The receiver's certificate was not trusted: it was told nothing.
    Untrusted,
    /// Too much was waiting: it was not tried.
    Missed,
}

impl Metrics {
    /// Counters at zero.
    pub fn new() -> Self {
        // From a tenth of a millisecond to some 13 seconds.
        let latency = || Histogram::new(exponential_buckets(0.0001, 2.0, 18));
        let metrics = Self {
            answers: Family::default(),
            values: Counter::default(),
            writes: latency(),
            fan_out: latency(),
            deliveries: Family::default(),
            drops: Family::default(),
            unknown_events: Counter::default(),
            webhooks: Family::default(),
        };
        // A series that begins at its first count would hide that one from rates.
        metrics.delivered(0, 0);
        for why in [Dropped::Policy, Dropped::SessionEnded, Dropped::SlowStream] {
            metrics.dropped(why, 0);
        }
        for told in [Told::Taken, Told::Failed, Told::Untrusted, Told::Missed] {
            let outcome = told.name();
            drop(metrics.webhooks.get_or_create(&Outcome { outcome }));
        }
        metrics
    }

    /// An answer of the REST API.
    pub fn answered(&self, status: u16) {
        self.answers.get_or_create(&Status { status }).inc();
    }

    /// Values that are on disk and have been pushed, so long after they came.
    pub fn written(&self, values: usize, took: Duration) {
        self.values.inc_by(values as u64);
        self.writes.observe(took.as_secs_f64());
    }

    /// A batch that has been pushed, so long after its commit.
    pub fn fanned_out(&self, took: Duration) {
        self.fan_out.observe(took.as_secs_f64());
    }

    /// Pushes that wait to be sent, each in a place of its own or in that of an older one.
    pub fn delivered(&self, queued: usize, conflated: usize) {
        for (outcome, count) in [("queued", queued), ("conflated", conflated)] {
            let counter = self.deliveries.get_or_create(&Outcome { outcome });
            counter.inc_by(count as u64);
        }
    }

    /// What became of a push to the sockets of one room.
    pub(crate) fn broadcast(&self, delivery: &Delivery) {
        self.delivered(delivery.queued, delivery.conflated);
        self.dropped(Dropped::Policy, delivery.dropped);
        self.dropped(Dropped::SessionEnded, delivery.refused);
    }

    /// Pushes that were not delivered.
    pub fn dropped(&self, why: Dropped, count: usize) {
        let reason = why.name();
        let counter = self.drops.get_or_create(&Reason { reason });
        counter.inc_by(count as u64);
    }

    /// What became of a notice to the receiver of webhooks.
    pub fn told(&self, told: Told) {
        let outcome = told.name();
        self.webhooks.get_or_create(&Outcome { outcome }).inc();
    }

    /// An event of a client that means nothing here.
    pub fn unknown_event(&self) {
        self.unknown_events.inc();
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "rest_answers",
            "Answers of the REST API by status",
            self.answers.clone(),
        );
        registry.register(
            "values_written",
            "Values that are on disk",
            self.values.clone(),
        );
        registry.register(
            "write_seconds",
            "Time from a write until it is on disk and pushed",
            self.writes.clone(),
        );
        registry.register(
            "fan_out_seconds",
            "Time from a commit until its batch is queued for every subscriber",
            self.fan_out.clone(),
        );
        registry.register(
            "deliveries",
            "Pushes that were queued for a subscriber",
            self.deliveries.clone(),
        );
        registry.register(
            "drops",
            "Pushes that did not reach a subscriber, by reason",
            self.drops.clone(),
        );
        registry.register(
            "unknown_events",
            "Events of clients that mean nothing here",
            self.unknown_events.clone(),
        );
        registry.register(
            "webhooks",
            "Notices to the receiver of webhooks, by what became of them",
            self.webhooks.clone(),
        );
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Dropped {
    fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::SessionEnded => "session_ended",
            Self::SlowStream => "slow_stream",
        }
    }
}

impl Told {
    fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Failed => "failed",
            Self::Untrusted => "untrusted",
            Self::Missed => "missed",
        }
    }
}
