//! Running the handlers of one client's sockets.
//!
//! Work is begun in the order in which the client sent it, across all its namespaces (SIO5 6.4). A
//! handler that has to wait holds up its own socket only: what comes for it stays in its inbox. Acks
//! and disconnects do not pass here, so a handler may await an answer.
//!
//! Work that a client's message brings is begun by whoever read the message: a handler that need not
//! wait is done before the session is written, and its answer goes out with that write. What has to
//! wait goes on in a task, one for a client, as long as there is work.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use socketio_proto::{AckId, Args, EventName};
use tokio::{runtime::Handle, sync::Notify, task::coop};

use crate::{DisconnectReason, handled::Handled, inbox::Company, socket::SocketCore};

/// Something for the handlers of one socket.
#[derive(Debug)]
pub(crate) enum Work {
    Connected,
    Event {
        name: EventName,
        args: Args,
        ack: Option<AckId>,
    },
    Disconnected {
        reason: DisconnectReason,
        /// What the client held of the socket: the state of the application is dropped by the
        /// deliverer, not under the client's lock.
        _socket: Arc<SocketCore>,
    },
}

/// Knows in which order the work of one client's sockets came.
pub(crate) struct Deliverer {
    queue: Mutex<Queue>,
    arrived: Notify,
    /// Where the task runs, wherever the work comes from.
    runtime: Handle,
}

struct Queue {
    /// The sockets to which work came, once for each piece.
    arrivals: VecDeque<Arc<SocketCore>>,
    task: Task,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    None,
    /// Whoever announced the work will begin it.
    Due,
    Running,
}

impl Work {
    /// Events may be handled side by side, joining and leaving not.
    pub(crate) fn company(&self) -> Company {
        match self {
            Self::Event { .. } => Company::Others,
            Self::Connected | Self::Disconnected { .. } => Company::Alone,
        }
    }

    /// What it counts against the inbox's limit.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Event { name, args, .. } => name.as_str().len() + args.len_in_bytes(),
            Self::Connected | Self::Disconnected { .. } => 0,
        }
    }
}

impl Deliverer {
    /// For a client of the current runtime.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::new(Queue {
                arrivals: VecDeque::new(),
                task: Task::None,
            }),
            arrived: Notify::new(),
            runtime: Handle::current(),
        })
    }

    /// Work stands in the inbox of a socket: a task begins it.
    pub(crate) fn announce(self: &Arc<Self>, socket: Arc<SocketCore>) {
        let mut queue = self.queue();
        queue.arrivals.push_back(socket);
        match queue.task {
            Task::Due => {}
            Task::Running => self.arrived.notify_one(),
            Task::None => {
                queue.task = Task::Running;
                self.runtime.spawn(Arc::clone(self).run(None));
            }
        }
    }

    /// The same for a caller who holds a lock, and calls [`Deliverer::begin`] when it is free.
    pub(crate) fn announce_due(&self, socket: Arc<SocketCore>) {
        let mut queue = self.queue();
        queue.arrivals.push_back(socket);
        match queue.task {
            Task::Due => {}
            Task::Running => self.arrived.notify_one(),
            Task::None => queue.task = Task::Due,
        }
    }

    /// Begins the work that is due, here and now. What has to wait goes on in a task.
    pub(crate) fn begin(self: &Arc<Self>) {
        {
            let mut queue = self.queue();
            if queue.task != Task::Due {
                return;
            }
            queue.task = Task::Running;
        }
        loop {
            while let Some(socket) = self.next_arrival() {
                if let Begun::Waits(first) = begin(&socket) {
                    self.runtime.spawn(Arc::clone(self).run(Some(first)));
                    return;
                }
                let_go(socket);
            }
            if self.rest() {
                return;
            }
        }
    }

    /// Begins work as it comes and goes on with `first` and whatever else has to wait. Who waits gets a
    /// turn between any two pieces of work, however fast a client sends them.
    async fn run(self: Arc<Self>, first: Option<Handled>) {
        let mut waiting: FuturesUnordered<_> = first.into_iter().collect();
        // Sockets for which work has come while they could not begin it.
        let mut behind = VecDeque::new();
        loop {
            while let Some(Some(socket)) = waiting.next().now_or_never() {
                ended(socket, &mut behind);
            }
            let arrived = self.next_arrival();
            let is_idle = arrived.is_none() && behind.is_empty();
            if let Some(socket) = arrived {
                if let Begun::Waits(handled) = begin(&socket) {
                    waiting.push(handled);
                }
                let_go(socket);
            }
            catch_up(&mut behind, &waiting);
            if !is_idle {
                // Handlers that never wait must not keep a thread from everybody else.
                coop::consume_budget().await;
            } else if !waiting.is_empty() {
                tokio::select! {
                    () = self.arrived.notified() => {}
                    Some(socket) = waiting.next() => ended(socket, &mut behind),
                }
            } else if self.rest() {
                return;
            }
        }
    }

    fn next_arrival(&self) -> Option<Arc<SocketCore>> {
        self.queue().arrivals.pop_front()
    }

    /// Ends the task unless work has come meanwhile.
    fn rest(&self) -> bool {
        let mut queue = self.queue();
        let done = queue.arrivals.is_empty();
        if done {
            queue.task = Task::None;
            if queue.arrivals.capacity() > KEPT {
                queue.arrivals = VecDeque::new();
            }
        }
        done
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of the next work of a socket.
enum Begun {
    /// There is none, or it may not begin beside what is handled.
    Nothing,
    Done,
    Waits(Handled),
}

fn begin(socket: &Arc<SocketCore>) -> Begun {
    let Some(work) = socket.begin_work() else {
        return Begun::Nothing;
    };
    let Some(mut handled) = Handled::call(socket, work) else {
        socket.end_work();
        return Begun::Done;
    };
    // Whoever goes on with it polls it again, which tells it whom to wake.
    if (&mut handled).now_or_never().is_some() {
        socket.end_work();
        return Begun::Done;
    }
    Begun::Waits(handled)
}

/// A handler of a socket has ended: what has waited for that may begin.
fn ended(socket: Arc<SocketCore>, behind: &mut VecDeque<Arc<SocketCore>>) {
    socket.end_work();
    behind.push_back(socket);
}

/// Begins one piece of work of the socket that has waited longest.
fn catch_up(behind: &mut VecDeque<Arc<SocketCore>>, waiting: &FuturesUnordered<Handled>) {
    let Some(socket) = behind.pop_front() else {
        return;
    };
    match begin(&socket) {
        Begun::Nothing => let_go(socket),
        Begun::Done => behind.push_back(socket),
        Begun::Waits(handled) => waiting.push(handled),
    }
}

/// Whoever holds a socket last drops the application's state, which may panic.
fn let_go(socket: Arc<SocketCore>) {
    let Some(last) = Arc::into_inner(socket) else {
        return;
    };
    if catch_unwind(AssertUnwindSafe(|| drop(last))).is_err() {
        tracing::error!("the state of a socket panicked when it was dropped");
    }
}

/// Arrivals whose place is kept while nothing comes.
const KEPT: usize = 4;
