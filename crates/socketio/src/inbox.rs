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
    handler: HandlerState,
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

/// Whether the client is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Open,
    Blocked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HandlerState {
    None,
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
            handler: HandlerState::None,
            flow: Flow::Open,
            limits,
        }
    }

    /// Appends work. Like every change it returns the flow to turn to, if it has to change.
    pub(crate) fn push(&mut self, work: T, bytes: usize) -> Option<Flow> {
        self.bytes += bytes;
        self.work.push_back(Weighed { work, bytes });
        let full = self.work.len() >= self.limits.events || self.bytes >= self.limits.bytes;
        if full { self.turn(Flow::Blocked) } else { None }
    }

    /// The next work, unless a handler runs. From then on one does.
    pub(crate) fn begin(&mut self) -> (Option<T>, Option<Flow>) {
        match self.handler {
            HandlerState::Running => (None, None),
            HandlerState::None => self.next(),
        }
    }

    /// The next work for the handler that runs; with none it is dismissed.
    pub(crate) fn next(&mut self) -> (Option<T>, Option<Flow>) {
        let Some(next) = self.work.pop_front() else {
            self.end();
            return (None, None);
        };
        self.handler = HandlerState::Running;
        self.bytes -= next.bytes;
        (Some(next.work), self.ease())
    }

    /// The handler has done what it was given.
    pub(crate) fn end(&mut self) {
        self.handler = HandlerState::None;
        if self.work.is_empty() {
            // An idle socket keeps no queue.
            self.work = VecDeque::new();
        }
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

    #[test]
    fn one_handler_at_a_time() {
        let mut inbox = inbox(10, 100);
        for work in ["a", "b", "c"] {
            assert_eq!(inbox.push(work, 1), None);
        }
        assert_eq!(inbox.begin().0, Some("a"));
        assert_eq!(inbox.begin().0, None, "`a` is still handled");
        inbox.end();
        assert_eq!(inbox.begin().0, Some("b"));
        assert_eq!(inbox.next().0, Some("c"));
        assert_eq!(inbox.next().0, None);
        assert_eq!(inbox.push("d", 1), None);
        assert_eq!(inbox.begin().0, Some("d"));
    }

    #[test]
    fn full_by_events_until_half_empty() {
        let mut inbox = inbox(4, 100);
        for work in ["a", "b", "c"] {
            assert_eq!(inbox.push(work, 1), None);
        }
        assert_eq!(inbox.push("d", 1), Some(Flow::Blocked));
        assert_eq!(inbox.push("read before the pause", 1), None);
        assert_eq!(inbox.begin().1, None);
        assert_eq!(inbox.next().1, None);
        assert_eq!(inbox.next().1, Some(Flow::Open));
    }

    #[test]
    fn full_by_bytes() {
        let mut inbox = inbox(100, 10);
        assert_eq!(inbox.push("large", 10), Some(Flow::Blocked));
        assert_eq!(inbox.begin(), (Some("large"), Some(Flow::Open)));
    }

    #[test]
    fn clearing_opens_the_flow_and_keeps_the_handler() {
        let mut inbox = inbox(1, 10);
        assert_eq!(inbox.push("a", 1), Some(Flow::Blocked));
        assert_eq!(inbox.begin().1, Some(Flow::Open));
        assert_eq!(inbox.push("b", 1), Some(Flow::Blocked));
        assert_eq!(inbox.clear(), Some(Flow::Open));
        assert_eq!(inbox.begin().0, None, "`a` is still handled");
    }
}
