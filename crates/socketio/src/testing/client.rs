//! A client in memory that reads and writes packets as text.

use std::collections::VecDeque;

use bytes::Bytes;
use engineio::EngineService;
use http::{Method, Request, header::HOST};
use http_body_util::{BodyExt, Full};

use crate::Server;

/// A client of protocol 5 that talks to a server in memory, by polling.
///
/// It writes and reads Socket.IO packets as they stand on the wire, attachments as base64 with a
/// `b` in front, and answers heartbeats while it waits for a packet.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use socketio::{Event, Server, testing::Client};
///
/// let server = Server::new();
/// server.of("/").on("echo", |_, event: Event| async move { event.ack(event.args().clone()) });
///
/// let mut client = Client::open(&server).await;
/// client.join("/").await.expect("everybody gets in");
/// client.send(r#"20["echo","hello"]"#).await;
/// assert_eq!(client.next().await.as_deref(), Some(r#"30["hello"]"#));
/// # }
/// ```
#[derive(Debug)]
pub struct Client {
    link: Link,
    received: VecDeque<String>,
}

/// The requests of one session.
struct Link {
    service: EngineService,
    target: String,
}

impl Client {
    /// Opens a session that has joined no namespace.
    ///
    /// # Panics
    ///
    /// If the server takes no sessions.
    pub async fn open(server: &Server) -> Self {
        let mut link = Link {
            service: server.service().mounted(),
            target: "/?EIO=4&transport=polling".into(),
        };
        let open = link.request(Method::GET, String::new()).await;
        let open = open.expect("the server takes sessions");
        let open: serde_json::Value =
            serde_json::from_str(&open[1..]).expect("an open packet has a JSON object");
        link.target += &format!("&sid={}", open["sid"].as_str().unwrap_or_default());
        Self {
            link,
            received: VecDeque::new(),
        }
    }

    /// Asks to join a namespace and waits for the answer: the socket's id.
    ///
    /// # Errors
    ///
    /// The packet that came in its place, usually a CONNECT_ERROR; nothing if the session ended.
    pub async fn join(&mut self, namespace: &str) -> Result<String, Option<String>> {
        self.ask(namespace, "").await
    }

    /// The same with an auth object, as JSON text.
    ///
    /// # Errors
    ///
    /// As [`Client::join`].
    pub async fn join_with(
        &mut self,
        namespace: &str,
        auth: &str,
    ) -> Result<String, Option<String>> {
        self.ask(namespace, auth).await
    }

    async fn ask(&mut self, namespace: &str, auth: &str) -> Result<String, Option<String>> {
        let prefix = match namespace {
            "/" => String::new(),
            other => format!("{other},"),
        };
        self.send(&format!("0{prefix}{auth}")).await;
        let answer = self.next().await;
        let id = answer.as_deref().and_then(|packet| {
            let payload = packet.strip_prefix('0')?.strip_prefix(&prefix)?;
            let payload: serde_json::Value = serde_json::from_str(payload).ok()?;
            Some(payload["sid"].as_str()?.to_owned())
        });
        id.ok_or(answer)
    }

    /// Sends one packet, or an attachment as base64 with a `b` in front. A session that has ended
    /// takes none, which [`Client::next`] tells.
    pub async fn send(&mut self, packet: &str) {
        let message = if packet.starts_with('b') {
            packet.to_owned()
        } else {
            format!("4{packet}")
        };
        self.link.request(Method::POST, message).await;
    }

    /// The next packet; none once the session has ended.
    ///
    /// Not cancel-safe: a poll that is given up ends the session, as it does on the wire.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            let Some(packet) = self.received.pop_front() else {
                let payload = self.link.request(Method::GET, String::new()).await?;
                let packets = payload.split('\u{1e}');
                self.received.extend(packets.map(str::to_owned));
                continue;
            };
            match packet.as_bytes().first() {
                Some(b'4') => return Some(packet[1..].to_owned()),
                Some(b'b') => return Some(packet),
                Some(b'1') => return None,
                Some(b'2') => drop(self.link.request(Method::POST, "3".into()).await),
                _ => {}
            }
        }
    }

    /// Leaves without a word: the server has to notice.
    pub fn vanish(self) {}

    /// Ends the session.
    pub async fn close(self) {
        self.link.request(Method::POST, "1".into()).await;
    }
}

impl Link {
    /// The body of the answer; none if it is a refusal.
    async fn request(&self, method: Method, body: String) -> Option<String> {
        let request = Request::builder()
            .method(method)
            .uri(&self.target)
            .header(HOST, "localhost")
            .body(Full::new(Bytes::from(body)))
            .expect("method and target are valid");
        let answer = self.service.answer(request).await;
        let succeeded = answer.status().is_success();
        let body = answer.into_body().collect().await;
        let body = body.unwrap_or_else(|never| match never {}).to_bytes();
        succeeded.then(|| String::from_utf8_lossy(&body).into_owned())
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Link").field(&self.target).finish()
    }
}
