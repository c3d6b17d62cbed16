//! Clients that do one thing over and over, and the measured part of their run.

use std::{
    cell::{Cell, RefCell},
    io,
    rc::Rc,
    time::{Duration, Instant},
};

use crate::{
    Target,
    report::{Meter, Report},
};

/// What the clients of a run have counted between them.
#[derive(Default)]
pub(crate) struct Tally {
    done: Cell<u64>,
    failed: Cell<u64>,
    wrong: Cell<u64>,
    latencies: RefCell<Vec<Duration>>,
}

/// Repeats `once` until it fails; what it returns is the moment from which its latency counts.
///
/// An error of the kind `InvalidData` says that the server answered, but wrongly.
pub(crate) fn repeat(
    tally: &Rc<Tally>,
    mut once: impl AsyncFnMut() -> io::Result<Instant> + 'static,
) {
    let tally = Rc::clone(tally);
    tokio::task::spawn_local(async move {
        loop {
            match once().await {
                Ok(start) => tally.add(start.elapsed()),
                Err(error) => return tally.fail(&error),
            }
        }
    });
}

impl Tally {
    pub(crate) fn add(&self, latency: Duration) {
        self.done.set(self.done.get() + 1);
        self.latencies.borrow_mut().push(latency);
    }

    pub(crate) fn fail(&self, error: &io::Error) {
        eprintln!("load: a client stops: {error}");
        let count = match error.kind() {
            io::ErrorKind::InvalidData => &self.wrong,
            _ => &self.failed,
        };
        count.set(count.get() + 1);
    }

    /// Warms up, measures, and reports what the clients did meanwhile.
    pub(crate) async fn measure(&self, work: &'static str, target: &Target) -> io::Result<Report> {
        tokio::time::sleep(target.warm_up()).await;
        let (before, meter) = (self.done.get(), Meter::start(target.pid)?);
        self.latencies.borrow_mut().clear();
        tokio::time::sleep(target.measured()).await;
        let done = self.done.get() - before;
        let mut report = meter.finish(work, done, self.latencies.take())?;
        report.wrong = self.wrong.get();
        // A generator that has done nothing has measured nothing.
        report.lost = self.failed.get() + u64::from(done == 0);
        Ok(report)
    }
}
