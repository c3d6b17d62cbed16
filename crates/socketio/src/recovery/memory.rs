//! The memory of one namespace: what was sent, who was lost, who is here to be lost.

use std::{
    borrow::Cow,
    collections::HashMap,
    mem,
    sync::{Arc, Weak},
    time::Duration,
};

use engineio::proto::Entry;
use socketio_proto::{self as proto, Address, Audience, Offset, PrivateId, RecoveryRequest};
use tokio::{runtime::Handle, time::sleep};

use super::{Dismissal, Place, Returning, Terms, kept::Kept};
use crate::{
    EmitError, JoinError, Room, SocketId, Target, clock::now, link::Message,
    namespace::NamespaceCore, socket::SocketCore,
};

/// What a namespace keeps for clients that come back. Its lock is elsewhere, and is held from the
/// moment in which an event gets its offset until it is queued for everybody.
pub(crate) struct Memory {
    recovery: proto::Recovery<Kept>,
    live: HashMap<PrivateId, Weak<SocketCore>>,
    keeper: Keeper,
}

/// The task that frees what is too old.
enum Keeper {
    /// Nobody has been here.
    None,
    Resting(Handle),
    Running(Handle),
}

impl Memory {
    pub(crate) fn new(terms: &Terms) -> Self {
        Self {
            recovery: proto::Recovery::new(terms.limits.clone(), &terms.budget),
            live: HashMap::new(),
            keeper: Keeper::None,
        }
    }

    pub(super) fn log(&self) -> &proto::Recovery<Kept> {
        &self.recovery
    }

    // who is here, who is away

    /// The socket of this private id, if it is joined.
    pub(crate) fn live(&self, id: &PrivateId) -> Option<Arc<SocketCore>> {
        self.live.get(id).and_then(Weak::upgrade)
    }

    /// True if it is this socket that is waited for, not a later one of its client.
    pub(crate) fn awaits(&self, socket: &SocketCore) -> bool {
        let lost = self.recovery.lost(socket.id().as_str());
        let (Some(lost), Some(place)) = (lost, socket.place()) else {
            return false;
        };
        let dismissal = &lost.state.dismissal;
        Arc::ptr_eq(dismissal, place.dismissal()) && !dismissal.is_given()
    }

    /// The socket that a client has lost and comes back for.
    pub(crate) fn claim(&mut self, request: &RecoveryRequest) -> Option<Returning> {
        let claim = self.recovery.resume(now(), request)?;
        if claim.socket.state.dismissal.is_given() {
            self.recovery.forget(&claim.socket.socket_id);
            return None;
        }
        Some(Returning::new(claim))
    }

    /// The place of a new socket of a session with this dismissal. None if the operating system has
    /// no random bytes: then it cannot come back.
    pub(crate) fn place(&self, dismissal: &Arc<Dismissal>) -> Option<Place> {
        // As hard to guess as an id, and unrelated to it.
        let id = PrivateId::new(SocketId::random().ok()?.as_str());
        Some(Place::new(id, self.recovery.head(), dismissal))
    }

    /// A socket is in. Without a place it is one that cannot come back.
    pub(crate) fn enter(&mut self, socket: &Arc<SocketCore>) {
        if let Some(place) = socket.place() {
            self.recovery.let_in(place.private_id());
            let id = place.private_id().clone();
            self.live.insert(id, Arc::downgrade(socket));
        }
        if let Keeper::None = self.keeper {
            self.keeper = Keeper::Resting(Handle::current());
        }
    }

    pub(crate) fn leave(&mut self, place: &Place) {
        self.live.remove(place.private_id());
    }

    /// The same for one that may come back.
    pub(crate) fn lose(&mut self, socket: &SocketCore, place: &Place) {
        self.live.remove(place.private_id());
        let lost = place.lost(socket, self.recovery.head());
        self.recovery.lose(now(), place.private_id().clone(), lost);
        self.keep(socket.namespace());
    }

    /// A socket that is here has joined a room.
    pub(crate) fn joined(&self, place: &Place, room: &Room) {
        place.joined(room, self.recovery.head());
    }

    /// A socket that is here has left a room.
    pub(crate) fn left(&self, place: &Place, room: &Room) {
        place.left(room);
    }

    // what is done to those who are away

    /// The ids of those who are away and meant by a target at this moment.
    pub(crate) fn select(&self, target: &Target, is_id: impl Fn(&Room) -> bool) -> Vec<SocketId> {
        if self.recovery.awaits_nobody() {
            return Vec::new();
        }
        let ids = self.recovery.select(&self.audience(target, is_id));
        ids.into_iter().map(SocketId::restored).collect()
    }

