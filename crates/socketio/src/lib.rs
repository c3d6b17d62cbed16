#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod ack;
mod adapter;
pub mod admin;
mod admission;
mod broadcast;
mod client;
mod clock;
mod deliver;
mod error;
mod event;
mod handled;
mod handlers;
mod handshake;
mod id;
mod inbox;
mod layers;
mod link;
mod namespace;
mod observer;
mod parser;
mod reason;
mod recovery;
mod rooms;
mod server;
mod server_event;
mod socket;
mod stats;
pub mod testing;

pub use ack::{Ack, Answer, Answers};
pub use adapter::{
    AckReport, Adapter, Command, Emit, Incomplete, LocalAdapter, LocalSockets, SocketInfo,
};
pub use broadcast::{Broadcast, Delivery};
pub use engineio;
pub use engineio::proto::{Compressible, ConflationKey, SendOptions, SlowConsumer};
pub use error::{
    AckError, EmitError, EmitOutcome, HandlerError, IntoHandlerResult, JoinError, Refusal,
    ServerAckError,
};
pub use event::{Event, Responder};
pub use handshake::{ConnectRequest, Handshake, SessionKey};
pub use id::SocketId;
pub use inbox::InboxLimits;
pub use layers::{Next, Outgoing, Recipients};
pub use namespace::{Dynamic, Namespace};
pub use parser::Parser;
pub use reason::DisconnectReason;
pub use recovery::Recovery;
pub use rooms::{Room, Target};
pub use server::{Builder, Failure, HandlerFailure, Handling, Server};
pub use server_event::ServerEvent;
pub use socket::{Emitter, Socket};
pub use socketio_proto as proto;
pub use socketio_proto::{ArgError, Args, Binary, IntoArgs, RecoveryLimits};
pub use stats::{SentStats, Stats};
