#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod application;
mod body;
mod clock;
#[cfg(feature = "compression")]
mod compression;
mod config;
mod connection;
mod cookie;
mod cors;
mod drain;
mod engine;
mod flush;
mod handle;
mod handshake;
mod hooks;
mod places;
mod proxy;
mod refused;
mod registry;
mod request;
mod response;
mod serve;
mod service;
mod session;
mod signal;
mod stats;
mod timer;
mod websocket;
mod write_limit;

pub use application::{Application, Receiver};
#[cfg(feature = "compression")]
pub use compression::Compression;
pub use config::Config;
pub use connection::{Http1, RequestBody};
pub use cookie::{Cookie, CookieScheme, SameSite};
pub use cors::Cors;
pub use engineio_proto as proto;
pub use engineio_proto::Limits;
pub use handle::SessionHandle;
pub use handshake::{Encrypted, Handshake, PeerAddr};
pub use hooks::{Answer, Hooks, Refusal};
pub use proxy::{ForwardedHeader, InvalidNetwork, Network, TrustedProxies};
pub use service::{EngineService, WeakEngineService};
pub use stats::{OpenSessions, Stats};
pub use write_limit::WriteLimit;
