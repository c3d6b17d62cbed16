//! Which sockets a target means at one moment, to be visited without the lock.

use std::sync::Arc;

use super::{
    Room, Rooms, SocketKey, Target,
    members::{Chunk, Member},
};

/// The members that a target meant when it was made: no socket twice.
pub(crate) struct Selection<M> {
    chunks: Vec<Chunk<M>>,
    /// Sorted.
    skip: Vec<SocketKey>,
}

impl<M> Selection<M> {
    /// What a broadcast needs of each.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &M> {
        self.members().map(|member| &member.handle)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = SocketKey> {
        self.members().map(|member| member.key)
    }

    fn members(&self) -> impl Iterator<Item = &Member<M>> {
        let members = self.chunks.iter().flat_map(|chunk| chunk.iter());
        members.filter(|member| self.skip.binary_search(&member.key).is_err())
    }
}

impl<S, M: Clone> Rooms<S, M> {
    /// One room, or everyone, is shared as it is; several rooms are gathered once.
    pub(crate) fn select(&self, target: &Target) -> Selection<M> {
        let chunks = match target.rooms.as_slice() {
            [] => self.everyone.snapshot(),
            [room] => self.members_of(room),
            rooms => vec![self.union(rooms)],
        };
        Selection {
            chunks,
            skip: self.keys_of(&target.except),
        }
    }

    fn members_of(&self, room: &Room) -> Vec<Chunk<M>> {
        // An id comes first: whoever joins a room named like another's id must not listen in.
        if let Some(member) = self.member(room) {
            return vec![Arc::new(vec![member])];
        }
        let room = self.by_name.get(room).and_then(|key| self.rooms.get(key.0));
        room.map_or_else(Vec::new, |room| room.members.snapshot())
    }

    fn member(&self, id: &Room) -> Option<Member<M>> {
        let &key = self.by_id.get(id.as_str())?;
        let handle = self.sockets.get(key.0)?.handle.clone();
        Some(Member { key, handle })
    }

    fn union(&self, rooms: &[Room]) -> Chunk<M> {
        let chunks = rooms.iter().flat_map(|room| self.members_of(room));
        let mut all: Vec<Member<M>> = chunks
            .flat_map(|chunk| chunk.iter().cloned().collect::<Vec<_>>())
            .collect();
        all.sort_unstable_by_key(|member| member.key);
        all.dedup_by_key(|member| member.key);
        Arc::new(all)
    }

    fn keys_of(&self, rooms: &[Room]) -> Vec<SocketKey> {
        let chunks = rooms.iter().flat_map(|room| self.members_of(room));
        let mut keys: Vec<SocketKey> = chunks
            .flat_map(|chunk| chunk.iter().map(|member| member.key).collect::<Vec<_>>())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}
