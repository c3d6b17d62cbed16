//! What subscribers tell the publisher: which publishes are under way, and what went wrong.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    time::{Duration, Instant},
};

use tokio::sync::Notify;

/// A publish without progress for so long is lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// The publishes of one run.
pub(crate) struct Board {
    /// Subscribers of each publish.
    receivers: usize,
    /// The oldest publish under way.
    first: Cell<u64>,
    /// Those under way, oldest first.
    under_way: RefCell<VecDeque<UnderWay>>,
    latencies: RefCell<Vec<Duration>>,
    lost: Cell<u64>,
    misordered: Cell<u64>,
    wrong: Cell<u64>,
    progress: Notify,
}

struct UnderWay {
    sent: Instant,
    /// Subscribers that have not received it.
    waiting: usize,
}

impl Board {
    pub(crate) fn new(receivers: usize) -> Self {
        Self {
            receivers,
            first: Cell::new(0),
            under_way: RefCell::default(),
            latencies: RefCell::default(),
            lost: Cell::new(0),
            misordered: Cell::new(0),
            wrong: Cell::new(0),
            progress: Notify::new(),
        }
    }

    pub(crate) fn under_way(&self) -> u64 {
        self.under_way.borrow().len() as u64
    }

    /// The number of the next publish.
    pub(crate) fn begin(&self) -> u64 {
        let mut under_way = self.under_way.borrow_mut();
        under_way.push_back(UnderWay {
            sent: Instant::now(),
            waiting: self.receivers,
        });
        self.first.get() + under_way.len() as u64 - 1
    }

    /// A subscriber that waits for `expected` got `number`.
    pub(crate) fn received(&self, number: u64, expected: u64) {
        if number != expected {
            self.misordered.set(self.misordered.get() + 1);
        }
        let mut under_way = self.under_way.borrow_mut();
        let place = number.checked_sub(self.first.get());
        let publish = place.and_then(|place| under_way.get_mut(place as usize));
        let Some(publish) = publish.filter(|publish| publish.waiting > 0) else {
            return;
        };
        publish.waiting -= 1;
        if publish.waiting > 0 {
            return;
        }
        self.latencies.borrow_mut().push(publish.sent.elapsed());
        while under_way
            .pop_front_if(|publish| publish.waiting == 0)
            .is_some()
        {
            self.first.set(self.first.get() + 1);
        }
        self.progress.notify_one();
    }

    /// A subscriber got a payload that nobody has published.
    pub(crate) fn garbled(&self) {
        self.wrong.set(self.wrong.get() + 1);
    }

    /// Waits until a publish has reached everybody, or gives up on those under way.
    pub(crate) async fn progress(&self) {
        if tokio::time::timeout(PATIENCE, self.progress.notified())
            .await
            .is_err()
        {
            let under_way = self.under_way.borrow();
            let waiting: usize = under_way.iter().map(|publish| publish.waiting).sum();
            self.lost.set(self.lost.get() + waiting as u64);
        }
    }

    /// Deliveries of publishes that have reached everybody, as have all before them.
    pub(crate) fn delivered(&self) -> u64 {
        self.first.get() * self.receivers as u64
    }

    pub(crate) fn take_latencies(&self) -> Vec<Duration> {
        self.latencies.take()
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.get()
    }

    pub(crate) fn misordered(&self) -> u64 {
        self.misordered.get()
    }

    pub(crate) fn wrong(&self) -> u64 {
        self.wrong.get()
    }
}

#[cfg(test)]
mod tests {
    use super::Board;

    #[test]
    fn a_publish_ends_when_everybody_has_it() {
        let board = Board::new(2);
        assert_eq!((board.begin(), board.begin()), (0, 1));
        board.received(0, 0);
        board.received(1, 1);
        board.received(1, 1);
        // The second has reached everybody, the first has not.
        assert_eq!((board.under_way(), board.delivered()), (2, 0));
        board.received(0, 0);
        assert_eq!((board.under_way(), board.delivered()), (0, 4));
        assert_eq!(board.begin(), 2);
        assert_eq!(board.misordered(), 0);
    }

    #[test]
    fn disorder_and_repetition_are_counted() {
        let board = Board::new(1);
        board.begin();
        board.begin();
        board.received(1, 0);
        board.received(1, 2);
        assert_eq!(board.misordered(), 2);
        assert_eq!(board.under_way(), 2);
    }
}
