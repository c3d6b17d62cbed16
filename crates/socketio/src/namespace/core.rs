//! A namespace as the server keeps it, whatever the type of its sockets' state.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    ptr, slice,
    sync::{
        Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use engineio::proto::{Compressible, SendOptions};
use socketio_proto::{AckId, Args, NamespaceName};

use super::behaviour::{Behaviour, Comeback};
use crate::{
    Command, Delivery, DisconnectReason, Emit, EmitError, JoinError, Outgoing, Room, ServerEvent,
    SocketId, SocketInfo, Target,
    ack::Asking,
    adapter::Reach,
    handlers::Handlers,
    link::{Link, Message},
    observer::Happening,
    recovery::Memory,
    rooms::{Change, Rooms, Selection},
    server::{Registration, Settings},
    socket::SocketCore,
    stats::Refused,
};

/// One namespace: its sockets, their rooms and their handlers.
pub(crate) struct NamespaceCore {
    name: NamespaceName,
    settings: Arc<Settings>,
    behaviour: Arc<Behaviour>,
    rooms: RwLock<Table>,
    /// Of what clients missed who lost their connection, if they may come back.
    pub(super) memory: Option<Mutex<Memory>>,
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
        let recovery = settings.recovery.as_ref();
        let recovery = recovery.filter(|_| behaviour.comeback() == Comeback::AsServer);
        let memory = recovery.map(|recovery| Mutex::new(Memory::new(recovery.limits.clone())));
        Arc::new(Self {
            name,
            memory,
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

    /// Lets a socket into the namespace and into rooms, and tells its client with `welcome`. Nothing
    /// that is sent to the namespace comes before that, and nothing that is sent afterwards misses
    /// the socket.
    pub(crate) fn enter(
        &self,
        socket: &Arc<SocketCore>,
        link: Link,
        names: impl Iterator<Item = Room>,
        welcome: impl FnOnce(),
    ) {
        let mut rooms = self.rooms_mut();
        welcome();
        let closed = rooms.insert(socket.id().clone(), Arc::clone(socket), link);
        self.tell_closed(&closed);
        self.tell(|| Happening::Connected(socket));
        for name in names {
            // It was in them when they were joined, so that they are not too many.
            let _ = self.put_into(&mut rooms, socket, &name);
        }
    }

    /// Takes out a socket that has left. If it was lost, it may come back.
    pub(crate) fn remove(&self, socket: &Arc<SocketCore>, reason: DisconnectReason) {
        let memory = self.memory();
        let mut rooms = self.rooms_mut();
        self.tell(|| Happening::Disconnected {
            socket,
            reason,
            rooms: rooms.rooms_of(socket.id()),
        });
        let closed = rooms.remove(socket.id());
        self.tell_closed(&closed);
        if let (Some(mut memory), Some(place)) = (memory, socket.place()) {
            memory.leave(place);
            if reason.is_loss() {
                memory.lose(socket, place);
            }
        }
    }

    pub(crate) fn join(&self, socket: &SocketCore, room: &Room) -> Result<(), JoinError> {
        let memory = self.memory();
        let mut rooms = self.rooms_mut();
        if !is_here(&rooms, socket) {
            return Err(JoinError::Gone);
        }
        self.put_into(&mut rooms, socket, room)?;
        joined(memory.as_deref(), socket, room);
        Ok(())
    }

    pub(crate) fn leave(&self, socket: &SocketCore, room: &Room) {
        let memory = self.memory();
        let mut rooms = self.rooms_mut();
        if is_here(&rooms, socket) {
            self.take_out_of(&mut rooms, socket.id(), room);
            left(memory.as_deref(), socket, room);
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

    /// Up to so many sockets.
    pub(crate) fn some_sockets(&self, count: usize) -> Vec<Arc<SocketCore>> {
        let rooms = self.rooms();
        let sockets = rooms.some(&Target::default(), count);
        sockets.into_iter().cloned().collect()
    }

    /// The ids of up to so many sockets that a target means.
    pub(crate) fn some_ids(&self, target: &Target, count: usize) -> Vec<SocketId> {
        let rooms = self.rooms();
        let sockets = rooms.some(target, count).into_iter();
        sockets.map(|socket| socket.id().clone()).collect()
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
    pub(crate) fn rooms(&self) -> RwLockReadGuard<'_, Table> {
        self.rooms.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn rooms_mut(&self) -> RwLockWriteGuard<'_, Table> {
        self.rooms.write().unwrap_or_else(PoisonError::into_inner)
    }

    // what goes out

    /// An id for an answer, which is unique among all sockets of the namespace (SIO5 6.5).
    pub(crate) fn next_ack(&self) -> AckId {
        AckId::new(self.next_ack.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn answer(&self, id: AckId, args: &Args) -> Result<Message, EmitError> {
        let packet = socketio_proto::encode_ack(&self.name, id, args);
        Message::new(self.settings.parser, packet)
    }

    /// Encodes an event.
    pub(crate) fn encode(
        &self,
        name: &str,
        args: &Args,
        ack: Option<AckId>,
    ) -> Result<Message, EmitError> {
        let packet = socketio_proto::encode_event(&self.name, name, args, ack)?;
        Message::new(self.settings.parser, packet)
    }

    /// Encodes an event that is about to be sent, and shows it to the outgoing catch-all handlers
    /// and the observer.
    pub(crate) fn prepare(
        &self,
        event: &Outgoing<'_>,
        ack: Option<AckId>,
        compressible: Compressible,
    ) -> Result<Message, EmitError> {
        let packet = socketio_proto::encode_event(&self.name, event.name, event.args, ack)?;
        let packet = packet.with_compressible(compressible);
        let message = Message::new(self.settings.parser, packet)?;
        self.tap(event);
        Ok(message)
    }

    fn tap(&self, outgoing: &Outgoing<'_>) {
        let handlers = self.handlers();
        handlers.outgoing.iter().for_each(|tap| tap(outgoing));
        self.tell(|| Happening::Sent {
            namespace: self,
            event: outgoing,
        });
    }

    /// Another server's event for this server's application.
    pub(crate) fn server_event(&self, name: &str, event: ServerEvent) {
        let handlers = self.handlers();
        let Some(handler) = handlers.server_events.get(name) else {
            return;
        };
        // It is no fault of the adapter that brought it.
        if catch_unwind(AssertUnwindSafe(|| handler(event))).is_err() {
            self.settings.counters.panicked();
            tracing::error!(
                namespace = self.name.as_str(),
                name,
                "handler of a server-side event panicked"
            );
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
        self.settings.counters.broadcast(delivery);
        self.tell(|| Happening::MessagesOut {
            count: delivery.delivered(),
            bytes: message.len(),
        });
        delivery
    }

    /// Sends an event to the sockets of this server, whose answers are awaited. All share one ack id
    /// (SIO5 6.5).
    pub(crate) fn ask(&self, emit: &Emit, asking: &mut Asking) -> Result<(), EmitError> {
        let id = self.next_ack();
        let message = self.prepare(&emit.outgoing(), Some(id), emit.compressible)?;
        for socket in self.sockets(&emit.target) {
            // Who cannot be asked is not waited for.
            if asking.ask(&socket, id).is_ok() && socket.emit(&message, emit.options).is_err() {
                asking.give_up(&socket);
            }
        }
        Ok(())
    }

    /// Does something to the sockets of this server and, unless it is to stay here, of the others.
    pub(crate) fn perform(
        self: &Arc<Self>,
        command: &Command,
        reach: Reach,
    ) -> Result<Delivery, EmitError> {
        let delivery = self.apply(command)?;
        if reach == Reach::Cluster {
            self.settings.adapter.publish(self.name.as_str(), command);
        }
        Ok(delivery)
    }

    /// Does something to the sockets of this server.
    pub(crate) fn apply(self: &Arc<Self>, command: &Command) -> Result<Delivery, EmitError> {
        match command {
            Command::Emit(emit) => return self.emit(emit),
            Command::Join { target, rooms } => self.regroup(target, |table, memory, socket| {
                for room in rooms {
                    // Else it is counted and logged; the others are moved all the same.
                    if self.put_into(table, socket, room).is_ok() {
                        joined(memory, socket, room);
                    }
                }
            }),
            Command::Leave { target, rooms } => self.regroup(target, |table, memory, socket| {
                for room in rooms {
                    self.take_out_of(table, socket.id(), room);
                    left(memory, socket, room);
                }
            }),
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

    fn emit(self: &Arc<Self>, emit: &Emit) -> Result<Delivery, EmitError> {
        let plain = self.prepare(&emit.outgoing(), None, emit.compressible)?;
        // Held until all is queued: each client has to get offsets in order.
        let mut memory = self.memory_for(emit.options);
        let message = match &mut memory {
            Some(memory) => self.record_broadcast(memory, emit, plain)?,
            None => self.unrecorded(&emit.name, &emit.args, plain)?,
        };
        Ok(self.fan_out(&emit.target, &message, emit.options))
    }

    fn regroup(&self, target: &Target, change: impl Fn(&mut Table, Option<&Memory>, &SocketCore)) {
        let memory = self.memory();
        let mut rooms = self.rooms_mut();
        let sockets: Vec<_> = rooms.sockets(target).cloned().collect();
        for socket in sockets {
            change(&mut rooms, memory.as_deref(), &socket);
        }
    }

    fn put_into(
        &self,
        rooms: &mut Table,
        socket: &SocketCore,
        room: &Room,
    ) -> Result<(), JoinError> {
        let id = socket.id();
        let change = rooms.join(id, room, self.settings.max_rooms);
        let change = change.inspect_err(|error| self.tell_refused(id, *error))?;
        if change == Change::Opened {
            self.settings.adapter.room_opened(self.name.as_str(), room);
        }
        if change != Change::None {
            self.tell(|| Happening::Joined {
                namespace: &self.name,
                room,
                socket: id,
            });
        }
        Ok(())
    }

    fn take_out_of(&self, rooms: &mut Table, id: &SocketId, room: &Room) {
        let change = rooms.leave(id, room);
        if change == Change::Closed {
            self.tell_closed(slice::from_ref(room));
        }
        if change != Change::None {
            self.tell(|| Happening::Left {
                namespace: &self.name,
                room,
                socket: id,
            });
        }
    }

    fn tell<'a>(&self, happening: impl FnOnce() -> Happening<'a>) {
        self.settings.watched.tell(happening);
    }

    fn tell_closed(&self, closed: &[Room]) {
        for room in closed {
            self.settings.adapter.room_closed(self.name.as_str(), room);
        }
    }

    fn tell_refused(&self, socket: &SocketId, error: JoinError) {
        let refused = match error {
            JoinError::Gone => return,
            JoinError::TooManyRooms => Refused::TooManyRooms,
            JoinError::NameTooLong => Refused::RoomNameTooLong,
        };
        self.settings.counters.refused(refused);
        let (namespace, reason) = (self.name.as_str(), refused.name());
        tracing::debug!(namespace, %socket, reason, "room refused");
    }
}

/// Who is in which room of one namespace.
type Table = Rooms<Arc<SocketCore>, Link>;

/// From now on what the room is sent is for the socket, if it comes back.
fn joined(memory: Option<&Memory>, socket: &SocketCore, room: &Room) {
    if let (Some(memory), Some(place)) = (memory, socket.place()) {
        memory.joined(place, room);
    }
}

fn left(memory: Option<&Memory>, socket: &SocketCore, room: &Room) {
    if let (Some(memory), Some(place)) = (memory, socket.place()) {
        memory.left(place, room);
    }
}

/// False for a socket that has left, although in protocol 4 another may have its id by now.
fn is_here(rooms: &Table, socket: &SocketCore) -> bool {
    let here = rooms.socket(socket.id());
    here.is_some_and(|here| ptr::eq(Arc::as_ptr(here), socket))
}
