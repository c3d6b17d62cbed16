//! What waits to be handled by one socket's handlers, in order: pure data, its lock is elsewhere.
//!
//! Bounded: at the limit the client is not read any more, so that at most what has been read by
//! then comes on top (one polling payload).

use std::{collections::VecDeque, mem};

/// The waiting work of one socket.
#[derive(Debug)]
pub(crate) struct Inbox<T> {
    work: VecDeque<Weighed<T>>,
    bytes: usize,
    delivery: Delivery,
    flow: Flow,
    limits: InboxLimits,
}

/// How much may wait for the handlers of one socket before its client is not read any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxLimits {
    /// Events. Default 1,024.
    pub events: usize,
    /// Bytes of their arguments. Default 1 MiB.
    pub bytes: usize,
}

/// What the caller has to do after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) struct Effects {
    /// Nobody delivers: start a deliverer.
    pub(crate) start: bool,
    /// The flow of the client's messages has to change.
    pub(crate) flow: Option<Flow>,
}

/// Whether the client is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Open,
    Blocked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delivery {
    Idle,
    Running,
}

#[derive(Debug)]
struct Weighed<T> {
    work: T,
    bytes: usize,
}

impl<T> Inbox<T> {
    pub(crate) fn new(limits: InboxLimits) -> Self {
        Self {
            work: VecDeque::new(),
            bytes: 0,
            delivery: Delivery::Idle,
            flow: Flow::Open,
            limits,
        }
    }

    /// Appends work. If it says so, the caller starts a deliverer, which takes work with
    /// [`Inbox::next`] until there is none.
    pub(crate) fn push(&mut self, work: T, bytes: usize) -> Effects {
        self.bytes += bytes;
        self.work.push_back(Weighed { work, bytes });
        let start = mem::replace(&mut self.delivery, Delivery::Running) == Delivery::Idle;
        let full = self.work.len() >= self.limits.events || self.bytes >= self.limits.bytes;
        Effects {
            start,
            flow: if full { self.turn(Flow::Blocked) } else { None },
        }
    }

    /// The next work for the deliverer; with none it is dismissed.
    pub(crate) fn next(&mut self) -> (Option<T>, Option<Flow>) {
        let Some(next) = self.work.pop_front() else {
            self.delivery = Delivery::Idle;
            self.work = VecDeque::new();
            return (None, self.turn(Flow::Open));
        };
        self.bytes -= next.bytes;
        (Some(next.work), self.ease())
    }

    /// Drops everything that waits.
    pub(crate) fn clear(&mut self) -> Option<Flow> {
        self.work.clear();
        self.bytes = 0;
        self.turn(Flow::Open)
    }

    /// Reading goes on at half the limit, not at each event below it.
    fn ease(&mut self) -> Option<Flow> {
        let half = self.work.len() <= self.limits.events / 2 && self.bytes <= self.limits.bytes / 2;
        if half { self.turn(Flow::Open) } else { None }
    }

    fn turn(&mut self, flow: Flow) -> Option<Flow> {
        (mem::replace(&mut self.flow, flow) != flow).then_some(flow)
    }
}

impl Default for InboxLimits {
    fn default() -> Self {
        Self {
            events: 1024,
            bytes: 1024 * 1024,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inbox(events: usize, bytes: usize) -> Inbox<&'static str> {
        Inbox::new(InboxLimits { events, bytes })
    }

    fn quiet() -> Effects {
        Effects {
            start: false,
            flow: None,
        }
    }

    #[test]
    fn one_deliverer_at_a_time() {
        let mut inbox = inbox(10, 100);
        assert!(inbox.push("a", 1).start);
        assert!(!inbox.push("b", 1).start);
        assert_eq!(inbox.next().0, Some("a"));
        assert!(!inbox.push("c", 1).start, "the deliverer still runs `a`");
        assert_eq!(inbox.next().0, Some("b"));
        assert_eq!(inbox.next().0, Some("c"));
        assert_eq!(inbox.next().0, None);
        assert!(inbox.push("d", 1).start);
    }

    #[test]
    fn full_by_events_until_half_empty() {
        let mut inbox = inbox(4, 100);
        let _ = inbox.push("a", 1);
        assert_eq!(inbox.push("b", 1), quiet());
        assert_eq!(inbox.push("c", 1), quiet());
        assert_eq!(inbox.push("d", 1).flow, Some(Flow::Blocked));
        assert_eq!(inbox.push("read before the pause", 1).flow, None);
        assert_eq!(inbox.next().1, None);
        assert_eq!(inbox.next().1, None);
        assert_eq!(inbox.next().1, Some(Flow::Open));
    }

    #[test]
    fn full_by_bytes() {
        let mut inbox = inbox(100, 10);
        assert_eq!(inbox.push("large", 10).flow, Some(Flow::Blocked));
        assert_eq!(inbox.next(), (Some("large"), Some(Flow::Open)));
    }

    #[test]
    fn clearing_opens_the_flow_and_keeps_the_deliverer() {
        let mut inbox = inbox(1, 10);
        assert_eq!(inbox.push("a", 1).flow, Some(Flow::Blocked));
        assert_eq!(inbox.clear(), Some(Flow::Open));
        assert!(!inbox.push("b", 0).start);
    }
}
