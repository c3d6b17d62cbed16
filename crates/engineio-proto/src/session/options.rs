//! How one message wants to be treated when its client does not keep up.

/// What happens when a message meets a queue without room for it.
///
/// Policies act on whole entries: a packet with all its attachments. An entry whose first byte is
/// out is never dropped or replaced, and an empty queue takes one entry of any size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SlowConsumer {
    /// The session ends with [`CloseReason::SlowConsumer`](super::CloseReason::SlowConsumer).
    /// What is queued under this policy is never dropped: acks, CONNECT and DISCONNECT need it.
    #[default]
    Disconnect,
    /// This message is dropped. Once queued it stays.
    DropNewest,
    /// The oldest messages queued under this policy give way; if there are not enough of them,
    /// this one is dropped.
    DropOldest,
    /// An older message with the same key that still waits is replaced at once, in its place and
    /// whether or not the queue is full: the client gets the latest value of each key, and a key
    /// that changes all the time is not starved. If there is no room after that, as
    /// [`SlowConsumer::Disconnect`].
    ConflateBy(ConflationKey),
    /// Dropped unless the transport is writable at this moment: a parked poll, or a WebSocket with
    /// nothing queued. Once queued it gives way as under [`SlowConsumer::DropOldest`].
    Volatile,
}

/// Which messages replace each other; its meaning is the caller's, for instance an interned topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConflationKey(u64);

impl ConflationKey {
    /// A key that stands for the same thing in all messages to one session.
    pub const fn new(key: u64) -> Self {
        Self(key)
    }
}

/// How one message is sent; by default as its session says, and else the server's
/// [`Config`](crate::Config).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SendOptions {
    policy: Option<SlowConsumer>,
}

impl SendOptions {
    /// For what must arrive or end the session: acks, CONNECT, DISCONNECT.
    pub const fn never_dropped() -> Self {
        Self::with(SlowConsumer::Disconnect)
    }

    /// For what is worthless later.
    pub const fn volatile() -> Self {
        Self::with(SlowConsumer::Volatile)
    }

    /// With a policy of its own.
    pub const fn with(policy: SlowConsumer) -> Self {
        Self {
            policy: Some(policy),
        }
    }

    /// What happens to the message, given the server's [`Config::slow_consumer`].
    ///
    /// [`Config::slow_consumer`]: crate::Config::slow_consumer
    pub fn policy(self, default: SlowConsumer) -> SlowConsumer {
        self.policy.unwrap_or(default)
    }
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a dropped message never arrives"]
pub enum SendOutcome {
    /// It waits to be sent.
    Queued,
    /// It waits in the place of an older message with its key.
    Conflated,
    /// It was dropped by its policy.
    Dropped,
}
