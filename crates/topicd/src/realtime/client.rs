//! What the server knows of one socket of `/v2`: who logged in on it, what it is subscribed to, and
//! what it has done too often.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    datetime::Timestamp,
    hub::{Channel, Room},
    limits::{Bucket, Exceeded, Rate},
    store::{Admitted, Session},
    token::Digest,
    topic::Topic,
};

/// Wrong tokens, and subscribes before login, after which a socket is closed.
const MAX_FAILURES: u8 = 5;
/// Subscriptions of one socket.
const MAX_SUBSCRIPTIONS: usize = 128;
/// A client that comes back subscribes to everything at once.
const SUBSCRIBES: Rate = Rate {
    burst: 128.0,
    per_second: 20.0,
};

/// The state of one socket.
#[derive(Debug)]
pub(crate) struct Client(Mutex<State>);

#[derive(Debug)]
struct State {
    session: Option<Session>,
    /// When the socket is closed if nobody has logged in by then.
    deadline: Option<Instant>,
    wrong_tokens: u8,
    early_subscribes: u8,
    subscribes: Bucket,
    memberships: HashMap<Arc<str>, Membership>,
    connected: bool,
}

/// One subscription.
#[derive(Debug)]
pub(crate) struct Membership {
    pub(crate) topic: Topic,
    pub(crate) room: Room,
}

/// Why a socket may not subscribe.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    TooMany,
    TooFast(Exceeded),
    NotYours,
}

/// What became of a membership.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Added {
    New,
    Again,
    /// Somebody else has logged in meanwhile, or nobody is any more.
    LoggedOut,
}

impl Client {
    pub(crate) fn new(auth_timeout: Option<Duration>, now: Instant) -> Self {
        Self(Mutex::new(State {
            session: None,
            deadline: auth_timeout.map(|timeout| now + timeout),
            wrong_tokens: 0,
            early_subscribes: 0,
            subscribes: Bucket::full(SUBSCRIBES, now),
            memberships: HashMap::new(),
            connected: true,
        }))
    }

    pub(crate) fn session(&self) -> Option<Session> {
        self.lock().session.clone()
    }

