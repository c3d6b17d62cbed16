//! The end of a server: at once, or spread over a window.

use std::{sync::Arc, time::Duration};

use engineio_proto::CloseReason;
use tokio::time::{Instant, sleep_until, timeout};

use crate::{engine::Engine, session::SessionCell};

impl Engine {
    /// Refuses handshakes, ends every session and waits for them up to the configured deadline.
    /// Who has not taken its last bytes by then is cut off.
    pub(crate) async fn close(&self) {
        self.refuse_handshakes();
        self.registry().all().iter().for_each(end);
        let _ = timeout(
            self.config().protocol.limits.close_deadline,
            self.all_ended(),
        )
        .await;
        for cell in self.registry().all() {
            cell.feed(|session, now| session.abort(now, CloseReason::ServerShuttingDown));
        }
        self.websockets().close();
        let _ = timeout(CLOSE_FRAMES, self.websockets().wait()).await;
    }

    /// Refuses handshakes and ends sessions in slices over the window, then closes.
    pub(crate) async fn drain(&self, window: Duration) {
        self.refuse_handshakes();
        // No session comes any more, so this list is all of them; a hash map's order is random.
        let sessions = self.registry().all();
        let slices = (window.as_millis() / SLICE.as_millis()).max(1) as u32;
        let start = Instant::now();
        for (index, slice) in sessions
            .chunks(sessions.len().div_ceil(slices as usize).max(1))
            .enumerate()
        {
            let due = start + SLICE * index as u32 + jitter();
            sleep_until(due).await;
            slice.iter().for_each(end);
        }
        self.close().await;
    }
}

fn end(cell: &Arc<SessionCell>) {
    cell.close(CloseReason::ServerShuttingDown);
}

/// Up to half a slice, so that servers that drain together do not beat in time.
fn jitter() -> Duration {
    let mut random = [0];
    // Without randomness the slices are only more regular.
    let _ = getrandom::fill(&mut random);
    SLICE * u32::from(random[0]) / 512
}

/// How long the close frames of sessions that have ended may take.
const CLOSE_FRAMES: Duration = Duration::from_millis(500);
const SLICE: Duration = Duration::from_millis(100);
