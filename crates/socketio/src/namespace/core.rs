//! A namespace as the server keeps it, whatever the type of its sockets' state.
//!
//! Owns its parts; `members` knows who is here, `away` what is done to those who are not, `outgoing`
//! what they are sent, `recovery` what they missed.

use std::sync::{Arc, Mutex, RwLock, atomic::AtomicU64};

use socketio_proto::NamespaceName;

use super::behaviour::{Behaviour, Comeback};
use crate::{
    handlers::Handlers,
    link::Link,
    observer::Happening,
    recovery::Memory,
    rooms::Rooms,
    server::{Registration, Settings},
    socket::SocketCore,
};

/// One namespace: its sockets, their rooms and their handlers.
pub(crate) struct NamespaceCore {
    name: NamespaceName,
    settings: Arc<Settings>,
    behaviour: Arc<Behaviour>,
    pub(super) rooms: RwLock<Table>,
    /// Of what clients missed who lost their connection, if they may come back.
    pub(super) memory: Option<Mutex<Memory>>,
    pub(super) next_ack: AtomicU64,
    /// Of a pattern's namespace, to be forgotten with it.
    _registration: Option<Registration>,
}

impl NamespaceCore {
    pub(crate) fn new(
        name: NamespaceName,
        settings: Arc<Settings>,
        behaviour: Arc<Behaviour>,
        registration: Option<Registration>,
    ) -> Arc<Self> {
        let recovery = settings.recovery.as_ref();
        let recovery = recovery.filter(|_| behaviour.comeback() == Comeback::AsServer);
        let memory = recovery.map(|terms| Mutex::new(Memory::new(terms)));
        Arc::new(Self {
            name,
            memory,
            settings,
            behaviour,
            rooms: RwLock::new(Rooms::new()),
            next_ack: AtomicU64::new(0),
            _registration: registration,
        })
    }

    pub(crate) fn name(&self) -> &NamespaceName {
        &self.name
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn behaviour(&self) -> &Arc<Behaviour> {
        &self.behaviour
    }

    pub(crate) fn handlers(&self) -> Arc<Handlers> {
        self.behaviour.handlers()
    }

    /// Tells the observer, if there is one.
    pub(super) fn tell<'a>(&self, happening: impl FnOnce() -> Happening<'a>) {
        self.settings.watched.tell(happening);
    }
}

/// Who is in which room of one namespace.
pub(super) type Table = Rooms<Arc<SocketCore>, Link>;
