//! Connects and upgrades, one after another from several clients at once.

use std::{io, rc::Rc, time::Instant};

use clap::Args;

use crate::{
    Target,
    connection::Connection,
    polling::Poller,
    report::Report,
    tally::{Tally, repeat},
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

pub(crate) async fn connect(options: Options) -> io::Result<Report> {
    let tally = Rc::new(Tally::default());
    for _ in 0..options.clients {
        let target = options.target.clone();
        repeat(&tally, async move || {
            let start = Instant::now();
            Connection::open(&target).await?;
            Ok(start)
        });
    }
    tally.measure("connect", &options.target).await
}

/// The latency is that of the upgrade alone: from the second handshake to the first answer after it.
pub(crate) async fn upgrade(options: Options) -> io::Result<Report> {
    let tally = Rc::new(Tally::default());
    for _ in 0..options.clients {
        let target = options.target.clone();
        repeat(&tally, async move || upgrade_once(&target).await);
    }
    tally.measure("upgrade", &options.target).await
}

/// As real clients do it: probe beside a parked poll, wait for that poll to end, then `5`.
async fn upgrade_once(target: &Target) -> io::Result<Instant> {
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
    connection.expect(br#"437["up"]"#).await?;
    Ok(start)
}
