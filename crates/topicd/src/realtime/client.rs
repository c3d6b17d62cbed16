//! What the server knows of one socket of `/v2`: who logged in on it, what it is subscribed to, and
//! what it has done too often.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use socketio::Event;

use super::request::Wanted;
use crate::{
    hub::{Channel, Room},
    limits::{Bucket, Exceeded, Rate},
    store::{Holder, Session, ThingRow},
    token::Digest,
    topic::Topic,
};

/// Wrong tokens, and subscribes before login, after which a socket is closed.
const MAX_FAILURES: u8 = 5;
/// Bytes of events that are taken before login.
const MAX_EARLY_BYTES: usize = 16 * 1024;
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
    early_bytes: usize,
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
            early_bytes: 0,
            subscribes: Bucket::full(SUBSCRIBES, now),
            memberships: HashMap::new(),
            connected: true,
        }))
    }

    pub(crate) fn session(&self) -> Option<Session> {
        self.lock().session.clone()
    }

    /// Whether nobody has logged in in time. Nobody can any more, then.
    pub(crate) fn is_given_up(&self, now: Instant) -> bool {
        let mut state = self.lock();
        let is_overdue = state.deadline.is_some_and(|deadline| now >= deadline);
        state.connected &= !is_overdue;
        is_overdue
    }

    /// Whether an event may be handled: before login few bytes and no attachments are taken.
    pub(crate) fn may_send(&self, event: &Event) -> bool {
        let mut state = self.lock();
        if state.session.is_some() {
            return true;
        }
        let bytes = event.name().len() + event.args().len_in_bytes();
        state.early_bytes = state.early_bytes.saturating_add(bytes);
        state.early_bytes <= MAX_EARLY_BYTES && event.args().attachments().is_empty()
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

    /// Somebody logs in. `act` is called with the rooms that they may not be in, and under the lock:
    /// what it says is said before the next login or logout.
    pub(crate) fn log_in(&self, session: Session, act: impl FnOnce(Vec<Room>)) {
        let mut state = self.lock();
        if !state.connected {
            return;
        }
        let ended = state
            .memberships
            .extract_if(|_, held| !held.may_be_held_by(&session));
        let ended = ended.map(|(_, held)| held.room).collect();
        state.session = Some(session);
        state.deadline = None;
        act(ended);
    }

    /// Nobody is logged in any more, if somebody is whose session `ends`. `act` is called with the
    /// rooms that the socket was in, under the lock as in [`Client::log_in`].
    pub(crate) fn log_out(
        &self,
        ends: impl FnOnce(&Session) -> bool,
        deadline: Option<Instant>,
        act: impl FnOnce(Vec<Room>),
    ) {
        let mut state = self.lock();
        if !state.session.as_ref().is_some_and(ends) {
            return;
        }
        state.session = None;
        state.deadline = deadline;
        let held = state.memberships.drain();
        act(held.map(|(_, held)| held.room).collect());
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

    /// Counts a `subscribe`, whatever is in it.
    pub(crate) fn take_turn(&self, now: Instant) -> Result<(), Exceeded> {
        self.lock().subscribes.take(SUBSCRIBES, 1.0, now)
    }

    pub(crate) fn may_hold(&self, wanted: &Wanted) -> Result<(), Denied> {
        let state = self.lock();
        let is_new = !state.memberships.contains_key(&wanted.spelling);
        if is_new && state.memberships.len() >= MAX_SUBSCRIPTIONS {
            return Err(Denied::TooMany);
        }
        let session = state.session.as_ref();
        let allowed = session.is_some_and(|session| session.covers(&wanted.topic));
        if allowed {
            Ok(())
        } else {
            Err(Denied::NotYours)
        }
    }

    /// Adds a membership that `session` was admitted to. `enter` is called for a room that is new,
    /// `leave` for that of another form which it replaces. Both are called under the lock: a session
    /// that expires meanwhile leaves the rooms that were entered, all of them.
    pub(crate) fn add(
        &self,
        session: &Session,
        membership: Membership,
        enter: impl FnOnce(&Room),
        leave: impl FnOnce(&Room),
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
            Entry::Occupied(held) if held.get().room == membership.room => Added::Again,
            Entry::Occupied(mut held) => {
                enter(&membership.room);
                leave(&held.insert(membership).room);
                Added::New
            }
        }
    }

    /// Removes what is subscribed by a token of a thing and returns it. `leave` is called for the
    /// rooms, under the lock as in [`Client::add`].
    pub(crate) fn remove_thing(
        &self,
        thing: ThingRow,
        token: Digest,
        leave: impl FnMut(&Room),
    ) -> Vec<Room> {
        let mut state = self.lock();
        let removed = state
            .memberships
            .extract_if(|_, held| held.came_in_by(thing, token));
        let removed: Vec<_> = removed.map(|(_, held)| held.room).collect();
        removed.iter().for_each(leave);
        removed
    }

    /// What it holds at this moment.
    pub(crate) fn subscriptions(&self) -> usize {
        self.lock().memberships.len()
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
    pub(crate) fn new(session: &Session, wanted: Wanted, holder: &Holder) -> Option<Self> {
        let channel = match (&wanted.topic, holder) {
            (Topic::Resource(key), Holder::Session(_)) => {
                Channel::Resource(session.user, key.clone())
            }
            (Topic::Thing(_), Holder::Thing(thing)) => Channel::Thing(thing.row),
            _ => return None,
        };
        let (topic, spelling, form) = (wanted.topic, wanted.spelling, wanted.form);
        let room = Room {
            channel,
            spelling,
            form,
        };
        Some(Self { topic, room })
    }

    /// The thing is compared first: digests take time.
    fn came_in_by(&self, thing: ThingRow, token: Digest) -> bool {
        let digest = || match &self.topic {
            Topic::Thing(own) => Some(own.digest()),
            Topic::Resource(_) => None,
        };
        self.room.channel == Channel::Thing(thing) && digest() == Some(token)
    }

    /// A thing's token is enough for whoever logs in; a user's resources are their own.
    fn may_be_held_by(&self, session: &Session) -> bool {
        let own = match &self.room.channel {
            Channel::Thing(_) => true,
            Channel::Resource(user, _) => *user == session.user,
        };
        own && session.covers(&self.topic)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, thread};

    use super::*;
    use crate::{
        datetime::Timestamp,
        hub::{Form, Pace},
        store::UserId,
        token::Token,
        topic::Key,
    };

    const ANNA: UserId = UserId(1);

    fn session(token: &str) -> Session {
        Session {
            token: Token::presented(token).digest(),
            user: ANNA,
            expires: Timestamp::MAX,
            ends: Timestamp::MAX,
            topics: None,
        }
    }

    fn membership(session: &Session, form: Form) -> Membership {
        let wanted = Wanted {
            form,
            ..wanted("a")
        };
        Membership::new(session, wanted, &Holder::Session(session.clone())).unwrap()
    }

    fn wanted(name: &str) -> Wanted {
        Wanted {
            topic: Topic::Resource(Key::parse(name).unwrap()),
            spelling: format!("/me/resources/{name}").into(),
            form: Form::default(),
            start: None,
        }
    }

    fn client(session: &Session) -> Client {
        let client = Client::new(None, Instant::now());
        client.log_in(session.clone(), |_| {});
        client
    }

    #[test]
    fn who_is_logged_out_while_subscribing_is_in_no_room() {
        for _ in 0..2000 {
            let session = session("s");
            let client = client(&session);
            let rooms = Mutex::new(HashSet::new());
            thread::scope(|scope| {
                scope.spawn(|| {
                    let enter = |room: &Room| {
                        thread::yield_now();
                        rooms.lock().unwrap().insert(room.clone());
                    };
                    let membership = membership(&session, Form::default());
                    client.add(&session, membership, enter, |_| {})
                });
                scope.spawn(|| {
                    client.log_out(
                        |_| true,
                        None,
                        |left| {
                            let mut rooms = rooms.lock().unwrap();
                            rooms.retain(|room| !left.contains(room));
                        },
                    );
                });
            });
            assert!(rooms.lock().unwrap().is_empty());
        }
    }

    #[test]
    fn another_form_takes_the_place_of_the_first() {
        let session = session("s");
        let client = client(&session);
        let rooms = Mutex::new(HashSet::new());
        let newest = Form {
            pace: Pace::Newest,
            ..Form::default()
        };
        for form in [Form::default(), newest, newest] {
            let enter = |room: &Room| assert!(rooms.lock().unwrap().insert(room.form));
            let leave = |room: &Room| assert!(rooms.lock().unwrap().remove(&room.form));
            client.add(&session, membership(&session, form), enter, leave);
        }
        assert_eq!(rooms.into_inner().unwrap(), HashSet::from([newest]));
    }

    // Contract 15
    #[test]
    fn a_socket_holds_128_subscriptions_and_may_ask_again_for_each() {
        let session = session("s");
        let client = client(&session);
        for number in 0..MAX_SUBSCRIPTIONS {
            let wanted = wanted(&number.to_string());
            assert_eq!(client.may_hold(&wanted), Ok(()));
            let holder = Holder::Session(session.clone());
            let membership = Membership::new(&session, wanted, &holder).unwrap();
            client.add(&session, membership, |_| {}, |_| {});
        }
        assert_eq!(client.may_hold(&wanted("more")), Err(Denied::TooMany));
        assert_eq!(client.may_hold(&wanted("0")), Ok(()));
    }

    #[test]
    fn a_login_that_has_been_renewed_does_not_end_with_the_old_one() {
        let (old, new) = (session("old"), session("new"));
        let client = client(&old);
        client.log_in(new.clone(), |_| {});
        client.log_out(|own| own.token == old.token, None, |_| panic!("logged out"));
        assert_eq!(client.session(), Some(new));
    }

    // Contract 4
    #[test]
    fn nobody_logs_in_on_a_socket_that_is_given_up() {
        let start = Instant::now();
        let timeout = Duration::from_secs(10);
        let client = Client::new(Some(timeout), start);
        assert!(!client.is_given_up(start + timeout - Duration::from_millis(1)));
        assert!(client.is_given_up(start + timeout));
        client.log_in(session("s"), |_| panic!("logged in"));
        assert_eq!(client.session(), None);
    }
}
