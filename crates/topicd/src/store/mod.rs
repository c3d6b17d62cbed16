//! What the server keeps, as a trait: accounts, things, links, values.
//!
//! All changes pass one queue. Once they are on disk they go, in the order of their commits, into
//! the publish stage ([`Staged`]); only after that the caller gets its answer. Whoever must be in
//! step with the changes, such as a subscriber who joins, passes the same queue. So nothing is
//! pushed that is not stored, and the order of pushes is the order of the store.

use std::{fmt, future::Future, ops::RangeInclusive, pin::Pin};

use crate::{
    datetime::Timestamp,
    token::{Digest, ThingId},
    topic::{AllowedTopic, Key, Topic},
    value::Record,
};

mod grant;
mod replay;
pub(crate) mod retention;
pub mod sqlite;

pub use grant::{Grant, GrantId, Granted, Right, Scope};
pub use replay::{Epoch, Replay, ReplayRequest, Replayed, Seq, Start};
pub use retention::{Cut, Outdated, Retention, SeriesRow, Trimmed};

/// What a call of the store comes to, in the future.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// The store behind a server.
pub trait Store: Send + Sync + 'static {
    /// Makes a user, and the first session with it; false if the e-mail is taken in this app.
    fn create_user(&self, user: NewUser, session: NewSession) -> Answer<bool>;
    /// What a login is checked against.
    fn credentials(&self, app: &str, email: &str) -> Answer<Option<Credentials>>;
    /// Opens a further session of a user. Of too many the one that would expire first is ended; the
    /// publish stage learns of it. Those that only subscribe are counted apart.
    fn open_session(&self, user: UserId, session: NewSession) -> Answer<()>;
    /// The same for a login, unless the hash that it was checked against is no longer the user's: false
    /// then, and nothing is opened.
    fn open_login(&self, user: UserId, hash: String, session: NewSession) -> Answer<bool>;
    /// The session with this token, expired or not.
    fn session(&self, token: Digest) -> Answer<Option<Session>>;
    /// Lets sessions that hold go on until `until`, or until they end.
    fn renew_sessions(&self, tokens: Vec<Digest>, until: Timestamp) -> Answer<()>;
    /// Ends a session; the publish stage learns of it.
    fn end_session(&self, token: Digest) -> Answer<()>;
    /// A user's settings: the text of a JSON object.
    fn settings(&self, user: UserId) -> Answer<String>;
    /// Replaces them.
    fn set_settings(&self, user: UserId, settings: String) -> Answer<()>;

    /// Adds a code that activates one thing.
    fn create_code(&self, code: Digest) -> Answer<()>;
    /// Uses up a code and makes the thing; false if the code is unknown or used.
    fn activate(&self, code: Digest, thing: NewThing) -> Answer<bool>;
    /// The thing with this token, if the token gives this right.
    fn thing(&self, token: Digest, right: Right) -> Answer<Option<Thing>>;
    /// Makes the user an owner of the thing whose own token this is, if there is one.
    fn link(&self, user: UserId, token: Digest) -> Answer<Option<ThingId>>;
    /// Undoes that; false if it was not linked.
    fn unlink(&self, user: UserId, thing: ThingId) -> Answer<bool>;
    /// The user's things, in the order of their names.
    fn linked_things(&self, user: UserId) -> Answer<Vec<Thing>>;
    /// Those of them that have ever had this resource.
    fn things_with(&self, user: UserId, key: Key) -> Answer<Vec<Thing>>;

    /// Stores a batch, all of it or nothing, and publishes it.
    fn append(&self, append: Append) -> Answer<Appended>;
    /// One resource of a thing, newest first, as much as fits into one page; none if the thing never
    /// had it.
    fn timeline(&self, thing: ThingRow, key: Key, window: Window) -> Answer<Option<Page>>;
    /// The resources of a thing, by name.
    fn resources(&self, thing: ThingRow) -> Answer<Vec<Key>>;

    /// What is outdated at `now` in some resources: those behind the last one of the call before.
    fn outdated(
        &self,
        retention: Retention,
        now: Timestamp,
        after: Option<SeriesRow>,
    ) -> Answer<Outdated>;
    /// Takes a slice of it out.
    fn trim(&self, cut: Cut) -> Answer<Trimmed>;

    /// Checks that a client may come in and calls `then` in the publish stage, in this call's place
    /// among the commits. What it asks to have replayed is read at the same place.
    fn admit(
        &self,
        ticket: Ticket,
        replay: Option<ReplayRequest>,
        then: OnAdmitted,
    ) -> Answer<Admission>;

    /// Users in the order in which they were made, behind one of them.
    fn users(&self, after: UserId, limit: u32) -> Answer<Vec<UserEntry>>;
    /// Removes a user with all sessions and links; false if there is none. The things stay.
    fn remove_user(&self, user: UserId) -> Answer<bool>;
    /// Replaces the hash of a user's password by another one of the same password, if it is still that.
    fn replace_hash(&self, user: UserId, old: String, new: String) -> Answer<()>;
    /// Replaces the hash that logins are checked against; false if there is no such user.
    fn set_password(&self, user: UserId, password: String) -> Answer<bool>;
    /// Ends all sessions of a user and tells how many; the publish stage learns of them.
    fn end_sessions(&self, user: UserId) -> Answer<usize>;
    /// Things in the order in which they were made, behind one of them.
    fn things(&self, after: ThingRow, limit: u32) -> Answer<Vec<ThingEntry>>;
    /// The thing of this name.
    fn thing_named(&self, id: ThingId) -> Answer<Option<Thing>>;
    /// The name of a thing.
    fn thing_id(&self, thing: ThingRow) -> Answer<Option<ThingId>>;
    /// Gives a thing another token of its own; false if there is none of this name. The publish
    /// stage learns of it: who came in by the old token has to go. Grants stay.
    fn replace_thing_token(&self, id: ThingId, token: Digest) -> Answer<bool>;
    /// Takes back a thing's own token, which is replaced by one that nobody knows, or a grant; false
    /// if it is neither. The publish stage learns of it.
    fn revoke_thing_token(&self, token: Digest, unknown: Digest) -> Answer<bool>;
    /// Adds a token with one scope to a thing.
    fn grant(&self, id: ThingId, token: Digest, scope: Scope) -> Answer<Granted>;
    /// The grants of a thing, in the order in which they were made; none if there is no such thing.
    fn grants(&self, id: ThingId) -> Answer<Option<Vec<Grant>>>;
    /// Takes a grant of a thing back; false if there is none. The publish stage learns of it.
    fn revoke_grant(&self, id: ThingId, grant: GrantId) -> Answer<bool>;
    /// The apps that the operator has made, by name.
    fn apps(&self) -> Answer<Vec<String>>;
    /// Makes an app; false if it is there already.
    fn create_app(&self, id: String) -> Answer<bool>;
    /// Removes an app; false if there is none. Its users stay, and cannot log in.
    fn remove_app(&self, id: String) -> Answer<bool>;
    /// Writes nothing, the way that everything is written: fails if the store does not work.
    fn probe(&self) -> Answer<()>;
    /// Bytes on disk.
    fn size(&self) -> u64;
}

