//! A namespace's part in connection state recovery: finding who comes back, recording what is sent.

use std::sync::{Arc, MutexGuard, PoisonError};

use engineio::proto::Version;
use socketio_proto::{self as proto, Args, Audience, PrivateId, RecoveryRequest};

use super::NamespaceCore;
use crate::{
    Emit, EmitError, Handshake,
    link::Message,
    recovery::{Memory, Returning},
};

impl NamespaceCore {
    /// What the namespace remembers, if clients may come back. Its lock comes before that of the
    /// rooms.
    pub(crate) fn memory(&self) -> Option<MutexGuard<'_, Memory>> {
        let memory = self.memory.as_ref()?;
        Some(memory.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The socket that a client has lost and comes back for.
    pub(crate) fn claim(&self, handshake: &Handshake) -> Option<Returning> {
        if self.memory.is_none() || handshake.version() != Version::V4 {
            return None;
        }
        let request = RecoveryRequest::parse(handshake.auth_json())?;
        self.end_half_dead(&request.private_id);
        self.memory()?.claim(&request)
    }

    /// Records an event that everybody whom a target means gets now, or when he comes back.
    pub(super) fn record_broadcast(
        self: &Arc<Self>,
        memory: &mut Memory,
        emit: &Emit,
        plain: Message,
    ) -> Result<Message, EmitError> {
        let audience = {
            let rooms = self.rooms();
            memory.audience(&emit.target, |name| rooms.is_id(name))
        };
        self.record(memory, audience, &emit.name, &emit.args, plain)
    }

    /// Records an event, which becomes one with an offset for those who may come back.
    pub(crate) fn record(
        self: &Arc<Self>,
        memory: &mut Memory,
        audience: Audience,
        name: &str,
        args: &Args,
        plain: Message,
    ) -> Result<Message, EmitError> {
        let parser = self.settings().parser;
        memory.record(self, audience, |offset| {
            let packet = proto::encode_recoverable_event(self.name(), name, args, offset)?
                .with_compressible(plain.compressible());
            let message = plain.counted(parser, packet.clone(), Some(offset))?;
            Ok((packet, message))
        })
    }

    /// An event that does not come again, so that clients who count offsets find none in it.
    pub(crate) fn unrecorded(
        &self,
        name: &str,
        args: &Args,
        plain: Message,
    ) -> Result<Message, EmitError> {
        if self.memory.is_none() {
            return Ok(plain);
        }
        match proto::encode_unrecorded_event(self.name(), name, args)? {
            Some(packet) => {
                let packet = packet.with_compressible(plain.compressible());
                plain.counted(self.settings().parser, packet, None)
            }
            None => Ok(plain),
        }
    }

    /// A client may be back before the network has told that its old connection is dead.
    fn end_half_dead(&self, id: &PrivateId) {
        let socket = self.memory().and_then(|memory| memory.live(id));
        if let Some(client) = socket.and_then(|socket| socket.client().ok()) {
            client.make_way();
        }
    }
}
