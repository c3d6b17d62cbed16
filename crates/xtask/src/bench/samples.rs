//! What was measured, and ratios within a round.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use super::work::{Measure, Work};

/// One run of the generator that counts.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) cpu_us: f64,
    pub(super) resident: Option<f64>,
    /// Milliseconds at the 50th, 90th and 99th percentile.
    pub(super) latency: [f64; 3],
    pub(super) generator_share: f64,
    pub(super) misordered: u64,
}

/// By work and peer, one place per round; a run that does not count leaves its place empty.
#[derive(Default)]
pub(super) struct Samples {
    rounds: BTreeMap<(&'static str, &'static str), BTreeMap<usize, Sample>>,
    /// Runs that did not count, in words.
    pub(super) dropped: Vec<String>,
}

/// A median and what it lies between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Sample {
    /// From a line of the generator.
    pub(super) fn parse(report: &Value) -> Option<Self> {
        let latency = &report["latency_ms"];
        Some(Self {
            cpu_us: report["cpu_us_per_unit"].as_f64()?,
            resident: report["resident_per_unit"].as_f64(),
            latency: [
                latency["p50"].as_f64()?,
                latency["p90"].as_f64()?,
                latency["p99"].as_f64()?,
            ],
            generator_share: report["generator_share"].as_f64()?,
            misordered: report["misordered"].as_u64()?,
        })
    }

    /// What a row shows of it.
    pub(super) fn value(&self, work: &Work) -> Option<f64> {
        match work.measure {
            Measure::Cpu => Some(self.cpu_us),
            Measure::Memory => self.resident,
        }
    }
}

impl Samples {
    pub(super) fn add(
        &mut self,
        work: &'static Work,
        peer: &'static str,
        round: usize,
        sample: Sample,
    ) {
        let rounds = self.rounds.entry((work.name, peer)).or_default();
        rounds.insert(round, sample);
    }

    pub(super) fn of(&self, work: &Work, peer: &'static str) -> impl Iterator<Item = &Sample> {
        self.rounds(work, peer).map(|(_, sample)| sample)
    }

    fn rounds(&self, work: &Work, peer: &'static str) -> impl Iterator<Item = (usize, &Sample)> {
        let rounds = self.rounds.get(&(work.name, peer));
        rounds
            .into_iter()
            .flatten()
            .map(|(round, sample)| (*round, sample))
    }

    /// Over the rounds of one peer.
    pub(super) fn value(&self, work: &Work, peer: &'static str) -> Option<Spread> {
        Spread::of(self.of(work, peer).filter_map(|sample| sample.value(work)))
    }

    /// One percentile over the rounds of one peer.
    pub(super) fn latency(
        &self,
        work: &Work,
        peer: &'static str,
        percentile: usize,
    ) -> Option<Spread> {
        Spread::of(self.of(work, peer).map(|sample| sample.latency[percentile]))
    }

    /// Of values of the same round: what slows the machine down slows both.
    pub(super) fn ratio(
        &self,
        (work, peer): (&Work, &'static str),
        (other_work, other_peer): (&Work, &'static str),
    ) -> Option<Spread> {
        let others: BTreeMap<_, _> = self.rounds(other_work, other_peer).collect();
        Spread::of(self.rounds(work, peer).filter_map(|(round, sample)| {
            let other = others.get(&round)?.value(other_work)?;
            Some(sample.value(work)? / other).filter(|ratio| ratio.is_finite())
        }))
    }
}

impl Spread {
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            0 => f64::midpoint(values[middle - 1], values[middle]),
            _ => values[middle],
        };
        Some(Self { median, min, max })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, min, max } = self;
        write!(f, "{median:.2} ({min:.2}–{max:.2})")
    }
}

#[cfg(test)]
mod tests {
    use super::{super::work, *};

    fn sample(cpu_us: f64) -> Sample {
        Sample {
            cpu_us,
            resident: None,
            latency: [0.0; 3],
            generator_share: 0.5,
            misordered: 0,
        }
    }

    #[test]
    fn ratios_are_those_of_the_same_round() {
        let work = work::find("echo").unwrap();
        let mut samples = Samples::default();
        for (round, (ours, theirs)) in [(1.0, 2.0), (3.0, 4.0), (5.0, 5.0)].into_iter().enumerate()
        {
            samples.add(work, "ours", round, sample(ours));
            // The peer's last run did not count.
            if round < 2 {
                samples.add(work, "peer", round, sample(theirs));
            }
        }
        let ratio = samples.ratio((work, "ours"), (work, "peer")).unwrap();
        assert_eq!((ratio.min, ratio.median, ratio.max), (0.5, 0.625, 0.75));
        assert_eq!(samples.value(work, "ours").unwrap().median, 3.0);
        assert_eq!(samples.ratio((work, "ours"), (work, "nobody")), None);
    }
}
