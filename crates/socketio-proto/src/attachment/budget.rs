//! What all clients of a server may have under way together.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::PacketError;

/// A bound on the bytes of packets whose attachments are outstanding, over all clients of a server.
///
/// From half of it on whoever has more than an equal part of that half under way is refused, so that
/// a few who send much do not lock out those who send little; beyond it everybody is. Packets without
/// attachments do not touch it.
#[derive(Debug)]
pub struct AttachmentBudget {
    bytes: AtomicUsize,
    packets: AtomicUsize,
    most: usize,
}

/// What one packet holds of a budget.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<AttachmentBudget>,
    bytes: usize,
}

impl AttachmentBudget {
    /// A budget of so many bytes.
    pub fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            bytes: AtomicUsize::new(0),
            packets: AtomicUsize::new(0),
            most: bytes,
        })
    }

    /// Bytes that are under way at this moment.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Share {
    /// A packet that begins to wait.
    pub(super) fn new(budget: &Arc<AttachmentBudget>) -> Self {
        budget.packets.fetch_add(1, Ordering::Relaxed);
        Self {
            budget: Arc::clone(budget),
            bytes: 0,
        }
    }

    /// So many bytes more of it are here.
    ///
    /// # Errors
    ///
    /// All together have too much, or more than half of the most, and this has more than an equal part.
    pub(super) fn add(&mut self, bytes: usize) -> Result<(), PacketError> {
        let budget = &self.budget;
        let before = budget.bytes.fetch_add(bytes, Ordering::Relaxed);
        let held = before.saturating_add(bytes);
        self.bytes = self.bytes.saturating_add(bytes);
        let half = budget.most / 2;
        let packets = budget.packets.load(Ordering::Relaxed);
        let part = half.checked_div(packets).unwrap_or(half);
        if held > budget.most || held > half && self.bytes > part {
            return Err(PacketError::AttachmentBudget);
        }
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.budget.packets.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: Result<(), PacketError> = Err(PacketError::AttachmentBudget);

    #[test]
    fn from_half_on_nobody_gets_more_than_an_equal_part() {
        let budget = AttachmentBudget::new(100);
        let mut large = Share::new(&budget);
        assert_eq!(large.add(50), Ok(()));
        let mut small = Share::new(&budget);
        assert_eq!(small.add(25), Ok(()));
        assert_eq!(small.add(1), REFUSED);
        assert_eq!(large.add(1), REFUSED);
        assert_eq!(budget.bytes(), 77);
        drop((large, small));
        assert_eq!(budget.bytes(), 0);
        assert_eq!(Share::new(&budget).add(50), Ok(()));
    }

    #[test]
    fn nobody_goes_beyond_it() {
        let budget = AttachmentBudget::new(100);
        // Parts become smaller as more begin, so that their sum grows beyond the half.
        let kept = [50, 25, 16, 9].map(|bytes| {
            let mut share = Share::new(&budget);
            assert_eq!(share.add(bytes), Ok(()));
            share
        });
        assert_eq!(budget.bytes(), 100);
        assert_eq!(Share::new(&budget).add(1), REFUSED);
        drop(kept);
        assert_eq!(Share::new(&budget).add(1), Ok(()));
    }
}
