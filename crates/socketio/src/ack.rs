//! Answers of clients to events of ours: who waits for which, and the future that waits.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::Stream;
use socketio_proto::{AckId, Args};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, Sleep, sleep_until},
};

use crate::{AckError, EmitError, SocketId, socket::SocketCore};

/// The answers that one socket owes.
pub(crate) struct Acks {
    /// None once the socket has left.
    waiting: Option<HashMap<AckId, Waiter>>,
    limit: usize,
}

/// Who waits for an answer. Dropped when the socket leaves, which tells the one who waits.
pub(crate) enum Waiter {
    One(oneshot::Sender<Args>),
    Broadcast(mpsc::Sender<Answer>),
}

/// One socket's answer to a broadcast.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Answer {
    /// Who answered.
    pub socket: SocketId,
    /// What it answered.
    pub args: Args,
}

impl Acks {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            waiting: Some(HashMap::new()),
            limit,
        }
    }

    pub(crate) fn expect(&mut self, id: AckId, waiter: Waiter) -> Result<(), EmitError> {
        let waiting = self.waiting.as_mut().ok_or(EmitError::Gone)?;
        if waiting.len() >= self.limit {
            return Err(EmitError::TooManyAcks);
        }
        waiting.insert(id, waiter);
        Ok(())
    }

    /// Nobody waits any more, whether answered or not.
    pub(crate) fn take(&mut self, id: AckId) -> Option<Waiter> {
        self.waiting.as_mut()?.remove(&id)
    }

    /// The socket has left: nobody will answer.
    pub(crate) fn close(&mut self) {
        self.waiting = None;
    }
}

impl Waiter {
    /// Hands the answer over; dropped if nobody waits any more.
    pub(crate) fn answer(self, socket: &SocketId, args: Args) {
        match self {
            Self::One(sender) => drop(sender.send(args)),
            // The channel has room for the answer of every recipient.
            Self::Broadcast(sender) => drop(sender.try_send(Answer {
                socket: socket.clone(),
                args,
            })),
        }
    }
}

/// The answer to one event, as a future.
///
/// The event is on its way already: dropping the future only gives up the answer. Cancel-safe.
#[must_use = "dropping it gives up the answer"]
pub struct Ack(State);

enum State {
    Failed(Option<AckError>),
    Waiting {
        answer: oneshot::Receiver<Args>,
        timeout: Timeout,
        _registration: Registration,
    },
}

/// Counts from the emit; the timer itself is made by the task that waits, because an emit may come
/// from outside of the runtime.
struct Timeout {
    deadline: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

/// As long as nobody waits; longer ones would overflow the clock.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// Takes the waiter out of the socket's table when nobody waits any more.
struct Registration {
    socket: Weak<SocketCore>,
    id: AckId,
}

impl Timeout {
    fn new(timeout: Duration) -> Self {
        Self {
            deadline: Instant::now() + timeout.min(FOREVER),
            timer: None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        timer.as_mut().poll(cx)
    }
}

impl Ack {
    pub(crate) fn failed(error: AckError) -> Self {
        Self(State::Failed(Some(error)))
    }

    pub(crate) fn waiting(
        socket: &Arc<SocketCore>,
        id: AckId,
        answer: oneshot::Receiver<Args>,
        timeout: Duration,
    ) -> Self {
        Self(State::Waiting {
            answer,
            timeout: Timeout::new(timeout),
            _registration: Registration {
                socket: Arc::downgrade(socket),
                id,
            },
        })
    }
}

impl Future for Ack {
    type Output = Result<Args, AckError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().0 {
            State::Failed(error) => {
                Poll::Ready(Err(error.take().expect("not polled after completion")))
            }
            State::Waiting {
                answer, timeout, ..
            } => match Pin::new(answer).poll(cx) {
                Poll::Ready(answer) => Poll::Ready(answer.map_err(|_| AckError::Disconnected)),
                Poll::Pending => timeout.poll(cx).map(|()| Err(AckError::Timeout)),
            },
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.upgrade() {
            drop(socket.acks().take(self.id));
        }
    }
}

/// The answers to a broadcast, as they come: a stream that ends when all recipients have answered
/// or left, or at the timeout.
#[must_use = "dropping it gives up the answers"]
pub struct Answers {
    answers: mpsc::Receiver<Answer>,
    timeout: Timeout,
    registrations: Vec<Registration>,
    progress: Progress,
}

/// How far a broadcast's answers have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Progress {
    expected: usize,
    received: usize,
}

impl Answers {
    /// Waits for the next answer; none if no more will come.
    pub async fn next(&mut self) -> Option<Answer> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Waits for all of them. Those that did not come in time are missing:
    /// [`Answers::missing`] tells how many, [`Answers::expected`] of how many.
    pub async fn collect(&mut self) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(self.progress.expected);
        while let Some(answer) = self.next().await {
            answers.push(answer);
        }
        answers
    }

    /// How many sockets were asked.
    pub fn expected(&self) -> usize {
        self.progress.expected
    }

    /// How many have not answered so far.
    pub fn missing(&self) -> usize {
        self.progress.expected - self.progress.received
    }
}

impl Stream for Answers {
    type Item = Answer;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Answer>> {
        let this = self.get_mut();
        match this.answers.poll_recv(cx) {
            Poll::Ready(Some(answer)) => {
                this.progress.received += 1;
                return Poll::Ready(Some(answer));
            }
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => {}
        }
        this.timeout.poll(cx).map(|()| {
            this.registrations.clear();
            None
        })
    }
}

/// Collects who has been asked while a broadcast goes out.
pub(crate) struct Asking {
    sender: mpsc::Sender<Answer>,
    answers: Answers,
    id: AckId,
}

impl Asking {
    pub(crate) fn new(id: AckId, recipients: usize, timeout: Duration) -> Self {
        let (sender, answers) = mpsc::channel(recipients.max(1));
        let answers = Answers {
            answers,
            timeout: Timeout::new(timeout),
            registrations: Vec::with_capacity(recipients),
            progress: Progress {
                expected: 0,
                received: 0,
            },
        };
        Self {
            sender,
            answers,
            id,
        }
    }

    /// Registers with one recipient, before the event goes out to it.
    pub(crate) fn ask(&mut self, socket: &Arc<SocketCore>) -> Result<(), EmitError> {
        let waiter = Waiter::Broadcast(self.sender.clone());
        socket.acks().expect(self.id, waiter)?;
        self.answers.progress.expected += 1;
        self.answers.registrations.push(Registration {
            socket: Arc::downgrade(socket),
            id: self.id,
        });
        Ok(())
    }

    /// Does not wait for a recipient that the event did not reach.
    pub(crate) fn give_up(&mut self, socket: &Arc<SocketCore>) {
        drop(socket.acks().take(self.id));
        self.answers.progress.expected -= 1;
    }

    pub(crate) fn answers(self) -> Answers {
        self.answers
    }
}
