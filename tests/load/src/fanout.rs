//! Publishes to rooms and counts what arrives.

use std::{
    io,
    rc::Rc,
    time::{Duration, Instant},
};

use clap::Args;

use crate::{
    Target,
    board::Board,
    connection::Connection,
    polling::Poller,
    report::{Meter, Report},
    wire,
};

/// How many publish what to whom.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// Connected subscribers. With fewer topics several share one; with more each has several.
    #[arg(long, default_value_t = 1000)]
    subscribers: usize,
    /// Rooms; publishes go to them in turn. One count divides the other.
    #[arg(long, default_value_t = 1)]
    topics: usize,
    /// Publishes that may be under way at once.
    #[arg(long, default_value_t = 1)]
    in_flight: u64,
    /// Bytes of each payload.
    #[arg(long, default_value_t = 64)]
    size: usize,
}

/// How subscribers receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    WebSocket,
    Polling,
}

pub(crate) async fn run(options: Options, transport: Transport) -> io::Result<Report> {
    options.check()?;
    let board = Rc::new(Board::new(options.receivers()));
    for index in 0..options.subscribers {
        subscribe(&options, transport, index, &board).await?;
    }
    let mut publisher = Connection::open(&options.target).await?;
    publish_for(&options, &mut publisher, &board, options.target.warm_up()).await?;
    let (before, meter) = (board.delivered(), Meter::start(options.target.pid)?);
    board.take_latencies();
    publish_for(&options, &mut publisher, &board, options.target.measured()).await?;
    let units = board.delivered() - before;
    let mut report = meter.finish("fanout", units, board.take_latencies())?;
    report.lost = board.lost() + u64::from(units == 0);
    report.misordered = board.misordered();
    report.wrong = board.wrong();
    Ok(report)
}

/// Keeps `in_flight` publishes under way until the time is up, then waits for the last.
async fn publish_for(
    options: &Options,
    publisher: &mut Connection,
    board: &Board,
    time: Duration,
) -> io::Result<()> {
    let end = Instant::now() + time;
    let mut burst = Vec::new();
    while Instant::now() < end && board.lost() == 0 {
        burst.clear();
        while board.under_way() < options.in_flight {
            let number = board.begin();
            let topic = number as usize % options.topics;
            let payload = wire::payload(number, options.size);
            let publish = format!(r#"42["publish","t{topic}","{payload}"]"#);
            burst.extend(wire::frame(&publish));
        }
        publisher.send_bytes(&burst).await?;
        board.progress().await;
    }
    while board.under_way() > 0 && board.lost() == 0 {
        board.progress().await;
    }
    Ok(())
}

async fn subscribe(
    options: &Options,
    transport: Transport,
    index: usize,
    board: &Rc<Board>,
) -> io::Result<()> {
    let mut on_text = on_text(options, index, Rc::clone(board));
    match transport {
        Transport::WebSocket => {
            let mut connection = Connection::open(&options.target).await?;
            connection.join_all(options.topics_of(index)).await?;
            tokio::task::spawn_local(async move {
                while let Ok(text) = connection.next().await {
                    on_text(text);
                }
            });
        }
        Transport::Polling => {
            let mut poller = Poller::open(&options.target).await?;
            for topic in options.topics_of(index) {
                poller.join(&topic).await?;
            }
            tokio::task::spawn_local(
                async move { while poller.poll(&mut on_text).await.is_ok() {} },
            );
        }
    }
    Ok(())
}

/// What a subscriber does with each text.
fn on_text(options: &Options, index: usize, board: Rc<Board>) -> impl FnMut(&[u8]) + 'static {
    let step = options.subscribers.min(options.topics);
    let (mut expected, size) = ((index % step) as u64, options.size);
    move |text| {
        let Some(payload) = wire::delivered(text) else {
            return;
        };
        match wire::number(payload, size) {
            Some(number) => {
                board.received(number, expected);
                expected = number + step as u64;
            }
            None => board.garbled(),
        }
    }
}

impl Options {
    fn check(&self) -> io::Result<()> {
        let (few, many) = (
            self.subscribers.min(self.topics),
            self.subscribers.max(self.topics),
        );
        if few == 0 || many % few != 0 || self.in_flight == 0 {
            return Err(io::Error::other("subscribers and topics do not divide"));
        }
        Ok(())
    }

    /// Subscribers of each topic.
    fn receivers(&self) -> usize {
        self.subscribers.div_ceil(self.topics)
    }

    fn topics_of(&self, index: usize) -> impl Iterator<Item = String> {
        let step = self.subscribers.min(self.topics);
        let topics = (index % step..self.topics).step_by(self.subscribers);
        topics.map(|topic| format!("t{topic}"))
    }
}
