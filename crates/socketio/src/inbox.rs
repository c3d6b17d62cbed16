//! What waits to be handled by one socket's handlers, in order: pure data, its lock is elsewhere.
//!
//! Bounded: at the limit the client is not read any more, so that at most what has been read by
//! then comes on top (one polling payload).

use std::mem;

use engineio::proto::ShortQueue;

/// The waiting work of one socket.
#[derive(Debug)]
pub(crate) struct Inbox<T> {
    work: ShortQueue<Weighed<T>>,
    bytes: usize,
    handlers: Handlers,
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

/// Whether work may be handled at the same time as other work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Company {
    /// It begins when everything before it has ended, and nothing begins before it has ended.
    Alone,
    /// As much of it at once as the application allows.
    Others,
}

/// Who handles the work that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handlers {
    Alone,
    /// So many.
    Others(usize),
}

#[derive(Debug)]
struct Weighed<T> {
    work: T,
    bytes: usize,
    company: Company,
}

impl<T> Inbox<T> {
    pub(crate) fn new(limits: InboxLimits) -> Self {
        Self {
            work: ShortQueue::default(),
            bytes: 0,
            handlers: Handlers::Others(0),
            flow: Flow::Open,
            limits,
        }
    }

    /// Appends work. Like every change it returns the flow to turn to, if it has to change.
    pub(crate) fn push(&mut self, work: T, company: Company, bytes: usize) -> Option<Flow> {
        self.bytes += bytes;
        self.work.push_back(Weighed {
            work,
            bytes,
            company,
        });
        let full = self.work.len() >= self.limits.events || self.bytes >= self.limits.bytes;
        if full { self.turn(Flow::Blocked) } else { None }
    }

    /// The next work, if it may begin beside what is handled: at most `most` at once.
    pub(crate) fn begin(&mut self, most: usize) -> (Option<T>, Option<Flow>) {
        let next = self.work.front().map(|next| next.company);
        self.handlers = match (next, self.handlers) {
            (Some(Company::Alone), Handlers::Others(0)) => Handlers::Alone,
            (Some(Company::Others), Handlers::Others(some)) if some < most => {
                Handlers::Others(some + 1)
            }
            _ => return (None, None),
        };
        let next = self.work.pop_front();
        self.bytes -= next.as_ref().map_or(0, |next| next.bytes);
        (next.map(|next| next.work), self.ease())
    }

    /// A handler has done what it was given.
    pub(crate) fn end(&mut self) {
        self.handlers = match self.handlers {
            Handlers::Alone => Handlers::Others(0),
            Handlers::Others(some) => Handlers::Others(some.saturating_sub(1)),
        };
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

    /// As events come.
    fn push(inbox: &mut Inbox<&'static str>, work: &'static str) -> Option<Flow> {
        inbox.push(work, Company::Others, 1)
    }

    #[test]
    fn one_handler_at_a_time() {
        let mut inbox = inbox(10, 100);
        for work in ["a", "b"] {
            assert_eq!(push(&mut inbox, work), None);
        }
        assert_eq!(inbox.begin(1).0, Some("a"));
        assert_eq!(inbox.begin(1).0, None, "`a` is still handled");
        inbox.end();
        assert_eq!(inbox.begin(1).0, Some("b"));
        inbox.end();
        assert_eq!(inbox.begin(1).0, None);
        assert_eq!(push(&mut inbox, "c"), None);
        assert_eq!(inbox.begin(1).0, Some("c"));
    }

    #[test]
    fn as_many_at_once_as_are_allowed() {
        let mut inbox = inbox(10, 100);
        for work in ["a", "b", "c"] {
            assert_eq!(push(&mut inbox, work), None);
        }
        assert_eq!(inbox.begin(2).0, Some("a"));
        assert_eq!(inbox.begin(2).0, Some("b"));
        assert_eq!(inbox.begin(2).0, None);
        inbox.end();
        assert_eq!(inbox.begin(2).0, Some("c"));
    }

    #[test]
    fn some_work_has_no_company() {
        let mut inbox = inbox(10, 100);
        inbox.push("connected", Company::Alone, 0);
        push(&mut inbox, "event");
        inbox.push("disconnected", Company::Alone, 0);
        assert_eq!(inbox.begin(9).0, Some("connected"));
        assert_eq!(inbox.begin(9).0, None);
        inbox.end();
        assert_eq!(inbox.begin(9).0, Some("event"));
        assert_eq!(inbox.begin(9).0, None, "the event is still handled");
        inbox.end();
        assert_eq!(inbox.begin(9).0, Some("disconnected"));
    }

    #[test]
    fn full_by_events_until_half_empty() {
        let mut inbox = inbox(4, 100);
        for work in ["a", "b", "c"] {
            assert_eq!(push(&mut inbox, work), None);
        }
        assert_eq!(push(&mut inbox, "d"), Some(Flow::Blocked));
        assert_eq!(push(&mut inbox, "read before the pause"), None);
        assert_eq!(inbox.begin(9).1, None);
        assert_eq!(inbox.begin(9).1, None);
        assert_eq!(inbox.begin(9).1, Some(Flow::Open));
    }

    #[test]
    fn full_by_bytes() {
        let mut inbox = inbox(100, 10);
        let flow = inbox.push("large", Company::Others, 10);
        assert_eq!(flow, Some(Flow::Blocked));
        assert_eq!(inbox.begin(1), (Some("large"), Some(Flow::Open)));
    }

    #[test]
    fn clearing_opens_the_flow_and_keeps_the_handler() {
        let mut inbox = inbox(1, 10);
        assert_eq!(push(&mut inbox, "a"), Some(Flow::Blocked));
        assert_eq!(inbox.begin(1).1, Some(Flow::Open));
        assert_eq!(push(&mut inbox, "b"), Some(Flow::Blocked));
        assert_eq!(inbox.clear(), Some(Flow::Open));
        assert_eq!(inbox.begin(1).0, None, "`a` is still handled");
    }
}
