//! The way of values to the sockets of `/v2`.

use std::sync::Arc;

use socketio::{ConflationKey, Namespace, SendOptions, SlowConsumer};

use super::{
    answer,
    client::Client,
    login::log_out,
    subscription::{revoke, room_name},
};
use crate::{
    hub::{Hub, Outlet, Room},
    live::Live,
    metrics::Metrics,
    store::{Session, ThingRow},
    token::Digest,
};

/// Reaches the sockets of `/v2`.
pub(super) struct V2Outlet {
    pub(super) v2: Namespace<Client>,
    pub(super) live: Arc<Live>,
    pub(super) metrics: Metrics,
}

impl Outlet for V2Outlet {
    fn push(&self, room: &Room, elements: &str) {
        self.emit(room, elements, SendOptions::default());
    }

    fn push_newest(&self, room: &Room, element: &str, key: u64) {
        let newest = SlowConsumer::ConflateBy(ConflationKey::new(key));
        self.emit(room, element, SendOptions::with(newest));
    }

    fn end_session(&self, hub: &Hub, session: Digest) {
        for socket in self.v2.sockets() {
            let uses = |own: &Session| own.token == session;
            log_out(hub, &socket, uses, self.live.auth_timeout());
        }
    }

    fn revoke(&self, hub: &Hub, thing: ThingRow, token: Digest) {
        for socket in self.v2.sockets() {
            revoke(hub, &socket, thing, token);
        }
    }
}

impl V2Outlet {
    fn emit(&self, room: &Room, elements: &str, options: SendOptions) {
        let pushed = answer::array(elements)
            .map_err(|error| error.to_string())
            .and_then(|args| {
                let members = self.v2.to(room_name(room)).with(options);
                members
                    .emit(&room.spelling, args)
                    .map_err(|error| error.to_string())
            });
        match pushed {
            Ok(delivery) => self.metrics.broadcast(&delivery),
            Err(cause) => tracing::error!(cause, "values were not pushed"),
        }
    }
}
