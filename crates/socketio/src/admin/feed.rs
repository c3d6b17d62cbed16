//! Telling admins what happens: one task, as long as there are admins.

use std::sync::{Arc, Weak};

use engineio::WeakEngineService;
use serde_json::value::RawValue;
use socketio_proto::{ArgError, Args, IntoArgs};
use tokio::time::{MissedTickBehavior, interval};

use super::{
    Aliases, Mode, TICK,
    audience::{Audience, Picture, Task, Viewer},
    journal::{Excerpt, Gap, Note, What},
    mirror::Mirror,
    records::{Portrait, SocketChange},
    stats::{Identity, Meter},
    timestamp::Timestamp,
};
use crate::{
    Room, SocketId, link::Message, namespace::NamespaceCore, server::Shared, socket::SocketCore,
};

/// What admins are told, and those who have come to be told.
pub(super) struct Feed {
    mirror: Arc<Mirror>,
    server: Weak<Shared>,
    engine: WeakEngineService,
    identity: Identity,
    aliases: Arc<Aliases>,
    audience: Audience,
}

/// The task.
struct Telling {
    feed: Arc<Feed>,
    viewers: Vec<Viewer>,
    meter: Meter,
}

impl Feed {
    pub(super) fn new(
        mirror: &Arc<Mirror>,
        server: &Arc<Shared>,
        engine: WeakEngineService,
        identity: Identity,
        aliases: Arc<Aliases>,
    ) -> Self {
        Self {
            mirror: Arc::clone(mirror),
            server: Arc::downgrade(server),
            engine,
            identity,
            aliases,
            audience: Audience::default(),
        }
    }

    /// Tells an admin what happens from now on, as long as it stays.
    pub(super) fn enter(self: &Arc<Self>, admin: &Arc<SocketCore>) {
        let task = self.audience.enter(Arc::clone(admin), &self.mirror);
        if let (Task::None, Some(engine)) = (task, self.engine.upgrade()) {
            let telling = Telling {
                feed: Arc::clone(self),
                viewers: Vec::new(),
                meter: Meter::new(&engine),
            };
            tokio::spawn(telling.run());
        }
    }

    /// An admin may have left.
    pub(super) fn look_around(&self) {
        self.audience.look_around();
    }

    /// The sockets of this server, as far as one message should list them.
    fn all_sockets(&self) -> Vec<Box<RawValue>> {
        let (mut records, mut bytes) = (Vec::new(), 0);
        let server = self.server.upgrade();
        let namespaces = server.map_or_else(Vec::new, |server| server.namespaces(MAX_SOCKETS));
        for namespace in namespaces {
            for socket in namespace.some_sockets(MAX_SOCKETS) {
                let Some(record) = self.record(&namespace, &socket) else {
                    continue;
                };
                bytes += record.get().len();
                if records.len() >= MAX_SOCKETS || bytes > MAX_BYTES {
                    tracing::debug!(
                        listed = records.len(),
                        "not all sockets are shown to admins"
                    );
                    return records;
                }
                records.push(record);
            }
        }
        records
    }

    fn record(&self, namespace: &NamespaceCore, socket: &SocketCore) -> Option<Box<RawValue>> {
        let portrait = Portrait::of(socket)?;
        let record = portrait.record(&self.aliases, &namespace.rooms_of(socket));
        serde_json::value::to_raw_value(&record).ok()
    }

    /// The events that tell of a note.
    fn events(&self, note: Note) -> Vec<(&'static str, Result<Args, ArgError>)> {
        let at = note.at;
        let alias = |id| self.aliases.socket(id);
        match note.what {
            What::Connected(portrait) => self.connected(&portrait, at),
            What::Upgraded { namespace, socket } => {
                let change = SocketChange {
                    id: &alias(&socket),
                    nsp: namespace.as_str(),
                    transport: "websocket",
                };
                vec![("socket_updated", (change,).into_args())]
            }
            What::Disconnected {
                namespace,
                socket,
                reason,
                rooms,
            } => {
                let (nsp, id) = (namespace.as_str(), alias(&socket));
                let left = (nsp, &id, reason.to_string(), at).into_args();
                let own = std::iter::once(Room::from(&*id));
                let rooms = own.chain(rooms);
                let rooms = rooms.map(|room| ("room_left", room_change(nsp, &room, &id, at)));
                std::iter::once(("socket_disconnected", left))
                    .chain(rooms)
                    .collect()
            }
            What::Joined {
                namespace,
                room,
                socket,
            } => {
                let args = room_change(namespace.as_str(), &room, &alias(&socket), at);
                vec![("room_joined", args)]
            }
            What::Left {
                namespace,
                room,
                socket,
            } => {
                let args = room_change(namespace.as_str(), &room, &alias(&socket), at);
                vec![("room_left", args)]
            }
            What::Received {
                namespace,
                socket,
                event,
            } => {
                let args = self.event(namespace.as_str(), &socket, &event, at);
                vec![("event_received", args)]
            }
            What::Sent {
                namespace,
                sockets,
                event,
            } => {
                let sockets = sockets.iter();
                let args = |socket| self.event(namespace.as_str(), socket, &event, at);
                sockets.map(|socket| ("event_sent", args(socket))).collect()
            }
        }
    }

