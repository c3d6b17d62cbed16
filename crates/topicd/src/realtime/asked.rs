//! A request on its way to its answer.

use serde_json::Value;
use socketio::{Responder, Socket};

use super::client::Client;

/// A request that waits for its answer: on the event of its name, and in the ack if one is awaited.
pub(super) struct Asked {
    pub(super) event: &'static str,
    pub(super) socket: Socket<Client>,
    pub(super) ack: Option<Responder>,
}

impl Asked {
    pub(super) fn answer(&self, object: &Value) {
        // A client that is gone needs no answer.
        let _ = self.socket.emit(self.event, (object,));
        if let Some(ack) = &self.ack {
            let _ = ack.ack((object,));
        }
    }
}
