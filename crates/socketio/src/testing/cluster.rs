//! Several servers of one process as a cluster.

use std::{
    future::ready,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, join_all},
    stream::{BoxStream, select_all},
};
use socketio_proto::Args;
use tokio::time::timeout;

use crate::{AckReport, Adapter, Command, Emit, Incomplete, LocalSockets, SocketInfo, Target};

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

    fn emit_with_acks(
        &self,
        namespace: &str,
        emit: &Emit,
        timeout: Duration,
    ) -> BoxStream<'static, AckReport> {
        let others = self.others().into_iter();
        let reports =
            others.filter_map(|other| other.emit_with_acks(namespace, emit, timeout).ok());
        select_all(reports).boxed()
    }

    fn fetch_sockets<'a>(
        &'a self,
        namespace: &'a str,
        target: &'a Target,
    ) -> BoxFuture<'a, Result<Vec<SocketInfo>, Incomplete<SocketInfo>>> {
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

    fn server_event_with_ack<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        args: &'a Args,
        time: Duration,
    ) -> BoxFuture<'a, Result<Vec<Args>, Incomplete<Args>>> {
        let answers = self.others().into_iter().map(move |other| async move {
            let answer = other.server_event_with_ack(namespace, name, args);
            timeout(time, answer).await.ok().flatten()
        });
        Box::pin(join_all(answers).map(whole))
    }
}

/// What all servers answered, or what some did.
fn whole<T>(answers: Vec<Option<T>>) -> Result<Vec<T>, Incomplete<T>> {
    let missing = answers.iter().filter(|answer| answer.is_none()).count();
    let found: Vec<T> = answers.into_iter().flatten().collect();
    match missing {
        0 => Ok(found),
        missing => Err(Incomplete { found, missing }),
    }
}
