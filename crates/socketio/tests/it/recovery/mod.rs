//! Clients that lose their connection and come back (SIO5 6.7), most of them in virtual time.
//!
//! Here is what all of these tests tell with: a member, and what is left of it when it is lost.

mod away;
mod connections;
mod kept;
mod missed;
mod replay;

use serde_json::{Value, json};
use socketio::{Builder, Recovery, RecoveryLimits, Server, Socket, testing::Client};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

fn builder() -> Builder {
    Server::builder().recovery(Recovery::new())
}

fn with_limits(change: impl FnOnce(&mut RecoveryLimits)) -> Server {
    let mut limits = RecoveryLimits::default();
    change(&mut limits);
    let recovery = Recovery::new().limits(limits);
    Server::builder().recovery(recovery).build()
}

/// A socket of the root namespace with what its client needs to come back.
struct Member {
    client: Client,
    sid: String,
    pid: String,
}

impl Member {
    async fn join(server: &Server) -> Self {
        let mut client = Client::open(server).await;
        client.send("0").await;
        let (sid, pid) = ids(&client.next().await.unwrap());
        Self { client, sid, pid }
    }

    /// Loses the connection. What is left is what its client says when it comes back.
    async fn lose(self, offset: Option<&str>) -> Lost {
        let auth = json!({ "pid": self.pid, "offset": offset });
        self.client.close().await;
        Lost {
            sid: self.sid,
            pid: self.pid,
            auth: auth.to_string(),
        }
    }

    async fn expect(&mut self, packet: &str) {
        assert_eq!(self.client.next().await.unwrap(), packet);
    }
}

struct Lost {
    sid: String,
    pid: String,
    auth: String,
}

impl Lost {
    async fn knock(&self, server: &Server) -> Client {
        let mut client = Client::open(server).await;
        client.send(&format!("0{}", self.auth)).await;
        client
    }

    /// Comes back, gets exactly this before it is in, and is who it was.
    async fn recovers(&self, server: &Server, missed: &[&str]) -> Member {
        let mut client = self.knock(server).await;
        for packet in missed {
            assert_eq!(client.next().await.unwrap(), *packet);
        }
        let (sid, pid) = ids(&client.next().await.unwrap());
        assert_eq!((&sid, &pid), (&self.sid, &self.pid));
        Member { client, sid, pid }
    }

    /// Comes back and is somebody new.
    async fn is_forgotten(&self, server: &Server) -> Member {
        let mut client = self.knock(server).await;
        let (sid, pid) = ids(&client.next().await.unwrap());
        assert_ne!(sid, self.sid);
        assert_ne!(pid, self.pid);
        Member { client, sid, pid }
    }
}

fn ids(confirmation: &str) -> (String, String) {
    let payload = confirmation.strip_prefix('0').expect(confirmation);
    let payload: Value = serde_json::from_str(payload).expect(confirmation);
    let id = |key: &str| payload[key].as_str().expect(confirmation).to_owned();
    (id("sid"), id("pid"))
}

/// The sockets that connect, as the application sees them.
fn connected(server: &Server) -> UnboundedReceiver<Socket> {
    let (sender, sockets) = unbounded_channel();
    server.of("/").on_connect(move |socket: Socket| {
        let _ = sender.send(socket);
        async {}
    });
    sockets
}
