#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod config;
mod error;
mod form;
#[doc(hidden)]
pub mod fuzzing;
mod handshake;
mod limits;
mod packet;
mod payload;
mod prepared;
mod request;
mod session;
mod short_queue;
mod sid;
mod text;
mod version;
mod websocket_frame;

pub use config::{Config, Transports};
pub use error::{PacketError, PayloadError, RequestError, SendError};
pub use handshake::Handshake;
pub use limits::Limits;
pub use packet::{Data, Packet, PacketType};
pub use payload::{ContentType, DecodedPayload, JsonpIndex, LegacyText, Payload, PollEncoding};
pub use prepared::{Compressible, Entry, Prepared};
pub use request::{
    BinaryFrames, EngineRequest, ExistingKind, OpenRequest, PostContent, RequestHead, Transport,
    Upgrade,
};
pub use session::{
    CloseCode, CloseReason, ConflationKey, Event, Frame, Output, PollId, PostBody, PostTicket,
    SendOptions, SendOutcome, Session, SlowConsumer, Transmit, WebSocketId,
};
pub use short_queue::ShortQueue;
pub use sid::{InvalidSid, Sid};
pub use text::{Text, Utf8Error};
pub use version::Version;