    pub(crate) fn uses(&self, session: Digest) -> bool {
        self.lock()
            .session
            .as_ref()
            .is_some_and(|own| own.token == session)
    }

    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        self.lock()
            .session
            .as_ref()
            .is_some_and(|session| session.has_expired(now))
    }

    pub(crate) fn is_overdue(&self, now: Instant) -> bool {
        self.lock().deadline.is_some_and(|deadline| now >= deadline)
    }

    /// True if that was one too many.
    pub(crate) fn count_wrong_token(&self) -> bool {
        let mut state = self.lock();
        state.wrong_tokens = state.wrong_tokens.saturating_add(1);
        state.wrong_tokens >= MAX_FAILURES
    }

    /// True if that was one too many.
    pub(crate) fn count_early_subscribe(&self) -> bool {
        let mut state = self.lock();
        state.early_subscribes = state.early_subscribes.saturating_add(1);
        state.early_subscribes >= MAX_FAILURES
    }

    /// Somebody logs in. Returns the rooms that they may not be in.
    pub(crate) fn log_in(&self, session: Session) -> Vec<Room> {
        let mut state = self.lock();
        let ended = state
            .memberships
            .extract_if(|_, held| !held.may_be_held_by(&session));
        let ended = ended.map(|(_, held)| held.room).collect();
        state.session = Some(session);
        state.deadline = None;
        ended
    }

    /// Nobody is logged in any more. `leave` is called for the rooms that the socket was in.
    pub(crate) fn log_out(
        &self,
        auth_timeout: Option<Duration>,
        now: Instant,
        leave: impl FnMut(&Room),
    ) {
        let mut state = self.lock();
        state.session = None;
        state.deadline = auth_timeout.map(|timeout| now + timeout);
        let held: Vec<_> = state.memberships.drain().collect();
        held.iter().map(|(_, held)| &held.room).for_each(leave);
    }

    /// The socket has left; nothing is added any more. Returns the rooms that it was in.
    pub(crate) fn disconnect(&self) -> Vec<Room> {
        let mut state = self.lock();
        state.connected = false;
        state
            .memberships
            .drain()
            .map(|(_, held)| held.room)
            .collect()
    }

    pub(crate) fn may_subscribe(
        &self,
        spelling: &str,
        topic: &Topic,
        now: Instant,
    ) -> Result<(), Denied> {
        let mut state = self.lock();
        state
            .subscribes
            .take(SUBSCRIBES, 1.0, now)
            .map_err(Denied::TooFast)?;
        let is_new = !state.memberships.contains_key(spelling);
        if is_new && state.memberships.len() >= MAX_SUBSCRIPTIONS {
            return Err(Denied::TooMany);
        }
        let session = state.session.as_ref();
        let allowed = session.is_some_and(|session| covers(session, topic));
        if allowed {
            Ok(())
        } else {
            Err(Denied::NotYours)
        }
    }

    /// Adds a membership that `session` was admitted to. `enter` is called for a room that is new, and
    /// under the lock: a session that expires meanwhile leaves the rooms that were entered, all of
    /// them.
    pub(crate) fn add(
        &self,
        session: &Session,
        membership: Membership,
        enter: impl FnOnce(&Room),
    ) -> Added {
        let mut state = self.lock();
        let same = state
            .session
            .as_ref()
            .is_some_and(|own| own.token == session.token);
        if !(state.connected && same) {
            return Added::LoggedOut;
        }
        let spelling = Arc::clone(&membership.room.spelling);
        match state.memberships.entry(spelling) {
            Entry::Vacant(place) => {
                enter(&place.insert(membership).room);
                Added::New
            }
            Entry::Occupied(_) => Added::Again,
        }
    }

    pub(crate) fn remove(&self, spelling: &str) -> Option<Room> {
        self.lock()
            .memberships
            .remove(spelling)
            .map(|held| held.room)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Membership {
    pub(crate) fn new(
        session: &Session,
        topic: Topic,
        spelling: Arc<str>,
        admitted: Admitted,
    ) -> Option<Self> {
        let channel = match (&topic, admitted) {
            (Topic::Resource(key), Admitted::Session(_)) => {
                Channel::Resource(session.user, key.clone())
            }
            (Topic::Thing(_), Admitted::Thing(thing)) => Channel::Thing(thing.row),
            _ => return None,
        };
        Some(Self {
            topic,
            room: Room { channel, spelling },
        })
    }

    /// A thing's token is enough for whoever logs in; a user's resources are their own.
    fn may_be_held_by(&self, session: &Session) -> bool {
        let own = match &self.room.channel {
            Channel::Thing(_) => true,
            Channel::Resource(user, _) => *user == session.user,
        };
        own && covers(session, &self.topic)
    }
}

/// Whether a session's token is for this topic, in whatever spelling.
fn covers(session: &Session, topic: &Topic) -> bool {
    let is_topic = |allowed: &String| Topic::parse(allowed).as_ref() == Ok(topic);
    session
        .topics
        .as_ref()
        .is_none_or(|topics| topics.iter().any(is_topic))
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, thread};

    use super::*;
    use crate::{store::UserId, token::Token, topic::Key};

    const ANNA: UserId = UserId(1);

    fn session() -> Session {
        Session {
            token: Token::presented("s").digest(),
            user: ANNA,
            expires: Timestamp::MAX,
            topics: None,
        }
    }

    fn membership(session: &Session) -> Membership {
        let topic = Topic::Resource(Key::parse("a").unwrap());
        let admitted = Admitted::Session(session.clone());
        Membership::new(session, topic, "/me/resources/a".into(), admitted).unwrap()
    }

    #[test]
    fn who_is_logged_out_while_subscribing_is_in_no_room() {
        for _ in 0..2000 {
            let (client, session) = (Client::new(None, Instant::now()), session());
            client.log_in(session.clone());
            let rooms = Mutex::new(HashSet::new());
            thread::scope(|scope| {
                scope.spawn(|| {
                    client.add(&session, membership(&session), |room| {
                        thread::yield_now();
                        rooms.lock().unwrap().insert(room.clone());
                    })
                });
                scope.spawn(|| {
                    client.log_out(None, Instant::now(), |room| {
                        rooms.lock().unwrap().remove(room);
                    });
                });
            });
            assert!(rooms.lock().unwrap().is_empty());
        }
    }
}
