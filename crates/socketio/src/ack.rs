//! Answers of clients to events of ours: who waits for which, and the future that waits.

use std::{
    collections::HashMap,
    future::{Future, ready},
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream, SelectAll},
};
use socketio_proto::{AckId, Args};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, Sleep, sleep_until},
};

use crate::{AckError, AckReport, EmitError, SocketId, socket::SocketCore};

/// The answers that one socket owes.
pub(crate) struct Acks {
    /// None once the socket has left.
    waiting: Option<HashMap<AckId, Waiter>>,
    limit: usize,
}

/// Who waits for an answer. Dropped when the socket leaves, which tells the one who waits.
pub(crate) enum Waiter {
    One(oneshot::Sender<Args>),
    Broadcast(mpsc::UnboundedSender<Answer>),
}

/// One socket's answer to a broadcast.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Answer {
    /// Who answered; none for a socket of another server that does not tell.
    pub socket: Option<SocketId>,
    /// What it answered.
    pub args: Args,
}

impl Answer {
    /// What an adapter was told of another server's socket.
    pub fn new(socket: Option<SocketId>, args: Args) -> Self {
        Self { socket, args }
    }
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
            Self::Broadcast(sender) => {
                drop(sender.send(Answer::new(Some(socket.clone()), args)));
            }
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

/// The answers to a broadcast, as they come: a stream that ends when all recipients on all servers
/// have answered or left, or at the timeout.
#[must_use = "dropping it gives up the answers"]
pub struct Answers {
    /// Of this server's sockets. As many as were asked, since each answers once.
    local: mpsc::UnboundedReceiver<Answer>,
    /// Of other servers'.
    remote: SelectAll<BoxStream<'static, AckReport>>,
    timeout: Timeout,
    roll: Roll,
}

/// Who has been asked and has not answered.
#[derive(Default)]
struct Roll {
    /// With the registration at sockets of this server.
    named: HashMap<SocketId, Option<Registration>>,
    /// Sockets of servers that do not tell which they are.
    unnamed: usize,
    answered: usize,
}

impl Answers {
    /// Waits for the next answer; none if no more will come.
    pub async fn next(&mut self) -> Option<Answer> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Waits for all that still come. [`Answers::unanswered`] tells who did not answer in time,
    /// or has left.
    pub async fn rest(&mut self) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(self.missing());
        while let Some(answer) = self.next().await {
            answers.push(answer);
        }
        answers
    }

    /// How many sockets were asked, as far as is known: other servers of a cluster tell with their
    /// first answers.
    pub fn expected(&self) -> usize {
        self.roll.answered + self.missing()
    }

    /// How many have not answered so far.
    pub fn missing(&self) -> usize {
        self.roll.named.len() + self.roll.unnamed
    }

    /// Who has not answered so far, in no order. Sockets of servers that do not tell which ones they
    /// asked are not among them.
    pub fn unanswered(&self) -> impl Iterator<Item = &SocketId> {
        self.roll.named.keys()
    }

    /// For another server: first who has been asked, then the answers.
    pub(crate) fn into_reports(self) -> impl Stream<Item = AckReport> + Send {
        let asked = AckReport::Asked(self.unanswered().cloned().collect());
        stream::once(ready(asked)).chain(self.map(AckReport::Answer))
    }

    fn poll_local(&mut self, cx: &mut Context<'_>) -> Poll<Option<Answer>> {
        let answer = ready!(self.local.poll_recv(cx));
        if let Some(answer) = &answer {
            self.roll.strike(answer);
        }
        Poll::Ready(answer)
    }

    fn poll_remote(&mut self, cx: &mut Context<'_>) -> Poll<Option<Answer>> {
        while let Some(report) = ready!(self.remote.poll_next_unpin(cx)) {
            match report {
                AckReport::Asked(sockets) => {
                    let sockets = sockets.into_iter().map(|socket| (socket, None));
                    self.roll.named.extend(sockets);
                }
                AckReport::AskedUnnamed(sockets) => self.roll.unnamed += sockets,
                AckReport::Answer(answer) => {
                    self.roll.strike(&answer);
                    return Poll::Ready(Some(answer));
                }
            }
        }
        Poll::Ready(None)
    }
}

impl Stream for Answers {
    type Item = Answer;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Answer>> {
        let this = self.get_mut();
        let local = this.poll_local(cx);
        if let Poll::Ready(Some(_)) = local {
            return local;
        }
        let remote = this.poll_remote(cx);
        if let Poll::Ready(Some(_)) = remote {
            return remote;
        }
        if local.is_ready() && remote.is_ready() {
            return Poll::Ready(None);
        }
        this.timeout.poll(cx).map(|()| {
            this.roll.give_up();
            this.remote.clear();
            None
        })
    }
}

impl Roll {
    fn strike(&mut self, answer: &Answer) {
        let asked = match &answer.socket {
            Some(socket) => self.named.remove(socket).is_some(),
            None => take_one(&mut self.unnamed),
        };
        self.answered += usize::from(asked);
    }

    /// Nobody waits any more; who has not answered stays known.
    fn give_up(&mut self) {
        self.named.values_mut().for_each(|waiting| *waiting = None);
    }
}

fn take_one(count: &mut usize) -> bool {
    let some = *count > 0;
    *count = count.saturating_sub(1);
    some
}

/// Collects who has been asked while a broadcast goes out.
pub(crate) struct Asking {
    sender: mpsc::UnboundedSender<Answer>,
    answers: Answers,
}

impl Asking {
    pub(crate) fn new(timeout: Duration) -> Self {
        let (sender, local) = mpsc::unbounded_channel();
        let answers = Answers {
            local,
            remote: SelectAll::new(),
            timeout: Timeout::new(timeout),
            roll: Roll::default(),
        };
        Self { sender, answers }
    }

    /// Registers with one recipient, before the event goes out to it.
    pub(crate) fn ask(&mut self, socket: &Arc<SocketCore>, id: AckId) -> Result<(), EmitError> {
        let waiter = Waiter::Broadcast(self.sender.clone());
        socket.expect_ack(id, waiter)?;
        let registration = Registration {
            socket: Arc::downgrade(socket),
            id,
        };
        let named = &mut self.answers.roll.named;
        named.insert(socket.id().clone(), Some(registration));
        Ok(())
    }

    /// Does not wait for a recipient that the event did not reach.
    pub(crate) fn give_up(&mut self, socket: &SocketCore) {
        self.answers.roll.named.remove(socket.id());
    }

    /// Waits for sockets of other servers, too.
    pub(crate) fn ask_remote(&mut self, reports: BoxStream<'static, AckReport>) {
        self.answers.remote.push(reports);
    }

    pub(crate) fn answers(self) -> Answers {
        self.answers
    }
}
