//! Sans-IO core of Socket.IO, protocols 4 and 5.
//!
//! Input in, outputs polled, time is an argument: this crate has no clock, no socket, no task and no
//! lock. A driver feeds a [`Connection`] with the messages of one Engine.IO session, and encodes
//! what it emits with [`encode_event`] and [`encode_ack`]. Rooms and handlers are the driver's.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod args;
mod attachment;
mod binary;
mod config;
mod connection;
mod decode;
mod encode;
mod error;
pub mod fuzzing;
mod grammar;
mod json;
pub mod msgpack;
mod namespace;
mod packet;
mod protocol;
mod recovery;

pub use args::{ArgError, Args, IntoArgs};
pub use attachment::{Assembler, AttachmentBudget};
pub use binary::Binary;
pub use config::Config;
pub use connection::{Connection, Event, NotAsking, Output};
pub use encode::{
    ascii_json, encode_ack, encode_connect, encode_disconnect, encode_event,
    encode_recoverable_event, encode_refusal, encode_unrecorded_event,
};
pub use error::{PacketError, Violation};
pub use namespace::{InvalidNamespace, NamespaceName};
pub use packet::{AckId, Body, EventName, Packet, PacketType};
pub use protocol::Protocol;
pub use recovery::{
    Address, Audience, Gap, LostSocket, Offset, PrivateId, Recovery, RecoveryBudget,
    RecoveryLimits, RecoveryRequest, Replay, Returning, Stays,
};
