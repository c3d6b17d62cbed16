//! Runs the chosen cases on a few threads and keeps their records in order.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::case::{Case, Company, Failure, Group, Record, ServerOption, Skip, Verdict};
use crate::peer::Peer;
use crate::target::Target;

/// A case and the group it is listed in.
type Chosen = (&'static Group, &'static Case);

/// Runs every case and returns the records in the order of `cases`.
///
/// Most of a case is waiting, so `jobs` may well exceed the number of processors. The cases that
/// must be alone run one after the other when the others are done.
pub(crate) fn run(target: &Target, cases: &[Chosen], jobs: usize) -> Vec<Record> {
    let with = |company| {
        cases
            .iter()
            .filter(move |(_, case)| case.company == company)
    };
    let together: Vec<Chosen> = with(Company::Others).copied().collect();
    let mut records = run_together(target, &together, jobs);
    records.extend(with(Company::None).map(|(group, case)| run_case(target, group, case)));
    records.sort_by_key(|record| {
        cases
            .iter()
            .position(|(_, case)| case.id == record.case.id)
            .unwrap_or(usize::MAX)
    });
    records
}

fn run_together(target: &Target, cases: &[Chosen], jobs: usize) -> Vec<Record> {
    let next = AtomicUsize::new(0);
    let records = Mutex::new(Vec::with_capacity(cases.len()));
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while let Some((group, case)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let record = run_case(target, group, case);
                    records
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(record);
                }
            });
        }
    });
    records.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn run_case(target: &Target, group: &'static Group, case: &'static Case) -> Record {
    if let Some(skip) = skip(target, group, case) {
        let verdict = Verdict::Skipped(skip);
        return Record {
            group,
            case,
            verdict,
            milliseconds: 0,
            transcript: Vec::new(),
        };
    }
    let peer = Peer::new(Rc::new(target.clone()));
    // A bug in one case must not cost the report of the others.
    let check = catch_unwind(AssertUnwindSafe(|| (case.run)(&peer)))
        .unwrap_or_else(|_| Err(Failure::new("a working case", "a panic inside siospec")));
    let transcript = peer.into_transcript();
    let verdict = match check {
        Ok(()) => Verdict::Passed,
        Err(failure) => Verdict::Failed(failure),
    };
    let milliseconds = transcript.milliseconds();
    Record {
        group,
        case,
        verdict,
        milliseconds,
        transcript: transcript.into_lines(),
    }
}

fn skip(target: &Target, group: &Group, case: &Case) -> Option<Skip> {
    let needs = |option: &ServerOption| group.needs.contains(option) || case.needs.contains(option);
    let missing = group
        .needs
        .iter()
        .chain(case.needs)
        .find(|option| !target.has(**option));
    let contrary = target
        .options
        .iter()
        .find(|option| case.without.contains(option) || (option.stands_apart() && !needs(option)));
    missing
        .copied()
        .map(Skip::Needs)
        .or_else(|| contrary.copied().map(Skip::NotWith))
}
