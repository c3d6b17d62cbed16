//! For tests of applications: clients and clusters in memory, without sockets.
//!
//! With tokio's paused clock (`#[tokio::test(start_paused = true)]`, tokio's feature `test-util`)
//! everything runs in virtual time: timeouts of hours pass at once, and nothing depends on the speed
//! of the machine.
//!
//! ```
//! use std::time::Duration;
//!
//! use socketio::{Event, HandlerError, Server, Socket, testing::Client};
//! use tokio::time::{Instant, sleep};
//!
//! fn reminders() -> Server {
//!     let server = Server::new();
//!     server.of("/").on("remind me", |socket: Socket, event: Event| async move {
//!         sleep(Duration::from_secs(event.arg(0)?)).await;
//!         socket.emit("reminder", ())?;
//!         Ok::<_, HandlerError>(())
//!     });
//!     server
//! }
//!
//! // In a test: #[tokio::test(start_paused = true)]
//! #[tokio::main(flavor = "current_thread", start_paused = true)]
//! async fn main() {
//!     let mut client = Client::open(&reminders()).await;
//!     client.join("/").await.expect("everybody gets in");
//!     let asked = Instant::now();
//!     client.emit("/", "remind me", (3600,)).await;
//!     assert_eq!(client.event().await.expect("an event").name, "reminder");
//!     assert_eq!(asked.elapsed().as_secs(), 3600);
//! }
//! ```

mod client;
mod cluster;
mod polling;

pub use client::{Client, ClientEvent};
pub use cluster::Cluster;
