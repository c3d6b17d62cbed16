//! Connects and upgrades, one after another from several clients at once.

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

/// How many clients come and go.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// Clients that connect at the same time.
    #[arg(long, default_value_t = 16)]
    clients: usize,
}

/// What the clients have counted so far.
#[derive(Default)]
struct Tally {
    connects: Cell<u64>,
    failed: Cell<u64>,
    latencies: RefCell<Vec<Duration>>,
}

pub(crate) async fn connect(options: Options) -> io::Result<Report> {
    let tally = Rc::new(Tally::default());
    for _ in 0..options.clients {
        let (target, tally) = (options.target.clone(), Rc::clone(&tally));
        tokio::task::spawn_local(async move {
            loop {
                let start = Instant::now();
                tally.add(Connection::open(&target).await.map(|_| start.elapsed()));
            }
        });
    }
    measure("connect", &options, &tally).await
}

/// The latency is that of the upgrade alone: from the second handshake to the first frame after it.
pub(crate) async fn upgrade(options: Options) -> io::Result<Report> {
    let tally = Rc::new(Tally::default());
    for _ in 0..options.clients {
        let (target, tally) = (options.target.clone(), Rc::clone(&tally));
        tokio::task::spawn_local(async move {
            loop {
                tally.add(upgrade_once(&target).await);
            }
        });
    }
    measure("upgrade", &options, &tally).await
}

/// As real clients do it: probe beside a parked poll, wait for that poll to end, then `5`.
async fn upgrade_once(target: &Target) -> io::Result<Duration> {
    let mut poller = Poller::open(target).await?;
    let start = Instant::now();
    let sid = format!("&sid={}", poller.sid());
    let mut ignore = |_: &[u8]| {};
    let (probed, drained) = tokio::join!(
        async {
            let mut connection = Connection::handshake(target, &sid).await?;
            connection.send("2probe").await?;
            connection.expect(b"3probe").await?;
            Ok::<_, io::Error>(connection)
        },
        poller.poll(&mut ignore),
    );
    let mut connection = probed?;
    drained?;
    connection.send("5").await?;
    connection.send(r#"427["echo","up"]"#).await?;
    connection.expect(b"437").await?;
    Ok(start.elapsed())
}

async fn measure(work: &'static str, options: &Options, tally: &Tally) -> io::Result<Report> {
    let seconds = options.target.seconds;
    tokio::time::sleep(Duration::from_secs_f64(seconds / 5.0)).await;
    let (before, meter) = (tally.connects.get(), Meter::start(options.target.pid)?);
    tally.latencies.borrow_mut().clear();
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    let connects = tally.connects.get() - before;
    let mut report = meter.finish(work, connects, tally.latencies.take())?;
    report.lost = tally.failed.get();
    Ok(report)
}

impl Tally {
    fn add(&self, outcome: io::Result<Duration>) {
        match outcome {
            Ok(latency) => {
                self.connects.set(self.connects.get() + 1);
                self.latencies.borrow_mut().push(latency);
            }
            Err(_) => self.failed.set(self.failed.get() + 1),
        }
    }
}