    /// The interface expects the room of its own that the reference gives to each socket.
    fn connected(
        &self,
        socket: &Portrait,
        at: Timestamp,
    ) -> Vec<(&'static str, Result<Args, ArgError>)> {
        let id = self.aliases.socket(socket.id());
        let own = room_change(socket.namespace().as_str(), &Room::from(&*id), &id, at);
        let record = socket.record(&self.aliases, &[]);
        vec![
            ("room_joined", own),
            ("socket_connected", (record, at).into_args()),
        ]
    }

    fn event(
        &self,
        namespace: &str,
        socket: &SocketId,
        event: &Excerpt,
        at: Timestamp,
    ) -> Result<Args, ArgError> {
        let before = (namespace, &self.aliases.socket(socket)).into_args()?;
        let after = (at,).into_args()?;
        let args = before
            .iter()
            .chain([event.list.as_str()])
            .chain(after.iter());
        Args::from_raw_with(args, event.attachments.clone())
    }
}

impl Telling {
    async fn run(mut self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let feed = Arc::clone(&self.feed);
        loop {
            tokio::select! {
                () = feed.mirror.journal.arrived() => self.pass_on(),
                () = feed.audience.changed() => self.look_around(),
                _ = ticks.tick() => {
                    self.look_around();
                    self.tell_stats();
                }
            }
            if self.viewers.is_empty() && feed.audience.end(&feed.mirror) == Task::None {
                return;
            }
        }
    }

    /// Lets go of who has left, and tells who has come, or has fallen behind, what there is.
    fn look_around(&mut self) {
        self.viewers.retain(Viewer::is_here);
        self.viewers.extend(self.feed.audience.arrived());
        // What has been noted before is in the picture.
        self.pass_on();
        self.show_all();
    }

    fn pass_on(&mut self) {
        let pages = self.feed.mirror.journal.take();
        for note in pages.notes {
            for (name, args) in self.feed.events(note) {
                if let Some(message) = self.encode(name, args) {
                    let viewers = self.viewers.iter_mut();
                    viewers.for_each(|viewer| viewer.tell(&message));
                }
            }
        }
        if pages.gap == Gap::Some {
            let viewers = self.viewers.iter_mut();
            viewers.for_each(|viewer| viewer.picture = Picture::Missing);
        }
    }

    fn show_all(&mut self) {
        let lacks = |viewer: &Viewer| viewer.picture == Picture::Missing && viewer.backlog() == 0;
        if self.feed.mirror.mode() == Mode::Production || !self.viewers.iter().any(lacks) {
            return;
        }
        let sockets = (self.feed.all_sockets(),).into_args();
        if let Some(message) = self.encode("all_sockets", sockets) {
            let viewers = self.viewers.iter_mut().filter(|viewer| lacks(viewer));
            viewers.for_each(|viewer| viewer.show(&message));
        }
    }

    fn tell_stats(&mut self) {
        let feed = Arc::clone(&self.feed);
        let (Some(server), Some(engine)) = (feed.server.upgrade(), feed.engine.upgrade()) else {
            return;
        };
        let traffic = &feed.mirror.traffic;
        let stats = self.meter.read(&feed.identity, traffic, &server, &engine);
        if let Some(message) = self.encode("server_stats", (stats,).into_args()) {
            for viewer in &self.viewers {
                // Who misses these gets the next ones.
                let _ = viewer.send(&message);
            }
        }
    }

    /// None for what has no form as a packet, such as arguments nested as deep as is allowed.
    fn encode(&self, name: &str, args: Result<Args, ArgError>) -> Option<Message> {
        let namespace = self.viewers.first()?.socket.namespace();
        namespace.encode(name, &args.ok()?, None).ok()
    }
}

fn room_change(
    namespace: &str,
    room: &Room,
    socket: &str,
    at: Timestamp,
) -> Result<Args, ArgError> {
    (namespace, room.as_str(), socket, at).into_args()
}

/// Sockets in one picture, and bytes of it.
const MAX_SOCKETS: usize = 1000;
const MAX_BYTES: usize = 1024 * 1024;
