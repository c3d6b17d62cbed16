//! In which form packets travel. Owns the choice; the forms are those of `socketio-proto`.

use std::time::Instant;

use engineio::proto::{Data, Entry};
use socketio_proto::{Connection, PacketError, msgpack};

use crate::EmitError;

/// In which form packets travel. Nothing on the wire tells it, so that a server has one for all its
/// clients, and a client with another is closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parser {
    /// Text, with bytes in messages of their own behind it: what clients have by default.
    #[default]
    Text,
    /// Binary messages of MessagePack, as socket.io-msgpack-parser 3 has them (SIO5 6.8). Its
    /// clients are of protocol 5; what older ones have is another format.
    MessagePack,
}

impl Parser {
    /// Feeds a message of the client to its machine, which knows text and attachments alone.
    pub(crate) fn feed(self, connection: &mut Connection, now: Instant, message: Data) {
        match (self, message) {
            (Self::Text, message) => connection.handle_message(now, message),
            (Self::MessagePack, Data::Binary(message)) => match msgpack::decode(&message) {
                Ok(packet) => feed_packet(connection, now, &packet),
                Err(error) => connection.handle_unreadable(error),
            },
            (Self::MessagePack, Data::Text(_)) => {
                connection.handle_unreadable(PacketError::TextMessage);
            }
        }
    }

    /// Puts a packet into the form that goes out.
    pub(crate) fn write(self, packet: Entry) -> Result<Entry, EmitError> {
        match self {
            Self::Text => Ok(packet),
            Self::MessagePack => match msgpack::encode(&packet) {
                Ok(message) => Ok(Entry::from(message).with_compressible(packet.compressible())),
                Err(error) => Err(EmitError::MessagePack(error)),
            },
        }
    }
}

fn feed_packet(connection: &mut Connection, now: Instant, packet: &Entry) {
    connection.handle_message(now, packet.head().clone());
    for attachment in packet.attachments() {
        connection.handle_message(now, Data::Binary(attachment.clone()));
    }
}
