//! What an idle client costs in memory: connected to `/`, in one room.

use std::{io, time::Duration};

use clap::Args;

use crate::{
    Target,
    connection::Connection,
    polling::Poller,
    process,
    report::{Meter, Report},
};

/// How many clients sit there.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// Idle clients.
    #[arg(long, default_value_t = 5000)]
    clients: usize,
}

pub(crate) async fn run(options: Options) -> io::Result<Report> {
    warm_up(&options.target).await?;
    let (before, meter) = (
        process::resident(options.target.pid)?,
        Meter::start(options.target.pid)?,
    );
    let mut clients = Vec::with_capacity(options.clients);
    for _ in 0..options.clients {
        let mut connection = Connection::open(&options.target).await?;
        connection.join("idle").await?;
        clients.push(connection);
    }
    settle(&options, before, meter, "idle").await
}

pub(crate) async fn run_polling(options: Options) -> io::Result<Report> {
    warm_up(&options.target).await?;
    let (before, meter) = (
        process::resident(options.target.pid)?,
        Meter::start(options.target.pid)?,
    );
    for _ in 0..options.clients {
        let mut poller = Poller::open(&options.target).await?;
        poller.join("idle").await?;
        tokio::task::spawn_local(async move { while poller.poll(&mut |_| {}).await.is_ok() {} });
    }
    settle(&options, before, meter, "polling idle").await
}

/// The first clients pay for code and allocator pools that all share.
async fn warm_up(target: &Target) -> io::Result<()> {
    for _ in 0..50 {
        Connection::open(target).await?.join("idle").await?;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    Ok(())
}

async fn settle(
    options: &Options,
    before: u64,
    meter: Meter,
    work: &'static str,
) -> io::Result<Report> {
    tokio::time::sleep(options.target.measured()).await;
    let grown = process::resident(options.target.pid)?.saturating_sub(before);
    let mut report = meter.finish(work, options.clients as u64, Vec::new())?;
    report.resident_per_unit = Some(grown as f64 / options.clients as f64);
    Ok(report)
}
