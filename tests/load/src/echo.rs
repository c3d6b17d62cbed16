//! Events with an ack, one under way on each connection.

use std::{
    cell::{Cell, RefCell},
    io,
    rc::Rc,
    time::{Duration, Instant},
};

use clap::Args;

use crate::{
    Target,
    connection::Connection,
    polling::Poller,
    report::{Meter, Report},
};

/// How many clients ask.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// Connections, each with one event under way.
    #[arg(long, default_value_t = 100)]
    clients: usize,
}

/// What the clients have counted so far.
#[derive(Default)]
struct Tally {
    echoes: Cell<u64>,
    wrong: Cell<u64>,
    latencies: RefCell<Vec<Duration>>,
}

pub(crate) async fn run(options: Options) -> io::Result<Report> {
    let tally = Rc::new(Tally::default());
    for _ in 0..options.clients {
        let mut connection = Connection::open(&options.target).await?;
        let tally = Rc::clone(&tally);
        tokio::task::spawn_local(async move {
            loop {
                let start = Instant::now();
                if connection.send(REQUEST).await.is_err() {
                    return;
                }
                let Ok(text) = connection.next().await else {
                    return;
                };
                tally.add(text == ANSWER.as_bytes(), start);
            }
        });
    }
    measure("echo", options, &tally).await
}

pub(crate) async fn run_polling(options: Options) -> io::Result<Report> {
    let tally = Rc::new(Tally::default());
    for _ in 0..options.clients {
        let mut poller = Poller::open(&options.target).await?;
        let tally = Rc::clone(&tally);
        tokio::task::spawn_local(async move {
            loop {
                let start = Instant::now();
                if poller.send(REQUEST).await.is_err() || poller.expect(ANSWER).await.is_err() {
                    return;
                }
                tally.add(true, start);
            }
        });
    }
    measure("polling echo", options, &tally).await
}

async fn measure(work: &'static str, options: Options, tally: &Tally) -> io::Result<Report> {
    let seconds = options.target.seconds;
    tokio::time::sleep(Duration::from_secs_f64(seconds / 5.0)).await;
    let (before, meter) = (tally.echoes.get(), Meter::start(options.target.pid)?);
    tally.latencies.borrow_mut().clear();
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    let echoes = tally.echoes.get() - before;
    let mut report = meter.finish(work, echoes, tally.latencies.take())?;
    report.misordered = tally.wrong.get();
    // A generator without a single echo has measured nothing.
    report.lost = u64::from(echoes == 0);
    Ok(report)
}

impl Tally {
    fn add(&self, right: bool, start: Instant) {
        self.echoes.set(self.echoes.get() + 1);
        self.wrong.set(self.wrong.get() + u64::from(!right));
        self.latencies.borrow_mut().push(start.elapsed());
    }
}

const REQUEST: &str =
    r#"427["echo","xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]"#;
const ANSWER: &str = r#"437["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]"#;
