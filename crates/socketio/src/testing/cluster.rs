//! Several servers of one process as a cluster.

use std::{
    future::{Future, ready},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use socketio_proto::Args;

use crate::{Adapter, AdapterError, Command, LocalSockets, SocketInfo, Target};

/// Connects servers in memory: each takes an [`Cluster::adapter`] of its own.
#[derive(Debug, Clone, Default)]
pub struct Cluster(Arc<Mutex<Vec<LocalSockets>>>);

/// The adapter of one member.
#[derive(Debug)]
struct Member {
    cluster: Cluster,
    index: Mutex<Option<usize>>,
}

impl Cluster {
    /// A cluster without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// The adapter for one server.
    pub fn adapter(&self) -> impl Adapter + use<> {
        Member {
            cluster: self.clone(),
            index: Mutex::new(None),
        }
    }
}

impl Member {
    /// Every member but this one.
    fn others(&self) -> Vec<LocalSockets> {
        let own = *self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let members = self
            .cluster
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let members = members.iter().enumerate();
        let others = members.filter(|(index, _)| Some(*index) != own);
        others.map(|(_, member)| member.clone()).collect()
    }
}

impl Adapter for Member {
    fn start(&self, local: LocalSockets) {
        let mut members = self
            .cluster
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *self.index.lock().unwrap_or_else(PoisonError::into_inner) = Some(members.len());
        members.push(local);
    }

    fn publish(&self, namespace: &str, command: &Command) {
        for other in self.others() {
            // What becomes of it there is the other server's affair.
            let _ = other.apply(namespace, command);
        }
    }

    fn fetch_sockets<'a>(
        &'a self,
        namespace: &'a str,
        target: &'a Target,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<SocketInfo>, AdapterError>> + Send + 'a>> {
        let others = self.others();
        let sockets = others
            .iter()
            .flat_map(|other| other.sockets(namespace, target));
        Box::pin(ready(Ok(sockets.collect())))
    }

    fn server_event(&self, namespace: &str, name: &str, args: &Args) {
        for other in self.others() {
            other.server_event(namespace, name, args);
        }
    }
}