/// Called in the publish stage when a client has been admitted.
pub type OnAdmitted = Box<dyn FnOnce(Admitted) + Send>;

/// A user, as the store counts them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct UserId(pub i64);

/// A thing, as the store counts them. Never shown; its name is the [`ThingId`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ThingRow(pub i64);

/// A user to be made.
#[derive(Debug)]
pub struct NewUser {
    /// The app it belongs to.
    pub app: String,
    /// Unique within the app.
    pub email: String,
    /// The password's hash with its parameters, as a PHC string.
    pub password: String,
}

/// A session to be opened.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Of the session token.
    pub token: Digest,
    /// When it ends if nobody uses it.
    pub expires: Timestamp,
    /// When it ends in any case.
    pub ends: Timestamp,
    /// What it may subscribe to; all its user may if none.
    pub topics: Option<Vec<AllowedTopic>>,
}

/// What a login is checked against.
#[derive(Debug)]
pub struct Credentials {
    /// Whose they are.
    pub user: UserId,
    /// The password's hash as a PHC string.
    pub password: String,
}

/// A login.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// Of its token.
    pub token: Digest,
    /// Who logged in.
    pub user: UserId,
    /// When it ends if nobody uses it until then.
    pub expires: Timestamp,
    /// When it ends in any case.
    pub ends: Timestamp,
    /// What it may subscribe to, and nothing else; all its user may if none.
    pub topics: Option<Vec<AllowedTopic>>,
}

/// A thing to be made.
#[derive(Debug)]
pub struct NewThing {
    /// Its name.
    pub id: ThingId,
    /// Of its token.
    pub token: Digest,
    /// What the client said it is.
    pub product: Option<String>,
}

/// A thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Thing {
    /// Its number in the store.
    pub row: ThingRow,
    /// Its name.
    pub id: ThingId,
}

/// A user as the operator sees them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserEntry {
    /// Their number.
    pub user: UserId,
    /// The app they belong to.
    pub app: String,
    /// Unique within the app.
    pub email: String,
    /// When the account was made.
    pub created: Timestamp,
    /// Sessions that have not been ended.
    pub sessions: u32,
    /// Things that are linked.
    pub things: u32,
}