    /// A target as it counts for those who are here: the id of one who is away is nobody's, even if
    /// somebody has joined a room of that name. None if nobody else is meant.
    pub(crate) fn here<'a>(&self, target: &'a Target) -> Option<Cow<'a, Target>> {
        let is_away = |name: &&Room| self.recovery.lost(name.as_str()).is_some();
        let mut names = target.rooms.iter().chain(&target.except);
        if !names.any(|name| is_away(&name)) {
            return Some(Cow::Borrowed(target));
        }
        let others = |names: &[Room]| {
            let others = names.iter().filter(|name| !is_away(name));
            others.cloned().collect::<Vec<_>>()
        };
        let (rooms, except) = (others(&target.rooms), others(&target.except));
        // No name would mean everybody.
        let is_anybody = target.rooms.is_empty() || !rooms.is_empty();
        is_anybody.then_some(Cow::Owned(Target { rooms, except }))
    }

    /// Puts a socket that is away into a room, unless it is in `most` already.
    pub(crate) fn join_away(
        &mut self,
        id: &SocketId,
        room: &Room,
        most: usize,
    ) -> Result<(), JoinError> {
        let lost = self.recovery.lost(id.as_str()).ok_or(JoinError::Gone)?;
        if !lost.rooms.contains(room.as_str()) {
            room.check(lost.rooms.len(), most)?;
            self.recovery.join(id.as_str(), room.shared());
        }
        Ok(())
    }

    /// Takes a socket that is away out of a room.
    pub(crate) fn leave_away(&mut self, id: &SocketId, room: &Room) {
        self.recovery.leave(id.as_str(), room.as_str());
    }

    /// The rooms of a socket that is away.
    pub(crate) fn rooms_away(&self, id: &SocketId) -> Vec<Room> {
        let lost = self.recovery.lost(id.as_str()).into_iter();
        let rooms = lost.flat_map(|lost| lost.rooms.rooms());
        rooms.map(|room| Arc::clone(room).into()).collect()
    }

    /// Waits no longer for a socket.
    pub(crate) fn forget(&mut self, id: &SocketId) {
        self.recovery.forget(id.as_str());
    }

    /// The same for all that were lost with it, in other namespaces, too.
    pub(crate) fn close(&mut self, id: &SocketId) {
        if let Some(lost) = self.recovery.lost(id.as_str()) {
            lost.state.dismissal.give();
        }
        self.forget(id);
    }

    // what is sent

    /// Whom a target means at this moment: an id comes before a room of that name.
    pub(crate) fn audience(&self, target: &Target, is_id: impl Fn(&Room) -> bool) -> Audience {
        let address = |name: &Room| {
            if is_id(name) || self.recovery.lost(name.as_str()).is_some() {
                Address::Socket(name.shared())
            } else {
                Address::Room(name.shared())
            }
        };
        Audience {
            to: target.rooms.iter().map(address).collect(),
            except: target.except.iter().map(address).collect(),
        }
    }

    /// Keeps an event, which `encode` makes with its offset, once as a packet and once as it goes out.
    pub(crate) fn record(
        &mut self,
        namespace: &Arc<NamespaceCore>,
        audience: Audience,
        encode: impl FnOnce(Offset) -> Result<(Entry, Message), EmitError>,
    ) -> Result<Message, EmitError> {
        let message = self.recovery.record(now(), audience, encode)?;
        self.keep(namespace);
        Ok(message)
    }

    // keeping it small

    /// Has the keeper run while there is something to keep.
    fn keep(&mut self, namespace: &Arc<NamespaceCore>) {
        self.keeper = match mem::replace(&mut self.keeper, Keeper::None) {
            Keeper::Resting(runtime) => {
                runtime.spawn(keep(Arc::clone(namespace)));
                Keeper::Running(runtime)
            }
            Keeper::None => {
                // Nobody can come back here, and nobody would free what others have a use for.
                self.recovery.forget_packets();
                Keeper::None
            }
            running @ Keeper::Running(_) => running,
        };
    }

    /// Frees what is too old. With nothing left the keeper may rest.
    fn expire(&mut self) -> (Vec<Kept>, Holding) {
        self.recovery.expire(now());
        if self.live.is_empty() && self.recovery.awaits_nobody() {
            // Nobody will ask what was sent.
            self.recovery.forget_packets();
        }
        let forgotten = self.recovery.take_forgotten();
        if self.recovery.poll_timeout().is_some() {
            return (forgotten, Holding::Something);
        }
        self.keeper = match mem::replace(&mut self.keeper, Keeper::None) {
            Keeper::Running(runtime) => Keeper::Resting(runtime),
            other => other,
        };
        (forgotten, Holding::Nothing)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holding {
    Nothing,
    Something,
}

/// Frees a namespace's memory little by little. It keeps the namespace: one of a pattern has to be
/// there when its clients come back.
async fn keep(namespace: Arc<NamespaceCore>) {
    loop {
        sleep(ROUND).await;
        let Some((forgotten, holding)) = namespace.memory().map(|mut memory| memory.expire())
        else {
            return;
        };
        if !forgotten.is_empty() {
            // Neither here nor under the lock: what the application kept may do anything then.
            tokio::spawn(async move { drop(forgotten) });
        }
        if holding == Holding::Nothing {
            return;
        }
    }
}

const ROUND: Duration = Duration::from_secs(1);
