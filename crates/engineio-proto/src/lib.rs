//! Sans-IO core of Engine.IO, revisions 3 and 4.
//!
//! Input in, outputs polled, time is an argument: this crate has no clock, no socket, no task, no
//! lock and no randomness. A driver owns those and feeds a [`Session`].
#![forbid(unsafe_code)]

mod config;
mod error;
mod packet;
mod sid;
mod text;
mod version;

pub use config::{Config, Limits};
pub use error::{PacketError, PayloadError, RequestError, SendError};
pub use packet::{Data, Packet, PacketType};
pub use sid::{InvalidSid, Sid};
pub use text::{Text, Utf8Error};
pub use version::Version;
