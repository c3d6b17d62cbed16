//! The namespaces of a server by name, and the patterns that make more.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak},
};

use socketio_proto::NamespaceName;

use super::Settings;
use crate::namespace::{Behaviour, NamespaceCore};

/// What all clients of a server share.
pub(crate) struct Shared {
    settings: Arc<Settings>,
    protocol: Arc<socketio_proto::Config>,
    namespaces: RwLock<HashMap<NamespaceName, Entry>>,
    patterns: RwLock<Vec<Arc<Pattern>>>,
}

enum Entry {
    /// Stays: declared by its name, or of a pattern that keeps empty ones.
    Kept(Arc<NamespaceCore>),
    /// Kept alive by its sockets and by what the application holds of them.
    Pattern(Weak<NamespaceCore>),
}

/// Takes the entry of a pattern's namespace out when the namespace is gone.
pub(crate) struct Registration {
    server: Weak<Shared>,
    name: NamespaceName,
}

pub(crate) struct Pattern {
    fits: Box<dyn Fn(&str) -> bool + Send + Sync>,
    behaviour: Arc<Behaviour>,
}

impl Shared {
    pub(crate) fn new(settings: Settings, protocol: socketio_proto::Config) -> Arc<Self> {
        Arc::new(Self {
            settings: Arc::new(settings),
            protocol: Arc::new(protocol),
            namespaces: RwLock::default(),
            patterns: RwLock::default(),
        })
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn protocol(&self) -> &Arc<socketio_proto::Config> {
        &self.protocol
    }

    /// The namespace of this name, if it is here. The root always is.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<NamespaceCore>> {
        let found = self.read().get(name).and_then(Entry::namespace);
        match found {
            None if name == "/" => Some(self.find_or_open(name)),
            found => found,
        }
    }

    pub(crate) fn has_patterns(&self) -> bool {
        !self.patterns().is_empty()
    }

    /// The namespace that a client wants to join; calls the application's patterns.
    pub(crate) fn find_or_make(
        self: &Arc<Self>,
        name: &NamespaceName,
    ) -> Option<Arc<NamespaceCore>> {
        if let Some(namespace) = self.find(name.as_str()) {
            return Some(namespace);
        }
        let patterns = self.patterns().clone();
        let pattern = patterns
            .iter()
            .find(|pattern| (pattern.fits)(name.as_str()))?;
        Some(self.make(name, &pattern.behaviour))
    }

    /// A namespace that is open to everybody.
    pub(crate) fn find_or_open(&self, name: &str) -> Arc<NamespaceCore> {
        let namespace = self.insert(name, Behaviour::open);
        assert!(
            namespace.behaviour().has_state::<()>(),
            "the namespace {name} has been declared with a state"
        );
        namespace
    }

    pub(crate) fn declare(&self, name: &str, behaviour: Arc<Behaviour>) -> Arc<NamespaceCore> {
        let namespace = self.insert(name, || Arc::clone(&behaviour));
        assert!(
            Arc::ptr_eq(namespace.behaviour(), &behaviour),
            "the namespace {name} has been declared already"
        );
        namespace
    }

    pub(crate) fn add_pattern(
        &self,
        fits: impl Fn(&str) -> bool + Send + Sync + 'static,
        behaviour: Arc<Behaviour>,
    ) {
        let mut patterns = self
            .patterns
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        patterns.push(Arc::new(Pattern {
            fits: Box::new(fits),
            behaviour,
        }));
    }

    /// The namespaces of a pattern that are here.
    pub(crate) fn children(&self, behaviour: &Arc<Behaviour>) -> Vec<Arc<NamespaceCore>> {
        // One that is let go of here forgets its entry, for which the table must not be locked.
        let mut here: Vec<_> = self.read().values().filter_map(Entry::namespace).collect();
        here.retain(|namespace| Arc::ptr_eq(namespace.behaviour(), behaviour));
        here
    }

    /// Up to so many namespaces: the root first, the others in no order.
    pub(crate) fn namespaces(&self, count: usize) -> Vec<Arc<NamespaceCore>> {
        let root = self.find("/");
        let namespaces = self.read();
        let others = namespaces.iter().filter(|(name, _)| name.as_str() != "/");
        let others = others.filter_map(|(_, entry)| entry.namespace());
        root.into_iter().chain(others).take(count).collect()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let namespaces = self.read();
        namespaces.keys().map(|name| name.as_str().into()).collect()
    }

    /// The declared namespace of this name, made if it is not here.
    fn insert(&self, name: &str, behaviour: impl FnOnce() -> Arc<Behaviour>) -> Arc<NamespaceCore> {
        let name = NamespaceName::parse(name).expect("a namespace's name begins with `/`");
        let mut namespaces = self.write();
        if let Some(namespace) = namespaces.get(&name).and_then(Entry::namespace) {
            return namespace;
        }
        let settings = Arc::clone(&self.settings);
        let namespace = NamespaceCore::new(name.clone(), settings, behaviour(), None);
        namespaces.insert(name, Entry::Kept(Arc::clone(&namespace)));
        namespace
    }

    /// A pattern's namespace, made if it is not here.
    fn make(
        self: &Arc<Self>,
        name: &NamespaceName,
        behaviour: &Arc<Behaviour>,
    ) -> Arc<NamespaceCore> {
        let mut namespaces = self.write();
        if let Some(namespace) = namespaces.get(name).and_then(Entry::namespace) {
            return namespace;
        }
        let kept = namespaces
            .values()
            .filter(|entry| entry.is_kept_for(behaviour));
        let stays = kept.count() < behaviour.keeps();
        let registration = (!stays).then(|| Registration {
            server: Arc::downgrade(self),
            name: name.clone(),
        });
        let namespace = NamespaceCore::new(
            name.clone(),
            Arc::clone(&self.settings),
            Arc::clone(behaviour),
            registration,
        );
        let entry = if stays {
            Entry::Kept(Arc::clone(&namespace))
        } else {
            Entry::Pattern(Arc::downgrade(&namespace))
        };
        namespaces.insert(name.clone(), entry);
        namespace
    }

    fn patterns(&self) -> RwLockReadGuard<'_, Vec<Arc<Pattern>>> {
        self.patterns.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<NamespaceName, Entry>> {
        self.namespaces
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<NamespaceName, Entry>> {
        self.namespaces
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn namespace(&self) -> Option<Arc<NamespaceCore>> {
        match self {
            Self::Kept(namespace) => Some(Arc::clone(namespace)),
            Self::Pattern(namespace) => namespace.upgrade(),
        }
    }

    /// Asks without holding it for a moment, as [`Entry::namespace`] would.
    fn is_gone(&self) -> bool {
        match self {
            Self::Kept(_) => false,
            Self::Pattern(namespace) => namespace.strong_count() == 0,
        }
    }

    fn is_kept_for(&self, behaviour: &Arc<Behaviour>) -> bool {
        match self {
            Self::Kept(namespace) => Arc::ptr_eq(namespace.behaviour(), behaviour),
            Self::Pattern(_) => false,
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let Some(server) = self.server.upgrade() else {
            return;
        };
        let mut namespaces = server.write();
        // Another namespace of this name may have come up meanwhile.
        if namespaces.get(&self.name).is_some_and(Entry::is_gone) {
            namespaces.remove(&self.name);
        }
    }
}
