//! What is promised of the servers, and whether it holds.

use super::{
    samples::{Samples, Spread},
    work::{self, Work},
};

/// One promise, judged.
pub(super) struct Judged {
    pub(super) subject: String,
    pub(super) promise: String,
    /// What was measured, in words; empty if nothing was.
    pub(super) measured: String,
    pub(super) verdict: Verdict,
}

/// Whether a promise holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Met,
    Missed,
    /// A peer or a run is missing.
    Unknown,
}

/// The value of a work, ours, is at most so many times that of another.
struct Target {
    work: &'static str,
    against: Against,
    at_most: f64,
}

#[derive(Clone, Copy)]
enum Against {
    /// The bare server that bounds the work.
    Limit,
    Peer(&'static str),
    /// The peer that is best at it.
    BestPeer,
    /// Ours at another work.
    Ours(&'static str),
    /// Ours with two workers, at the same: the ratio is theirs to one worker.
    TwoWorkers,
}

use Against::{BestPeer, Limit, Ours, Peer, TwoWorkers};

const UWS: Against = Peer("uwebsockets");
const OXIDE: Against = Peer("socketioxide");
const NODE: Against = Peer("node-24");

/// Those that anybody would use; bare servers are not among them.
const REAL_PEERS: [&str; 6] = [
    "uwebsockets",
    "socketioxide",
    "node-24",
    "node",
    "bun",
    "python-socketio",
];

const fn at_most(work: &'static str, against: Against, at_most: f64) -> Target {
    Target {
        work,
        against,
        at_most,
    }
}

const TARGETS: &[Target] = &[
    at_most("fanout-100", Limit, 1.15),
    at_most("fanout-1000", Limit, 1.15),
    at_most("fanout-1000", UWS, 0.9),
    at_most("fanout-1000", OXIDE, 0.65),
    at_most("fanout-1000", NODE, 0.5),
    at_most("fanout-5000", Limit, 1.15),
    at_most("fanout-5000", UWS, 0.9),
    at_most("fanout-5000", OXIDE, 0.65),
    at_most("fanout-5000", NODE, 0.5),
    at_most("fanout-1KiB", Limit, 1.2),
    at_most("fanout-1KiB", OXIDE, 0.85),
    at_most("burst", Limit, 1.4),
    at_most("burst", OXIDE, 0.6),
    at_most("burst", NODE, 0.07),
    at_most("topics", Limit, 1.2),
    at_most("topics", OXIDE, 0.7),
    at_most("revision-3", Ours("fanout-1000"), 1.1),
    at_most("polling", OXIDE, 0.8),
    at_most("polling-echo", OXIDE, 0.8),
    at_most("echo", Limit, 1.3),
    at_most("echo", OXIDE, 0.9),
    at_most("connect", OXIDE, 1.0),
    at_most("upgrade", OXIDE, 0.8),
    at_most("idle", UWS, 0.5),
    at_most("idle", OXIDE, 0.25),
    at_most("polling-idle", BestPeer, 0.5),
    at_most("fanout-10000", Ours("fanout-100"), 1.4),
    at_most("million-topics", Ours("one-topic"), 1.4),
    at_most("fanout-1000", TwoWorkers, 1.15),
];

/// Milliseconds from the second handshake to the first answer after it, in the middle.
const UPGRADE_LATENCY: f64 = 10.0;

pub(super) fn judge(samples: &Samples) -> Vec<Judged> {
    let mut judged: Vec<Judged> = TARGETS
        .iter()
        .filter_map(|target| target.judge(samples))
        .collect();
    judged.extend(upgrade_latency(samples));
    judged
}

fn upgrade_latency(samples: &Samples) -> Option<Judged> {
    let latency = samples.latency(work::find("upgrade")?, "ours", 0);
    Some(Judged::at_most(
        "polling connect and upgrade: median latency",
        &format!("≤ {UPGRADE_LATENCY} ms"),
        latency.map(|latency| (latency.median, format!("{:.1} ms", latency.median))),
        UPGRADE_LATENCY,
    ))
}

impl Target {
    fn judge(&self, samples: &Samples) -> Option<Judged> {
        let work = work::find(self.work)?;
        let (whom, ratio) = self.ratio(samples, work)?;
        Some(Judged::at_most(
            work.title,
            &format!("≤ {} × {whom}", self.at_most),
            ratio.map(|ratio| (ratio.median, ratio.to_string())),
            self.at_most,
        ))
    }

    fn ratio(&self, samples: &Samples, work: &Work) -> Option<(String, Option<Spread>)> {
        let to = |peer: &'static str| samples.ratio((work, "ours"), (work, peer));
        Some(match self.against {
            Limit => ("limit".into(), to(work.limit)),
            Peer(peer) => (peer.into(), to(peer)),
            BestPeer => match best(samples, work) {
                Some(best) => (format!("best peer ({best})"), to(best)),
                None => ("best peer".into(), None),
            },
            Ours(other) => {
                let other = work::find(other)?;
                let ratio = samples.ratio((work, "ours"), (other, "ours"));
                (format!("\u{201c}{}\u{201d}", other.title), ratio)
            }
            TwoWorkers => (
                "one worker, with two".into(),
                samples.ratio((work, "ours-two"), (work, "ours")),
            ),
        })
    }
}

fn best(samples: &Samples, work: &Work) -> Option<&'static str> {
    let values = REAL_PEERS
        .iter()
        .filter_map(|peer| Some((samples.value(work, peer)?.median, *peer)));
    values
        .min_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, peer)| peer)
}

impl Judged {
    /// A measured value and its words against a bound from above.
    pub(super) fn at_most(
        subject: &str,
        promise: &str,
        measured: Option<(f64, String)>,
        bound: f64,
    ) -> Self {
        Self::new(subject, promise, measured, |value| value <= bound)
    }

    /// The same from below.
    pub(super) fn at_least(
        subject: &str,
        promise: &str,
        measured: Option<(f64, String)>,
        bound: f64,
    ) -> Self {
        Self::new(subject, promise, measured, |value| value >= bound)
    }

    fn new(
        subject: &str,
        promise: &str,
        measured: Option<(f64, String)>,
        holds: impl Fn(f64) -> bool,
    ) -> Self {
        let (verdict, measured) = match measured {
            Some((value, words)) if holds(value) => (Verdict::Met, words),
            Some((_, words)) => (Verdict::Missed, words),
            None => (Verdict::Unknown, String::new()),
        };
        Self {
            subject: subject.into(),
            promise: promise.into(),
            measured,
            verdict,
        }
    }

    pub(super) fn line(&self) -> String {
        format!("{} {}: {}", self.subject, self.promise, self.measured)
    }
}

impl Verdict {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "NOT MET",
            Self::Unknown => "no data",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{peers::PEERS, samples::Samples},
        *,
    };

    #[test]
    fn targets_name_works_and_peers_that_exist() {
        for target in TARGETS {
            assert!(work::find(target.work).is_some(), "{}", target.work);
            if let Peer(name) = target.against {
                assert!(PEERS.iter().any(|peer| peer.name == name), "{name}");
            }
            if let Ours(other) = target.against {
                assert!(work::find(other).is_some(), "{other}");
            }
        }
    }

    #[test]
    fn nothing_measured_is_nothing_met() {
        let judged = judge(&Samples::default());
        assert_eq!(judged.len(), TARGETS.len() + 1);
        assert!(
            judged
                .iter()
                .all(|target| target.verdict == Verdict::Unknown)
        );
    }
}
