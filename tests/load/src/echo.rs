//! Events with an ack, one under way on each connection.

use std::{io, rc::Rc, time::Instant};

use clap::Args;

use crate::{
    Target,
    connection::Connection,
    polling::Poller,
    report::Report,
    tally::{Tally, repeat},
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

pub(crate) async fn run(options: Options) -> io::Result<Report> {
    let tally = Rc::new(Tally::default());
    for _ in 0..options.clients {
        let mut connection = Connection::open(&options.target).await?;
        repeat(&tally, async move || {
            let start = Instant::now();
            connection.send(REQUEST).await?;
            match connection.next().await? {
                text if text == ANSWER.as_bytes() => Ok(start),
                text => Err(unexpected(text)),
            }
        });
    }
    tally.measure("echo", &options.target).await
}

pub(crate) async fn run_polling(options: Options) -> io::Result<Report> {
    let tally = Rc::new(Tally::default());
    for _ in 0..options.clients {
        let mut poller = Poller::open(&options.target).await?;
        repeat(&tally, async move || {
            let start = Instant::now();
            poller.send(REQUEST).await?;
            poller.expect(ANSWER).await?;
            Ok(start)
        });
    }
    tally.measure("polling echo", &options.target).await
}

fn unexpected(text: &[u8]) -> io::Error {
    let text = String::from_utf8_lossy(text).into_owned();
    io::Error::new(io::ErrorKind::InvalidData, text)
}

const REQUEST: &str =
    r#"427["echo","xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]"#;
const ANSWER: &str = r#"437["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]"#;
