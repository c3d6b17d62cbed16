//! Tells one task to look, from wherever there is something for it.
//!
//! Leaner than `tokio::sync::Notify`, which keeps a list of waiters behind a lock.

use std::{
    future::poll_fn,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;

/// A signal for a single task. What is told while it does not wait is kept, once.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    told: AtomicBool,
    waker: AtomicWaker,
}

impl Signal {
    /// Has the task look, now or when it next waits.
    pub(crate) fn tell(&self) {
        if !self.told.swap(true, Ordering::AcqRel) {
            self.waker.wake();
        }
    }

    /// Waits to be told. Only one task may wait.
    pub(crate) async fn told(&self) {
        poll_fn(|cx| self.poll_told(cx)).await;
    }

    fn poll_told(&self, cx: &Context<'_>) -> Poll<()> {
        if self.take() {
            return Poll::Ready(());
        }
        self.waker.register(cx.waker());
        // Told before the waker stood there.
        if self.take() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn take(&self) -> bool {
        self.told.swap(false, Ordering::AcqRel)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn what_is_told_early_is_kept_once() {
        let signal = Signal::default();
        assert!(signal.told().now_or_never().is_none());
        signal.tell();
        signal.tell();
        assert!(signal.told().now_or_never().is_some());
        assert!(signal.told().now_or_never().is_none());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_signal_is_lost_between_threads() {
        let there = Arc::new(Signal::default());
        let back = Arc::new(Signal::default());
        let (ping, pong) = (Arc::clone(&there), Arc::clone(&back));
        let other = tokio::spawn(async move {
            for _ in 0..ROUNDS {
                ping.told().await;
                pong.tell();
            }
        });
        for _ in 0..ROUNDS {
            there.tell();
            back.told().await;
        }
        other.await.expect("the other task has answered each time");
    }

    const ROUNDS: usize = 20_000;
}
