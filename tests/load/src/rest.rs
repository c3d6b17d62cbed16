//! Values written to topicd by REST, and when they arrive at a Socket.IO client.
//!
//! Each thing's values are numbered; the client sees to it that every number comes once and in order.

mod listener;
mod things;

use std::{
    io,
    path::PathBuf,
    rc::Rc,
    time::{Duration, Instant},
};

use clap::Args;

use self::{
    listener::{Ledger, listen},
    things::Thing,
};
use crate::{
    Target,
    http::Http,
    report::{Percentiles, Report},
    tally::{Tally, repeat},
};

/// Who writes how much.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// A file with activation codes, one a line: each becomes a thing. There are at least as many as
    /// writers, and enough that no thing meets its rate limit.
    #[arg(long)]
    codes: PathBuf,
    /// Token of a user's session, who links the things and listens.
    #[arg(long)]
    session: String,
    /// Connections that write, each with one request under way.
    #[arg(long, default_value_t = 64)]
    writers: usize,
    /// Values in each request.
    #[arg(long, default_value_t = 1)]
    batch: usize,
    /// Requests a second of all writers together; without it as many as are answered.
    #[arg(long)]
    rate: Option<f64>,
}

/// The units are values that are on disk; the latency is that from request to answer.
pub(crate) async fn run(options: Options) -> io::Result<Report> {
    let things = things::activate(&options).await?;
    let ledger = Rc::new(Ledger::new(&things));
    listen(&options, Rc::clone(&ledger)).await?;
    let tally = Rc::new(Tally::default());
    let writers = options.writers.max(1);
    let mut shares: Vec<Vec<(usize, Thing)>> = (0..writers).map(|_| Vec::new()).collect();
    for (index, thing) in things.into_iter().enumerate() {
        shares[index % writers].push((index, thing));
    }
    for (writer, share) in shares.into_iter().enumerate() {
        let http = Http::open(options.target.address).await?;
        let pace = Pace::new(&options, writer);
        write_on(&tally, &ledger, http, share, pace, options.batch);
    }
    tokio::time::sleep(options.target.warm_up()).await;
    ledger.forget_delays();
    let mut report = tally.measure("rest", &options.target).await?;
    report.units *= options.batch as u64;
    report.units_per_second *= options.batch as f64;
    report.cpu_us_per_unit /= options.batch as f64;
    report.behind_answer_ms = Some(Percentiles::of(ledger.take_delays()).p99);
    report.lost += ledger.missing_after_a_second().await;
    report.misordered = ledger.misordered();
    Ok(report)
}

/// One writer takes its things in turn.
fn write_on(
    tally: &Rc<Tally>,
    ledger: &Rc<Ledger>,
    mut http: Http,
    share: Vec<(usize, Thing)>,
    mut pace: Pace,
    batch: usize,
) {
    let ledger = Rc::clone(ledger);
    let mut turn = 0;
    repeat(tally, async move || {
        pace.wait().await;
        let (index, thing) = &share[turn % share.len()];
        turn += 1;
        let first = ledger.begin(*index, batch);
        let values: Vec<String> = (first..first + batch as u64)
            .map(|number| format!(r#"{{"key":"{KEY}","value":"{number}"}}"#))
            .collect();
        let body = format!(r#"{{"values":[{}]}}"#, values.join(","));
        let target = format!("/v2/things/{}", thing.token);
        let start = Instant::now();
        http.post(&target, "Content-Type: application/json\r\n", &body)
            .await?;
        ledger.answered(*index, first, batch);
        Ok(start)
    });
}

/// When the next request of a writer is due.
struct Pace {
    next: Instant,
    step: Duration,
}

impl Pace {
    /// Writers start one after the other, so that their requests are spread evenly.
    fn new(options: &Options, writer: usize) -> Self {
        let apart = options
            .rate
            .map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate));
        Self {
            next: Instant::now() + apart * writer as u32,
            step: apart * options.writers as u32,
        }
    }

    async fn wait(&mut self) {
        tokio::time::sleep_until(self.next.into()).await;
        self.next += self.step;
    }
}

/// The resource that all things write.
const KEY: &str = "load";
