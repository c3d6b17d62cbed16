//! Sessions that sockets and streams are open with go on, as those of requests do.

use std::{collections::HashSet, sync::Weak, time::Duration};

use super::Realtime;
use crate::token::Digest;

/// How often that is written down: often enough for the shortest idle time, which is a day.
const RENEWED_EVERY: Duration = Duration::from_secs(60 * 60);

impl Realtime {
    /// Renews what is in use again and again, until `this` is gone.
    pub(crate) async fn renew_in_use(this: Weak<Self>) {
        let mut ticks = tokio::time::interval(RENEWED_EVERY);
        loop {
            ticks.tick().await;
            let Some(this) = this.upgrade() else {
                return;
            };
            this.renew().await;
        }
    }

    /// Renews what is in use.
    pub(crate) async fn renew(&self) {
        let sockets = self.v2.sockets();
        let sessions = sockets.iter().filter_map(|socket| socket.state().session());
        let of_sockets = sessions.map(|session| session.token);
        let in_use: HashSet<Digest> = of_sockets.chain(self.hub.listening_tokens()).collect();
        let in_use: Vec<_> = in_use.into_iter().collect();
        self.auth.renew(&in_use).await;
    }
}
