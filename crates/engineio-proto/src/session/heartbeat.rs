//! Liveness: who pings, and when silence means that the client is gone (EIO4 2.6).
//!
//! Owns one deadline for the whole session, whatever its transport. Does not know how a ping gets
//! to the client.

use std::time::{Duration, Instant};

use crate::{Config, Version};

/// The heartbeat of one session. It starts with the handshake and outlives every transport.
pub(super) struct Heartbeat {
    state: State,
    patience: Patience,
    /// Nobody reads from the client before this instant: its silence says nothing.
    paused_until: Option<Instant>,
}

#[derive(Clone, Copy)]
enum State {
    /// Revision 4, between two rounds: we ping at this instant.
    Resting { ping_at: Instant },
    /// Revision 4: the pong must arrive before this instant.
    Asked { until: Instant },
    /// Revision 3: the client's next ping must arrive before this instant.
    Listening { until: Instant },
}

/// What may still move the deadline of this round: each of the two happens once.
#[derive(Clone, Copy)]
struct Patience {
    /// The first packet other than a pong while one is awaited (EIO4 2.6).
    traffic: bool,
    /// A deadline that we looked at too late to blame the client.
    delay: bool,
}

/// What a look at the clock says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing to do before [`Heartbeat::deadline`].
    Alive,
    /// A ping has to go out now.
    Ping,
    /// The client is gone.
    Dead,
}

impl Heartbeat {
    /// Deadlines count from the handshake: a client that waits exactly interval plus timeout finds
    /// the session gone.
    pub(super) fn start(now: Instant, version: Version, config: &Config) -> Self {
        let state = match version {
            Version::V3 => State::Listening {
                until: now + silence(config),
            },
            Version::V4 => State::Resting {
                ping_at: now + config.ping_interval,
            },
        };
        Self {
            state,
            patience: Patience::FULL,
            paused_until: None,
        }
    }

    /// The next instant at which [`Heartbeat::check`] has something to say.
    pub(super) fn deadline(&self) -> Instant {
        self.paused_until.unwrap_or_else(|| self.state.deadline())
    }

    /// Stands still while nobody reads from the client, for [`Limits::max_pause`] at most.
    ///
    /// [`Limits::max_pause`]: crate::Limits::max_pause
    pub(super) fn pause(&mut self, now: Instant, config: &Config) {
        self.paused_until
            .get_or_insert(now + config.limits.max_pause);
    }

    /// Reading goes on: what the client has sent meanwhile gets a full timeout to be read.
    pub(super) fn resume(&mut self, now: Instant, config: &Config) {
        if self.paused_until.take().is_some() {
            self.postpone(now + config.ping_timeout);
        }
    }

    /// A ping of a revision 3 client.
    pub(super) fn ping_arrived(&mut self, now: Instant, config: &Config) {
        self.state = State::Listening {
            until: now + silence(config),
        };
        self.patience = Patience::FULL;
    }

    /// A pong of a revision 4 client, asked for or not: the interval starts anew.
    pub(super) fn pong_arrived(&mut self, now: Instant, config: &Config) {
        self.state = State::Resting {
            ping_at: now + config.ping_interval,
        };
        self.patience = Patience::FULL;
    }

    /// Any other packet. Only the first one while a pong is awaited counts, or a client that
    /// sends without ever answering would live for ever.
    pub(super) fn traffic_arrived(&mut self, now: Instant, config: &Config) {
        if let State::Asked { until } = &mut self.state
            && std::mem::take(&mut self.patience.traffic)
        {
            *until = now + config.ping_timeout;
        }
    }

    /// Looks at the clock.
    pub(super) fn check(&mut self, now: Instant, config: &Config) -> Verdict {
        if self.paused_until.is_some_and(|end| end <= now) {
            self.resume(now, config);
        }
        let due = self.deadline();
        if now < due {
            return Verdict::Alive;
        }
        let late = now.duration_since(due) > PUNCTUAL.min(config.ping_timeout / 2);
        match self.state {
            State::Resting { ping_at } => {
                let asked_at = if late { now } else { ping_at };
                self.state = State::Asked {
                    until: asked_at + config.ping_timeout,
                };
                Verdict::Ping
            }
            State::Asked { .. } | State::Listening { .. } => {
                if !(late && std::mem::take(&mut self.patience.delay)) {
                    return Verdict::Dead;
                }
                // The process stood still: the answer may wait unread in the socket.
                self.postpone(now + config.ping_timeout);
                Verdict::Alive
            }
        }
    }

    /// Moves the client's deadline to this instant, unless it is later anyway.
    fn postpone(&mut self, fresh: Instant) {
        if let State::Asked { until } | State::Listening { until } = &mut self.state {
            *until = fresh.max(*until);
        }
    }
}

impl State {
    fn deadline(self) -> Instant {
        match self {
            Self::Resting { ping_at } => ping_at,
            Self::Asked { until } | Self::Listening { until } => until,
        }
    }
}

impl Patience {
    const FULL: Self = Self {
        traffic: true,
        delay: true,
    };
}

/// How long a revision 3 client may be silent.
fn silence(config: &Config) -> Duration {
    config.ping_interval + config.ping_timeout
}

/// A driver whose timer is later than this was stopped or starved, which is not the client's fault.
pub(super) const PUNCTUAL: Duration = Duration::from_millis(100);
