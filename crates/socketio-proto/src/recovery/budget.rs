//! What the memories of all namespaces of a server may hold together.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::RecoveryLimits;

/// A bound that the namespaces of a server share, for clients may choose the names of namespaces.
///
/// When it is reached, whoever holds more than an equal part of it gives up what is oldest. So what
/// is held may go beyond it for a moment, until those who hold much are called next.
#[derive(Debug)]
pub struct RecoveryBudget {
    bytes: Held,
    sockets: Held,
    holders: AtomicUsize,
}

#[derive(Debug)]
struct Held {
    held: AtomicUsize,
    most: usize,
}

/// What one memory holds of a budget.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<RecoveryBudget>,
    bytes: usize,
    sockets: usize,
}

/// Of what a share has more than its part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    Bytes,
    Sockets,
}

impl RecoveryBudget {
    /// A budget of which nothing is held yet.
    pub fn new(limits: &RecoveryLimits) -> Arc<Self> {
        Arc::new(Self {
            bytes: Held::new(limits.max_total_bytes),
            sockets: Held::new(limits.max_total_sockets),
            holders: AtomicUsize::new(0),
        })
    }

    /// Bytes, sockets, and by how many memories they are held.
    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, usize, usize) {
        let held = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        (
            held(&self.bytes.held),
            held(&self.sockets.held),
            held(&self.holders),
        )
    }
}

impl Held {
    fn new(most: usize) -> Self {
        Self {
            held: AtomicUsize::new(0),
            most,
        }
    }

    fn change(&self, from: usize, to: usize) {
        // Most calls change nothing, and the others contend.
        if to > from {
            self.held.fetch_add(to - from, Ordering::Relaxed);
        } else if to < from {
            self.held.fetch_sub(from - to, Ordering::Relaxed);
        }
    }

    fn is_exceeded_by(&self, part: usize, holders: usize) -> bool {
        self.held.load(Ordering::Relaxed) > self.most && part > self.most / holders
    }
}

impl Share {
    pub(super) fn new(budget: &Arc<RecoveryBudget>) -> Self {
        Self {
            budget: Arc::clone(budget),
            bytes: 0,
            sockets: 0,
        }
    }

    /// It holds so much now.
    pub(super) fn resize(&mut self, bytes: usize, sockets: usize) {
        let budget = &self.budget;
        budget.bytes.change(self.bytes, bytes);
        budget.sockets.change(self.sockets, sockets);
        // Whatever is held has some bytes.
        match (self.bytes, bytes) {
            (0, 1..) => budget.holders.fetch_add(1, Ordering::Relaxed),
            (1.., 0) => budget.holders.fetch_sub(1, Ordering::Relaxed),
            _ => 0,
        };
        (self.bytes, self.sockets) = (bytes, sockets);
    }

    pub(super) fn excess(&self) -> Option<Excess> {
        let budget = &self.budget;
        let holders = budget.holders.load(Ordering::Relaxed).max(1);
        if budget.sockets.is_exceeded_by(self.sockets, holders) {
            Some(Excess::Sockets)
        } else if budget.bytes.is_exceeded_by(self.bytes, holders) {
            Some(Excess::Bytes)
        } else {
            None
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.resize(0, 0);
    }
}
