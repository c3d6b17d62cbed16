//! What a socket listens to: `subscribe` and `unsubscribe`, and the rooms behind them.

use std::{sync::Arc, time::Instant};

use socketio::{Event, Socket};

use super::{
    Realtime,
    answer::{self, done, exhausted, refused, subscribed, too_many, unavailable, with_resource},
    asked::Asked,
    client::{Added, Client, Denied, Membership},
    request::{TopicRequest, Wanted},
};
use crate::{
    hub::{Channel, Hub, Room},
    store::{Admission, OnAdmitted, Replay, Session, ThingRow, Ticket},
    token::Digest,
    topic::Topic,
};

/// Memory that one replay may take.
const MAX_REPLAY: usize = 1024 * 1024;

impl Realtime {
    pub(super) async fn subscribe(self: Arc<Self>, asked: Asked, event: Event) {
        let request = TopicRequest::of(&event);
        let topic = request.as_ref().map(|request| request.resource.as_str());
        let client = asked.socket.state();
        let Some(session) = client.session() else {
            asked.answer(&refused(401, "not authenticated", topic));
            if client.count_early_subscribe() {
                asked.socket.close();
            }
            return;
        };
        if let Err(exceeded) = client.take_turn(Instant::now()) {
            let (topic, wait) = (topic.unwrap_or(""), exceeded.seconds());
            return asked.answer(&too_many("too many requests", topic, wait));
        }
        let wanted = request.as_ref().map(TopicRequest::wanted);
        let wanted = match wanted.unwrap_or(Err("malformed topic")) {
            Ok(wanted) => wanted,
            Err(message) => return asked.answer(&refused(400, message, topic)),
        };
        if !self.live.now().config.topics.allow(&wanted.topic) {
            return asked.answer(&refused(403, "such topics are switched off", topic));
        }
        match client.may_hold(&wanted) {
            Ok(()) => self.admit(asked, session, wanted).await,
            Err(Denied::TooMany) => {
                asked.answer(&too_many("too many subscriptions", &wanted.spelling, 1));
            }
            Err(Denied::NotYours) => {
                asked.answer(&refused(404, "not found", Some(&wanted.spelling)));
            }
        }
    }

    /// Stored values take memory until the client has them: it gets its next ones when these are on
    /// their way.
    async fn admit(&self, asked: Asked, session: Session, wanted: Wanted) {
        if wanted.start.is_none() {
            return self.join(&Arc::new(asked), session, wanted).await;
        }
        asked.socket.writable().await;
        let mut share = match self.reads.share(MAX_REPLAY).await {
            Ok(share) => share,
            Err(error) => return asked.answer(&exhausted(error, &wanted.spelling)),
        };
        let asked = Arc::new(asked);
        self.join(&asked, session, wanted).await;
        share.shrink_to(asked.socket.queued_bytes());
        asked.socket.writable().await;
        drop(share);
    }

    /// Joins in the publish stage: from there on every value of the topic is pushed, and none
    /// before the answer.
    async fn join(&self, asked: &Arc<Asked>, session: Session, wanted: Wanted) {
        let spelling = Arc::clone(&wanted.spelling);
        let ticket = match &wanted.topic {
            Topic::Resource(_) => Ticket::Session(session.token),
            Topic::Thing(thing) => Ticket::Thing {
                session: Some(session.token),
                thing: thing.digest(),
            },
        };
        let replay = wanted.replay();
        let (hub, joining) = (Arc::clone(&self.hub), Arc::clone(asked));
        let join: OnAdmitted = Box::new(move |admitted| {
            if let Some(membership) = Membership::new(&session, wanted, &admitted.holder) {
                join(
                    &hub,
                    &joining,
                    &session,
                    membership,
                    admitted.replay.as_ref(),
                );
            }
        });
        match self.store.admit(ticket, replay, join).await {
            Ok(Admission::Admitted) => {}
            Ok(Admission::NoSession) => {
                asked.answer(&refused(401, "not authenticated", Some(&spelling)));
            }
            Ok(Admission::NoThing) => {
                asked.answer(&refused(404, "not found", Some(&spelling)));
                self.count_failure(&asked.socket);
            }
            Err(error) => asked.answer(&with_resource(unavailable(&error), &spelling)),
        }
    }

    pub(super) async fn unsubscribe(self: Arc<Self>, asked: Asked, event: Event) {
        let request = TopicRequest::of(&event);
        let spelling = request.as_ref().map(|request| request.resource.as_str());
        let topic = spelling.map(Topic::parse);
        let (Some(spelling), Some(Ok(_))) = (spelling, topic) else {
            return asked.answer(&refused(400, "malformed topic", spelling));
        };
        if let Some(room) = asked.socket.state().remove(spelling) {
            leave(&self.hub, &asked.socket, &room);
        }
        asked.answer(&done("unsubscribed", spelling));
    }
}

/// A subscription that was admitted. Joining twice is joining once; the form that was asked for last
/// is the one that holds.
fn join(
    hub: &Hub,
    asked: &Asked,
    session: &Session,
    membership: Membership,
    replay: Option<&Replay>,
) {
    let (room, socket) = (membership.room.clone(), &asked.socket);
    let enter = |room: &Room| {
        hub.enter(room);
        // Fails only for a client that has left: the bound on subscriptions is the lower one.
        let _ = socket.join(room_name(room));
    };
    let leave = |room: &Room| leave(hub, socket, room);
    if socket.state().add(session, membership, enter, leave) == Added::LoggedOut {
        return asked.answer(&refused(401, "not authenticated", Some(&room.spelling)));
    }
    asked.answer(&subscribed(&room.spelling, replay));
    if let Some(replay) = replay.filter(|replay| !replay.values.is_empty()) {
        push_stored(socket, &room, replay);
    }
}

fn push_stored(socket: &Socket<Client>, room: &Room, replay: &Replay) {
    let show_thing = matches!(room.channel, Channel::Resource(..));
    match answer::stored(replay, show_thing) {
        // A client that is gone needs no values.
        Ok(args) => drop(socket.emit(&room.spelling, args)),
        Err(error) => tracing::error!(%error, "stored values were not pushed"),
    }
}

/// Ends what a socket holds by a token of a thing, and says so.
pub(super) fn revoke(hub: &Hub, socket: &Socket<Client>, thing: ThingRow, token: Digest) {
    let client = socket.state();
    let removed = client.remove_thing(thing, token, |room| leave(hub, socket, room));
    for room in removed {
        let _ = socket.emit("unsubscribe", (done("unsubscribed", &room.spelling),));
    }
}

pub(super) fn leave(hub: &Hub, socket: &Socket<Client>, room: &Room) {
    socket.leave(room_name(room));
    hub.leave(room);
}

/// The name in the namespace. It begins with what no topic begins with, and has the channel in it:
/// one spelling is another room for another user.
pub(super) fn room_name(room: &Room) -> String {
    format!("{:?} {:?} {}", room.channel, room.form, room.spelling)
}