/// A thing as the operator sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ThingEntry {
    /// The thing.
    pub thing: Thing,
    /// What the client said it is.
    pub product: Option<String>,
    /// When it was activated.
    pub created: Timestamp,
    /// Users that it is linked to.
    pub owners: u32,
}

/// A batch of values to be stored.
#[derive(Debug)]
pub struct Append {
    /// Who writes.
    pub writer: Writer,
    /// The values, in the order of their elements.
    pub records: Vec<Record>,
    /// What makes a repetition of this write known: of the client's `Idempotency-Key`.
    pub idempotency: Option<Digest>,
}

/// Who writes, and so to which thing.
#[derive(Clone, Debug)]
pub enum Writer {
    /// The device, by its token.
    Device(Digest),
    /// An owner, by the thing's name.
    Owner(UserId, ThingId),
    /// An owner who names the thing by its token, as an old demonstration does.
    OwnerByToken(UserId, Digest),
}

/// What became of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Appended {
    /// It is stored and published.
    Stored,
    /// It had been stored before.
    Repeated,
    /// There is no such thing for this writer.
    UnknownThing,
}

/// Which part of a timeline is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Window {
    /// At most so many records.
    pub limit: u32,
    /// With a datetime in this range, both ends included.
    pub range: RangeInclusive<Timestamp>,
    /// Only what is older than this record.
    pub before: Option<(Timestamp, Seq)>,
}

/// A part of a timeline that fits into memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// Newest first; at least one if there is one.
    pub records: Vec<Record>,
    /// What to ask for next, if that was not all.
    pub rest: Option<Window>,
}

/// What a client shows to come in.
#[derive(Clone, Debug)]
pub enum Ticket {
    /// A session token.
    Session(Digest),
    /// A thing token; the session must hold, too, if there is one.
    Thing {
        /// Of the session token.
        session: Option<Digest>,
        /// Of the thing token.
        thing: Digest,
    },
}

/// Who came in, and with what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Admitted {
    /// Whom the ticket lets in.
    pub holder: Holder,
    /// What was stored before, if that was asked for.
    pub replay: Option<Replay>,
}

/// Whom a ticket lets in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Holder {
    /// The holder of a session.
    Session(Session),
    /// A reader of a thing.
    Thing(Thing),
}

/// What a ticket was worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// The client is in.
    Admitted,
    /// The session is unknown, ended or expired.
    NoSession,
    /// There is no such thing.
    NoThing,
}

/// One change that is on disk, on its way through the publish stage.
pub struct Staged {
    /// What the stage has to do.
    pub effect: Effect,
    /// Gives the caller its answer, afterwards.
    pub answer: Box<dyn FnOnce() + Send>,
}

/// What a change means for those who are connected.
pub enum Effect {
    /// Nothing.
    None,
    /// Values are to be pushed.
    Publish(Publication),
    /// A user has become an owner of a thing, and was none before.
    Linked(UserId, ThingId),
    /// A client comes in.
    Admit(Box<dyn FnOnce() + Send>),
    /// Sessions ended before their time.
    SessionsEnded(Vec<Digest>),
    /// A token of a thing holds no more: who came in by it has to go.
    ThingTokenRevoked(ThingRow, Digest),
}

/// Values that were stored together.
#[derive(Debug)]
pub struct Publication {
    /// Whose they are.
    pub thing: Thing,
    /// Who owned the thing when they were stored.
    pub owners: Vec<UserId>,
    /// The values in written order.
    pub records: Vec<Record>,
    /// The number of the first of them; the others follow it.
    pub first: Seq,
}

/// The store did not do it. We are wrong, not the client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StoreError {
    /// Too much is waiting already: come back later.
    Busy,
    /// The disk is full; nothing was stored.
    Full,
    /// The store failed; nothing is acknowledged from here on.
    Failed(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("the store is busy"),
            Self::Full => f.write_str("the disk is full"),
            Self::Failed(reason) => write!(f, "the store failed: {reason}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl Default for Window {
    /// The newest record.
    fn default() -> Self {
        Self {
            limit: 1,
            range: Timestamp::EPOCH..=Timestamp::MAX,
            before: None,
        }
    }
}

impl Session {
    /// True from the instant of its expiry on.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        now >= self.expires
    }

    /// True if even one that is in use is over.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        now >= self.ends
    }

    /// True if it may do everything its user may; false for a token that only subscribes.
    pub fn is_full(&self) -> bool {
        self.topics.is_none()
    }

    /// Whether its token is for this topic, in whatever spelling.
    pub fn covers(&self, topic: &Topic) -> bool {
        let topics = self.topics.as_ref();
        topics.is_none_or(|topics| topics.iter().any(|allowed| allowed.covers(topic)))
    }
}
