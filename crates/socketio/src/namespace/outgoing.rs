//! What goes out to the sockets of a namespace, and to the other servers of a cluster.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
};

use engineio::proto::{Compressible, SendOptions};
use socketio_proto::{AckId, Args};

use super::{NamespaceCore, away::meant_here};
use crate::{
    Command, Delivery, Emit, EmitError, EmitOutcome, Outgoing, ServerEvent, Target,
    ack::Asking,
    adapter::Reach,
    link::{Link, Message},
    observer::Happening,
    rooms::Selection,
};

impl NamespaceCore {
    /// An id for an answer, which is unique among all sockets of the namespace (SIO5 6.5).
    pub(crate) fn next_ack(&self) -> AckId {
        AckId::new(self.next_ack.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn answer(&self, id: AckId, args: &Args) -> Result<Message, EmitError> {
        let packet = socketio_proto::encode_ack(self.name(), id, args);
        Message::new(self.settings().parser, packet)
    }

    /// Encodes an event.
    pub(crate) fn encode(
        &self,
        name: &str,
        args: &Args,
        ack: Option<AckId>,
    ) -> Result<Message, EmitError> {
        let packet = socketio_proto::encode_event(self.name(), name, args, ack)?;
        Message::new(self.settings().parser, packet)
    }

    /// Encodes an event that is about to be sent, and shows it to the outgoing catch-all handlers
    /// and the observer.
    pub(crate) fn prepare(
        &self,
        event: &Outgoing<'_>,
        ack: Option<AckId>,
        compressible: Compressible,
    ) -> Result<Message, EmitError> {
        let packet = socketio_proto::encode_event(self.name(), event.name, event.args, ack)?;
        let packet = packet.with_compressible(compressible);
        let message = Message::new(self.settings().parser, packet)?;
        self.tap(event);
        Ok(message)
    }

    fn tap(&self, outgoing: &Outgoing<'_>) {
        let handlers = self.handlers();
        handlers.outgoing.iter().for_each(|tap| tap(outgoing));
        self.tell(|| Happening::Sent {
            namespace: self,
            event: outgoing,
        });
    }

    /// Another server's event for this server's application.
    pub(crate) fn server_event(&self, name: &str, event: ServerEvent) {
        let handlers = self.handlers();
        let Some(handler) = handlers.server_events.get(name) else {
            return;
        };
        // It is no fault of the adapter that brought it.
        if catch_unwind(AssertUnwindSafe(|| handler(event))).is_err() {
            self.settings().counters.panicked();
            tracing::error!(
                namespace = self.name().as_str(),
                name,
                "handler of a server-side event panicked"
            );
        }
    }

    /// Hands one encoded message to every socket that a target means: one pass, no lock on the rooms, no
    /// allocation and no task for a recipient. With recovery the caller holds the namespace's memory.
    fn fan_out(&self, target: &Target, message: &Message, options: SendOptions) -> Delivery {
        let selection: Selection<Link> = self.rooms().select(target);
        let mut delivery = Delivery::default();
        for link in selection.iter() {
            delivery.count(link.send(message, options));
        }
        self.settings().counters.broadcast(delivery);
        self.tell(|| Happening::MessagesOut {
            count: delivery.delivered(),
            bytes: message.len(),
        });
        delivery
    }

    /// Sends an event to the sockets of this server, whose answers are awaited. All share one ack id
    /// (SIO5 6.5).
    pub(crate) fn ask(&self, emit: &Emit, asking: &mut Asking) -> Result<(), EmitError> {
        let id = self.next_ack();
        let message = self.prepare(&emit.outgoing(), Some(id), emit.compressible)?;
        for socket in self.sockets(&emit.target) {
            // Who cannot be asked is not waited for.
            if asking.ask(&socket, id).is_err() {
                continue;
            }
            match socket.emit(&message, emit.options) {
                Ok(EmitOutcome::Queued | EmitOutcome::Conflated) => {}
                Ok(EmitOutcome::Dropped) | Err(_) => asking.give_up(&socket),
            }
        }
        Ok(())
    }

    /// Does something to the sockets of this server and, unless it is to stay here, of the others.
    pub(crate) fn perform(
        self: &Arc<Self>,
        command: &Command,
        reach: Reach,
    ) -> Result<Delivery, EmitError> {
        let delivery = self.apply(command)?;
        if reach == Reach::Cluster {
            self.settings()
                .adapter
                .publish(self.name().as_str(), command);
        }
        Ok(delivery)
    }

    /// Does something to the sockets of this server.
    pub(crate) fn apply(self: &Arc<Self>, command: &Command) -> Result<Delivery, EmitError> {
        match command {
            Command::Emit(emit) => return self.emit(emit),
            Command::Join { target, rooms } => self.join_all(target, rooms),
            Command::Leave { target, rooms } => self.leave_all(target, rooms),
            Command::Disconnect { target } => self.disconnect_all(target),
            Command::Close { target } => self.close_all(target),
        }
        Ok(Delivery::default())
    }

    fn emit(self: &Arc<Self>, emit: &Emit) -> Result<Delivery, EmitError> {
        let plain = self.prepare(&emit.outgoing(), None, emit.compressible)?;
        // Held until all is queued: each client has to get offsets in order.
        let mut memory = self.memory();
        let message = match &mut memory {
            Some(memory) if self.settings().is_recoverable(emit.options) => {
                self.record_broadcast(memory, emit, plain)?
            }
            _ => self.unrecorded(&emit.name, &emit.args, plain)?,
        };
        let target = meant_here(memory.as_deref(), &emit.target);
        Ok(target.map_or_else(Delivery::default, |target| {
            self.fan_out(&target, &message, emit.options)
        }))
    }
}
