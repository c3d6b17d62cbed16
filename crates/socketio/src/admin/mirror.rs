//! The observer of the server on behalf of its admins: takes notes while there are any.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{
    Admin, Mode,
    journal::{Excerpt, Journal, Subject, What},
    records::Portrait,
    stats::Traffic,
};
use crate::{
    Outgoing, Recipients,
    namespace::NamespaceCore,
    observer::{Happening, Observer},
};

/// What is seen of the server.
pub(super) struct Mirror {
    /// That of the admins: what they are told is not told again.
    namespace: String,
    mode: Mode,
    watching: AtomicBool,
    pub(super) journal: Journal,
    pub(super) traffic: Traffic,
}

impl Mirror {
    pub(super) fn new(options: &Admin) -> Arc<Self> {
        Arc::new(Self {
            namespace: options.namespace.clone(),
            mode: options.mode,
            watching: AtomicBool::new(false),
            journal: Journal::default(),
            traffic: Traffic::default(),
        })
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// Begins to look.
    pub(super) fn open_eyes(&self) {
        self.watching.store(true, Ordering::Relaxed);
    }

    /// Looks no more, and forgets.
    pub(super) fn close_eyes(&self) {
        self.watching.store(false, Ordering::Relaxed);
        self.journal.take();
        self.traffic.take();
    }

    fn what(&self, happening: &Happening<'_>) -> Option<What> {
        Some(match happening {
            Happening::Connected(socket) => What::Connected(Portrait::of(socket)?),
            Happening::Upgraded(socket) => What::Upgraded(Subject::of(socket)),
            Happening::Disconnected {
                socket,
                reason,
                rooms,
            } => What::Disconnected(Subject::of(socket), *reason, rooms.clone()),
            Happening::Joined {
                namespace,
                room,
                socket,
            } => What::Joined(Subject::new(namespace, socket), (*room).clone()),
            Happening::Left {
                namespace,
                room,
                socket,
            } => What::Left(Subject::new(namespace, socket), (*room).clone()),
            Happening::Received { socket, name, args } => {
                self.foreign(socket.namespace())?;
                What::Received(Subject::of(socket), Excerpt::of(name.as_str(), args))
            }
            Happening::Sent { namespace, event } => {
                let recipients = recipients(self.foreign(namespace)?, event);
                What::Sent(recipients, Excerpt::of(event.name, event.args))
            }
            Happening::MessageIn { .. } | Happening::MessagesOut { .. } => return None,
        })
    }

    fn foreign<'a>(&self, namespace: &'a NamespaceCore) -> Option<&'a NamespaceCore> {
        (namespace.name().as_str() != self.namespace).then_some(namespace)
    }
}

impl Observer for Mirror {
    fn is_watching(&self) -> bool {
        self.watching.load(Ordering::Relaxed)
    }

    fn note(&self, happening: &Happening<'_>) {
        match *happening {
            Happening::MessageIn { bytes } => self.traffic.came_in(bytes),
            Happening::MessagesOut { count, bytes } => self.traffic.went_out(count, bytes),
            _ if self.mode == Mode::Production => {}
            _ => self
                .what(happening)
                .into_iter()
                .for_each(|what| self.journal.add(what)),
        }
    }
}

/// To whom an event goes: a broadcast is shown with its first recipients.
fn recipients(namespace: &NamespaceCore, event: &Outgoing<'_>) -> Vec<Subject> {
    let name = namespace.name();
    match event.to {
        Recipients::Socket(id) => vec![Subject::new(name, id)],
        Recipients::Broadcast(target) => {
            let sockets = namespace.some_ids(target, MAX_RECIPIENTS).into_iter();
            sockets.map(|id| Subject::new(name, &id)).collect()
        }
    }
}

/// How often one broadcast is shown.
const MAX_RECIPIENTS: usize = 100;
