//! Telling admins what happens: one task, as long as there are admins.

use std::sync::{Arc, Weak};

use engineio::WeakEngineService;
use serde_json::value::RawValue;
use socketio_proto::IntoArgs;
use tokio::{
    task::coop,
    time::{MissedTickBehavior, interval},
};

use super::{
    Aliases, Mode, TICK,
    audience::{Audience, Picture, Task, Viewer},
    journal::Gap,
    mirror::Mirror,
    records::Portrait,
    stats::{Identity, Meter},
    told::Told,
};
use crate::{link::Message, namespace::NamespaceCore, server::Shared, socket::SocketCore};

/// What admins are told of, and those who have come to be told.
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
        let Some(engine) = self.engine.upgrade() else {
            return;
        };
        if self.audience.enter(Arc::clone(admin), &self.mirror) == Task::None {
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
}

impl Telling {
    async fn run(mut self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let feed = Arc::clone(&self.feed);
        loop {
            tokio::select! {
                () = feed.mirror.journal.arrived() => self.pass_on().await,
                () = feed.audience.changed() => self.look_around().await,
                _ = ticks.tick() => {
                    self.look_around().await;
                    self.tell_stats();
                }
            }
            if self.viewers.is_empty() && feed.audience.end(&feed.mirror) == Task::None {
                return;
            }
        }
    }

    /// Lets go of who has left, and tells who has come, or has fallen behind, what there is.
    async fn look_around(&mut self) {
        self.viewers.retain(Viewer::is_here);
        self.viewers.extend(self.feed.audience.arrived());
        // What has been noted before is in the picture.
        self.pass_on().await;
        self.show_all();
    }

    /// Much may have been noted at once: others get their turn in between.
    async fn pass_on(&mut self) {
        let pages = self.feed.mirror.journal.take();
        let notes = pages.notes.iter();
        for told in notes.flat_map(|note| note.told(&self.feed.aliases)) {
            if let Some(message) = encode(&self.viewers, told) {
                let viewers = self.viewers.iter_mut();
                viewers.for_each(|viewer| viewer.tell(&message));
            }
            coop::consume_budget().await;
        }
        if pages.gap == Gap::Some {
            let viewers = self.viewers.iter_mut();
            viewers.for_each(|viewer| viewer.picture = Picture::Missing);
        }
    }

    fn show_all(&mut self) {
        let development = self.feed.mirror.mode() == Mode::Development;
        if !development || !self.viewers.iter().any(Viewer::wants_picture) {
            return;
        }
        let told = Told {
            name: "all_sockets",
            args: (self.feed.all_sockets(),).into_args(),
        };
        if let Some(message) = encode(&self.viewers, told) {
            let viewers = self.viewers.iter_mut();
            viewers
                .filter(|viewer| viewer.wants_picture())
                .for_each(|viewer| viewer.show(&message));
        }
    }

    fn tell_stats(&mut self) {
        let feed = &self.feed;
        let (Some(server), Some(engine)) = (feed.server.upgrade(), feed.engine.upgrade()) else {
            return;
        };
        let traffic = &feed.mirror.traffic;
        let stats = self.meter.read(&feed.identity, traffic, &server, &engine);
        let told = Told {
            name: "server_stats",
            args: (stats,).into_args(),
        };
        if let Some(message) = encode(&self.viewers, told) {
            for viewer in &self.viewers {
                // Who misses these gets the next ones.
                let _ = viewer.send(&message);
            }
        }
    }
}

/// One message for all viewers; none if nobody is there, or it has no form.
fn encode(viewers: &[Viewer], told: Told) -> Option<Message> {
    let namespace = viewers.first()?.socket.namespace();
    let message = namespace.encode(told.name, &told.args.ok()?, None);
    message.ok()
}

/// Sockets in one picture, and bytes of it.
const MAX_SOCKETS: usize = 1000;
const MAX_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin};

    use super::{
        super::{
            Admin, Credentials,
            journal::{Subject, What},
        },
        *,
    };
    use crate::{Server, testing::Client};

    #[tokio::test]
    async fn others_have_their_turn_while_much_is_told() {
        let server = Server::new();
        server.of("/");
        let mut client = Client::open(&server).await;
        client.join("/").await.unwrap();
        let socket = Arc::clone(server.of("/").sockets()[0].core());
        let options = Admin::new(Credentials::password("ops", "rosebud"));
        let mirror = Mirror::new(&options);
        let feed = Feed::new(
            &mirror,
            server.shared(),
            server.service().downgrade(),
            Identity::new(None),
            Arc::new(Aliases::new()),
        );
        for _ in 0..1000 {
            let upgraded = What::Upgraded(Subject::of(&socket));
            mirror.journal.add(upgraded);
        }
        let viewer = Viewer {
            socket,
            picture: Picture::Whole,
        };
        let mut telling = Telling {
            feed: Arc::new(feed),
            viewers: vec![viewer],
            meter: Meter::new(&server.service()),
        };
        let mut turns = 0;
        {
            let mut passing = pin!(telling.pass_on());
            poll_fn(|cx| {
                turns += 1;
                passing.as_mut().poll(cx)
            })
            .await;
        }
        assert!(turns > 5, "{turns}");
        // Nothing was left out.
        assert_eq!(telling.viewers[0].picture, Picture::Whole);
    }
}
