//! A stand-alone Engine.IO server that sends every message back.
//!
//! `cargo run -p engineio --example echo`, then connect a client to port 3000.

use engineio::{Application, Config, EngineService, Receiver, SessionHandle, proto};
use proto::{CloseReason, Data, SendOptions};
use tokio::net::TcpListener;

struct Echo;

struct EchoBack(SessionHandle);

impl Application for Echo {
    fn open(&self, session: SessionHandle) -> Box<dyn Receiver> {
        Box::new(EchoBack(session))
    }
}

impl Receiver for EchoBack {
    fn message(&mut self, data: Data) {
        // Fails only for a session that has just ended, which `closed` tells.
        let _ = self.0.send(data, SendOptions::default());
    }

    fn closed(&mut self, reason: CloseReason) {
        println!("session ended: {reason}");
    }
}

#[tokio::main(flavor = "multi_thread")]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}/engine.io/", listener.local_addr()?);
    let interrupted = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    EngineService::new(Config::default(), Echo)
        .serve(listener, interrupted)
        .await
}
