//! A namespace as the server keeps it, whatever the type of its sockets' state.

use std::{
    ptr,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use engineio::proto::SendOptions;
use socketio_proto::{AckId, Args, NamespaceName};

use super::behaviour::Behaviour;
use crate::{
    Command, Delivery, EmitError, Outgoing, Room, SocketId, SocketInfo, Target,
    adapter::Reach,
    handlers::Handlers,
    link::{Link, Message},
    rooms::{Rooms, Selection},
    server::{Registration, Settings},
    socket::SocketCore,
};

/// One namespace: its sockets, their rooms and their handlers.
pub(crate) struct NamespaceCore {
    name: NamespaceName,
    settings: Arc<Settings>,
    behaviour: Arc<Behaviour>,
    rooms: RwLock<Rooms<Arc<SocketCore>, Link>>,
    next_ack: AtomicU64,
    /// Of a pattern's namespace, to be forgotten with it.
    _registration: Option<Registration>,
}

impl NamespaceCore {
    pub(crate) fn new(
        name: NamespaceName,
        settings: Arc<Settings>,
        behaviour: Arc<Behaviour>,
        registration: Option<Registration>,
    ) -> Arc<Self> {
        Arc::new(Self {
            name,
            settings,
            behaviour,
            rooms: RwLock::new(Rooms::new()),
            next_ack: AtomicU64::new(0),
            _registration: registration,
        })
    }

    pub(crate) fn name(&self) -> &NamespaceName {
        &self.name
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn behaviour(&self) -> &Arc<Behaviour> {
        &self.behaviour
    }

    pub(crate) fn handlers(&self) -> Arc<Handlers> {
        self.behaviour.handlers()
    }

    // who is here

    /// Lets a socket in and tells its client with `welcome`. Nothing that is sent to the namespace
    /// comes before that, and nothing that is sent afterwards misses the socket.
    pub(crate) fn enter(&self, socket: &Arc<SocketCore>, link: &Link, welcome: impl FnOnce()) {
        let mut rooms = self.rooms_mut();
        welcome();
        rooms.insert(socket.id().clone(), Arc::clone(socket), link.clone());
    }

    pub(crate) fn remove(&self, id: &SocketId) {
        self.rooms_mut().remove(id);
    }

    pub(crate) fn join(&self, socket: &SocketCore, room: &Room) {
        let mut rooms = self.rooms_mut();
        if is_here(&rooms, socket) {
            rooms.join(socket.id(), room);
        }
    }

    pub(crate) fn leave(&self, socket: &SocketCore, room: &Room) {
        let mut rooms = self.rooms_mut();
        if is_here(&rooms, socket) {
            rooms.leave(socket.id(), room);
        }
    }

    pub(crate) fn rooms_of(&self, socket: &SocketCore) -> Vec<Room> {
        let rooms = self.rooms();
        if is_here(&rooms, socket) {
            rooms.rooms_of(socket.id())
        } else {
            Vec::new()
        }
    }

    pub(crate) fn socket(&self, id: &SocketId) -> Option<Arc<SocketCore>> {
        self.rooms().socket(id).cloned()
    }

    pub(crate) fn sockets(&self, target: &Target) -> Vec<Arc<SocketCore>> {
        self.rooms().sockets(target).cloned().collect()
    }

    /// The sockets that a target means, as other servers may know them.
    pub(crate) fn describe(&self, target: &Target) -> Vec<SocketInfo> {
        let rooms = self.rooms();
        let sockets = rooms.sockets(target);
        sockets
            .map(|socket| SocketInfo {
                id: socket.id().clone(),
                rooms: rooms.rooms_of(socket.id()),
            })
            .collect()
    }

    /// The rooms, under their lock: never call out of this crate with it.
    pub(crate) fn rooms(&self) -> RwLockReadGuard<'_, Rooms<Arc<SocketCore>, Link>> {
        self.rooms.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn rooms_mut(&self) -> RwLockWriteGuard<'_, Rooms<Arc<SocketCore>, Link>> {
        self.rooms.write().unwrap_or_else(PoisonError::into_inner)
    }

    // what goes out

    /// An id for an answer, which is unique among all sockets of the namespace (SIO5 6.5).
    pub(crate) fn next_ack(&self) -> AckId {
        AckId::new(self.next_ack.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn event(
        &self,
        name: &str,
        args: &Args,
        ack: Option<AckId>,
    ) -> Result<Message, EmitError> {
        let packet = socketio_proto::encode_event(&self.name, name, args, ack)?;
        Message::new(self.settings.parser, packet)
    }

    pub(crate) fn answer(&self, id: AckId, args: &Args) -> Result<Message, EmitError> {
        let packet = socketio_proto::encode_ack(&self.name, id, args);
        Message::new(self.settings.parser, packet)
    }

    /// Shows the outgoing catch-all handlers what is sent.
    pub(crate) fn tap<'a>(&self, outgoing: impl FnOnce() -> Outgoing<'a>) {
        let handlers = self.handlers();
        if !handlers.outgoing.is_empty() {
            let outgoing = outgoing();
            handlers.outgoing.iter().for_each(|tap| tap(&outgoing));
        }
    }

    /// Another server's event for this server's application.
    pub(crate) fn server_event(&self, name: &str, args: &Args) {
        if let Some(handler) = self.handlers().server_events.get(name) {
            handler(args.clone());
        }
    }

    /// Hands one encoded message to every socket that a target means: one pass, no lock held, no
    /// allocation and no task for a recipient.
    pub(crate) fn fan_out(
        &self,
        target: &Target,
        message: &Message,
        options: SendOptions,
    ) -> Delivery {
        let selection: Selection<Link> = self.rooms().select(target);
        let mut delivery = Delivery::default();
        for link in selection.iter() {
            delivery.count(link.send(message, options));
        }
        delivery
    }

    /// Does something to the sockets of this server and, unless it is to stay here, of the others.
    pub(crate) fn perform(&self, command: &Command, reach: Reach) -> Result<Delivery, EmitError> {
        let delivery = self.apply(command)?;
        if reach == Reach::Cluster {
            self.settings.adapter.publish(self.name.as_str(), command);
        }
        Ok(delivery)
    }

    /// Does something to the sockets of this server.
    pub(crate) fn apply(&self, command: &Command) -> Result<Delivery, EmitError> {
        match command {
            Command::Emit {
                target,
                name,
                args,
                options,
            } => {
                let message = self.event(name, args, None)?;
                return Ok(self.fan_out(target, &message, *options));
            }
            Command::Join { target, rooms } => self.regroup(target, rooms, Rooms::join),
            Command::Leave { target, rooms } => self.regroup(target, rooms, Rooms::leave),
            Command::Disconnect { target } => {
                for socket in self.sockets(target) {
                    socket.disconnect();
                }
            }
            Command::Close { target } => {
                for socket in self.sockets(target) {
                    socket.close();
                }
            }
        }
        Ok(Delivery::default())
    }

    fn regroup(
        &self,
        target: &Target,
        names: &[Room],
        change: impl Fn(&mut Rooms<Arc<SocketCore>, Link>, &SocketId, &Room),
    ) {
        let mut rooms = self.rooms_mut();
        let sockets: Vec<_> = rooms.sockets(target).cloned().collect();
        for socket in sockets {
            names
                .iter()
                .for_each(|name| change(&mut rooms, socket.id(), name));
        }
    }
}

/// False for a socket that has left, although in protocol 4 another may have its id by now.
fn is_here(rooms: &Rooms<Arc<SocketCore>, Link>, socket: &SocketCore) -> bool {
    let here = rooms.socket(socket.id());
    here.is_some_and(|here| ptr::eq(Arc::as_ptr(here), socket))
}
