//! Publishes to rooms and counts what arrives.

use std::{
    cell::RefCell,
    io,
    rc::Rc,
    time::{Duration, Instant},
};

use clap::Args;
use tokio::sync::Notify;

use crate::{
    Target,
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
    /// Connected subscribers, spread evenly over the topics.
    #[arg(long, default_value_t = 1000)]
    subscribers: usize,
    /// Rooms; publishes go to them in turn.
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

/// What subscribers tell the publisher.
struct Board {
    /// Subscribers that have not yet received, by publish, oldest first.
    waiting: RefCell<std::collections::VecDeque<usize>>,
    first: RefCell<u64>,
    sent: RefCell<Vec<Instant>>,
    latencies: RefCell<Vec<Duration>>,
    misordered: RefCell<u64>,
    lost: RefCell<u64>,
    progress: Notify,
}

pub(crate) async fn run(options: Options, transport: Transport) -> io::Result<Report> {
    let board = Rc::new(Board::new());
    for index in 0..options.subscribers {
        let topic = format!("t{}", index % options.topics);
        subscribe(
            &options,
            transport,
            &topic,
            index % options.topics,
            Rc::clone(&board),
        )
        .await?;
    }
    let mut publisher = Connection::open(&options.target).await?;
    let seconds = options.target.seconds;
    publish_for(&options, &mut publisher, &board, seconds / 5.0).await?;
    let (before, meter) = (board.delivered(&options), Meter::start(options.target.pid)?);
    board.latencies.borrow_mut().clear();
    publish_for(&options, &mut publisher, &board, seconds).await?;
    let units = board.delivered(&options) - before;
    let latencies = board.latencies.take();
    let mut report = meter.finish("fanout", units, latencies)?;
    report.lost = *board.lost.borrow();
    report.misordered = *board.misordered.borrow();
    Ok(report)
}

/// Keeps `in_flight` publishes under way until the time is up, then waits for the last.
async fn publish_for(
    options: &Options,
    publisher: &mut Connection,
    board: &Board,
    seconds: f64,
) -> io::Result<()> {
    let per_topic = options.subscribers / options.topics;
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let mut burst = Vec::new();
    while Instant::now() < end {
        burst.clear();
        while board.under_way() < options.in_flight {
            let number = board.begin(per_topic);
            let topic = number as usize % options.topics;
            let payload = wire::payload(number, options.size);
            burst.extend(wire::frame(&format!(
                r#"42["publish","t{topic}","{payload}"]"#
            )));
        }
        publisher.send_bytes(&burst).await?;
        board.progress.notified().await;
    }
    let patience = Duration::from_secs(10);
    while board.under_way() > 0 {
        if tokio::time::timeout(patience, board.progress.notified())
            .await
            .is_err()
        {
            *board.lost.borrow_mut() += board.waiting.borrow().iter().sum::<usize>() as u64;
            break;
        }
    }
    Ok(())
}

async fn subscribe(
    options: &Options,
    transport: Transport,
    topic: &str,
    first: usize,
    board: Rc<Board>,
) -> io::Result<()> {
    let (mut expected, step) = (first as u64, options.topics as u64);
    let mut on_text = move |text: &[u8]| {
        if let Some(number) = wire::sequence(text) {
            board.received(number, expected);
            expected = number + step;
        }
    };
    match transport {
        Transport::WebSocket => {
            let mut connection = Connection::open(&options.target).await?;
            connection.join(topic).await?;
            tokio::task::spawn_local(async move {
                while let Ok(text) = connection.next().await {
                    on_text(text);
                }
            });
        }
        Transport::Polling => {
            let mut poller = Poller::open(&options.target).await?;
            poller.join(topic).await?;
            tokio::task::spawn_local(
                async move { while poller.poll(&mut on_text).await.is_ok() {} },
            );
        }
    }
    Ok(())
}

impl Board {
    fn new() -> Self {
        Self {
            waiting: RefCell::default(),
            first: RefCell::new(0),
            sent: RefCell::default(),
            latencies: RefCell::default(),
            misordered: RefCell::new(0),
            lost: RefCell::new(0),
            progress: Notify::new(),
        }
    }

    fn under_way(&self) -> u64 {
        self.waiting.borrow().len() as u64
    }

    /// The number of the next publish, which `receivers` are to get.
    fn begin(&self, receivers: usize) -> u64 {
        let mut sent = self.sent.borrow_mut();
        sent.push(Instant::now());
        self.waiting.borrow_mut().push_back(receivers);
        sent.len() as u64 - 1
    }

    fn received(&self, number: u64, expected: u64) {
        if number != expected {
            *self.misordered.borrow_mut() += 1;
        }
        let mut first = self.first.borrow_mut();
        let mut waiting = self.waiting.borrow_mut();
        let place = number.checked_sub(*first).map(|place| place as usize);
        let Some(left) = place.and_then(|place| waiting.get_mut(place)) else {
            return;
        };
        *left -= 1;
        if *left > 0 {
            return;
        }
        self.latencies
            .borrow_mut()
            .push(self.sent.borrow()[number as usize].elapsed());
        while waiting.front() == Some(&0) {
            waiting.pop_front();
            *first += 1;
        }
        self.progress.notify_one();
    }

    fn delivered(&self, options: &Options) -> u64 {
        *self.first.borrow() * (options.subscribers / options.topics) as u64
    }
}
