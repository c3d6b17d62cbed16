//! Sans-IO core of Engine.IO, revisions 3 and 4.
//!
//! Input in, outputs polled, time is an argument: this crate has no clock, no socket, no task, no
//! lock and no randomness. A driver owns those: it reads requests with [`EngineRequest`] and feeds
//! one [`Session`] per client.
//!
//! # The driver loop
//!
//! After every input the driver takes all outputs, then writes what the session has for its
//! WebSocket, until neither gives anything. Then it waits for the next input, for room in the
//! socket, or for [`Session::poll_timeout`]. Here a client connects by WebSocket, says `hello`,
//! gets it back and then falls silent; time is a variable.
//!
//! ```
//! use std::{sync::Arc, time::Instant};
//!
//! use engineio_proto::{
//!     CloseReason, Config, EngineRequest, Entry, Event, Frame, Output, RequestHead, SendOptions,
//!     Session, Sid, Upgrade, WebSocketId,
//! };
//!
//! /// Takes outputs and writes until there is nothing more; returns what the application learns.
//! fn settle(session: &mut Session, now: Instant, socket: &mut Vec<u8>) -> Vec<Event> {
//!     let mut events = Vec::new();
//!     loop {
//!         while let Some(output) = session.poll_output() {
//!             match output {
//!                 Output::PollReply { .. } => unreachable!("this client does not poll"),
//!                 Output::CloseWebSocket { code, .. } => socket.extend(code.frame()),
//!                 Output::Event(event) => events.push(event),
//!             }
//!         }
//!         let Some(transmit) = session.poll_transmit(64 * 1024) else { return events };
//!         let before = socket.len();
//!         transmit.slices().for_each(|slice| socket.extend(slice));
//!         // A real socket takes fewer bytes, or none: then the driver waits for room.
//!         session.transmitted(now, socket.len() - before);
//!     }
//! }
//!
//! let config = Arc::new(Config::default());
//! let head = RequestHead {
//!     method: "GET",
//!     query: "EIO=4&transport=websocket",
//!     upgrade: Upgrade::WebSocket,
//!     origin: None,
//!     content_type: None,
//! };
//! let EngineRequest::Open(request) = EngineRequest::parse(&head, &config)? else { panic!() };
//!
//! let (mut now, mut socket) = (Instant::now(), Vec::new());
//! let ws = WebSocketId::new(1);
//! let mut session = Session::open(now, &request, Sid::from_random([7; 15]), config);
//! session.handle_websocket(now, ws)?;
//! assert_eq!(settle(&mut session, now, &mut socket), []);
//! assert!(socket.split_off(0).ends_with(br#""maxPayload":1000000}"#));
//!
//! session.handle_frame(now, ws, Frame::Text("4hello".into()));
//! let events = settle(&mut session, now, &mut socket);
//! let [Event::Message(data)] = events.as_slice() else { panic!("{events:?}") };
//! session.send(now, Entry::from(data.clone()), SendOptions::default())?;
//! settle(&mut session, now, &mut socket);
//! assert_eq!(socket.split_off(0), b"\x81\x064hello");
//!
//! let mut events = Vec::new();
//! while let Some(deadline) = session.poll_timeout() {
//!     now = deadline;
//!     session.handle_timeout(now);
//!     events = settle(&mut session, now, &mut socket);
//! }
//! // A ping, unanswered, and the close frame.
//! assert_eq!(socket, b"\x81\x012\x88\x00");
//! assert_eq!(events, [Event::Closed(CloseReason::PingTimeout)]);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod config;
mod error;
mod form;
#[doc(hidden)]
pub mod fuzzing;
mod handshake;
mod packet;
mod payload;
mod prepared;
mod request;
mod session;
mod sid;
mod text;
mod version;
mod websocket_frame;

pub use config::{Config, Limits};
pub use error::{PacketError, PayloadError, RequestError, SendError};
pub use handshake::Handshake;
pub use packet::{Data, Packet, PacketType};
pub use payload::{ContentType, DecodedPayload, JsonpIndex, LegacyText, Payload, PollEncoding};
pub use prepared::{Entry, Prepared};
pub use request::{
    EngineRequest, ExistingKind, OpenRequest, PostContent, RequestHead, Transport, Upgrade,
};
pub use session::{
    CloseCode, CloseReason, ConflationKey, Event, Frame, Output, PollId, PostBody, PostTicket,
    SendOptions, SendOutcome, Session, SlowConsumer, Transmit, WebSocketId,
};
pub use sid::{InvalidSid, Sid};
pub use text::{Text, Utf8Error};
pub use version::Version;
