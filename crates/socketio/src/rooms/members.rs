//! The members of one room: a dense list that a broadcast can keep while others join and leave.
//!
//! The list lies in chunks that are shared with snapshots. A change copies at most the one or two
//! chunks that it touches, and only while a snapshot holds them.

use std::sync::Arc;

/// Where a socket stands in its namespace's table. Reused after it left, so it never goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SocketKey(pub(super) usize);

/// A member with what a broadcast needs of it, so that a pass touches this list alone.
#[derive(Debug, Clone)]
pub(super) struct Member<M> {
    pub(super) key: SocketKey,
    pub(super) handle: M,
}

/// Some members that a snapshot shares.
pub(super) type Chunk<M> = Arc<Vec<Member<M>>>;

/// A place in the list; stays valid until the last member is moved into a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position(usize);

/// All chunks are full but the last.
#[derive(Debug)]
pub(super) struct Members<M> {
    chunks: Vec<Chunk<M>>,
}

impl<M: Clone> Members<M> {
    pub(super) fn new() -> Self {
        Self { chunks: Vec::new() }
    }

    pub(super) fn push(&mut self, member: Member<M>) -> Position {
        let position = Position(self.len());
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => Arc::make_mut(last).push(member),
            _ => self.chunks.push(Arc::new(vec![member])),
        }
        position
    }

    /// Takes a member out; the last one fills the gap. Returns who has moved there.
    pub(super) fn swap_remove(&mut self, position: Position) -> Option<SocketKey> {
        let gap = self.len().checked_sub(1).map(Position) != Some(position);
        let last = self.pop()?;
        if !gap {
            return None;
        }
        let moved = last.key;
        let chunk = self.chunks.get_mut(position.0 / CHUNK)?;
        *Arc::make_mut(chunk).get_mut(position.0 % CHUNK)? = last;
        Some(moved)
    }

    pub(super) fn len(&self) -> usize {
        match self.chunks.split_last() {
            Some((last, full)) => full.len() * CHUNK + last.len(),
            None => 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The members of this moment: one reference for each chunk.
    pub(super) fn snapshot(&self) -> Vec<Chunk<M>> {
        self.chunks.clone()
    }

    fn pop(&mut self) -> Option<Member<M>> {
        let last = Arc::make_mut(self.chunks.last_mut()?);
        let member = last.pop();
        if last.is_empty() {
            self.chunks.pop();
        }
        member
    }
}

const CHUNK: usize = 256;
