//! The bytes that a WebSocket should take next, in the one order in which they may go out.

use super::{WebSocketId, outbox::Outbox, wire::Wire};
use crate::Version;

/// Queued bytes of one WebSocket, as slices for one vectored write.
///
/// Write as much of them as the socket takes, in order, then say how much it was with
/// [`Session::transmitted`](super::Session::transmitted) before anything else is asked or fed.
#[derive(Clone, Copy)]
pub struct Transmit<'a> {
    pub(super) wire: &'a Wire,
    /// None while the WebSocket is only probed.
    pub(super) outbox: Option<&'a Outbox>,
    pub(super) version: Version,
    pub(super) budget: usize,
}

impl<'a> Transmit<'a> {
    /// The most slices that [`Transmit::slices`] gives.
    pub const MAX_SLICES: usize = 64;

    /// The WebSocket that they belong to.
    pub fn id(&self) -> WebSocketId {
        self.wire.id()
    }

    /// The one slice, if there is no other: what most writes find, and found without looking further.
    pub fn only(&self) -> Option<&'a [u8]> {
        let outbox = self.outbox.filter(|_| self.wire.is_empty())?;
        let slice = outbox.only_frames(self.version)?;
        (slice.len() <= self.budget).then_some(slice)
    }

    /// The slices: none is empty, and together they are no longer than the budget.
    pub fn slices(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let version = self.version;
        let mut entries = self
            .outbox
            .into_iter()
            .flat_map(move |outbox| outbox.frames(version));
        let begun = match self.outbox {
            Some(outbox) if outbox.is_mid_entry() => entries.next(),
            _ => None,
        };
        let mut budget = self.budget;
        begun
            .into_iter()
            .chain(self.wire.frames())
            .chain(entries)
            .take(Self::MAX_SLICES)
            .map(move |slice| cut(slice, &mut budget))
            .take_while(|slice| !slice.is_empty())
    }
}

impl std::fmt::Debug for Transmit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes: usize = self.slices().map(<[u8]>::len).sum();
        f.debug_struct("Transmit")
            .field("id", &self.id())
            .field("bytes", &bytes)
            .finish()
    }
}

/// Counts bytes as out, in the order of [`Transmit::slices`].
pub(super) fn count(wire: &mut Wire, outbox: &mut Outbox, version: Version, mut bytes: usize) {
    if outbox.is_mid_entry() {
        bytes = outbox.written(version, bytes);
    }
    while bytes > 0 && !wire.is_empty() {
        bytes = wire.written(bytes);
    }
    while bytes > 0 && !outbox.is_empty() {
        bytes = outbox.written(version, bytes);
    }
}

fn cut<'a>(slice: &'a [u8], budget: &mut usize) -> &'a [u8] {
    let (fits, _) = slice.split_at(slice.len().min(*budget));
    *budget -= fits.len();
    fits
}
