//! A client in memory: events and answers, and below them packets as text.

use std::{
    collections::{HashMap, VecDeque},
    iter,
};

use bytes::Bytes;
use engineio::proto::{Data, Entry, Packet as Frame, Version};
use serde::Serialize;
use socketio_proto::{
    AckId, Args, Body, IntoArgs, NamespaceName, Packet, Protocol, encode_ack, encode_event,
};

use super::polling::{self, Polling};
use crate::Server;

/// A client that talks to a server in memory, by polling.
///
/// It says and hears events, answers heartbeats while it waits, and has attachments at hand in
/// [`Args`]. Below that, [`Client::send`] and [`Client::next`] have Socket.IO packets as they stand on
/// the wire. The server has the default parser.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use socketio::{Event, HandlerError, Server, Socket, testing::Client};
///
/// let server = Server::new();
/// server.of("/").on("say", |socket: Socket, event: Event| async move {
///     socket.broadcast().emit("said", event.args())?;
///     event.ack(("heard",))?;
///     Ok::<_, HandlerError>(())
/// });
///
/// let (mut ada, mut bob) = (Client::open(&server).await, Client::open_v4(&server).await);
/// ada.join("/").await.expect("everybody gets in");
/// bob.join("/").await.expect("everybody gets in");
///
/// let answer = ada.emit_with_ack("/", "say", ("hello", 1)).await.expect("an answer");
/// assert_eq!(answer.get::<String>(0).as_deref(), Ok("heard"));
///
/// let said = bob.event().await.expect("an event");
/// assert_eq!((said.namespace.as_str(), said.name.as_str()), ("/", "said"));
/// assert_eq!(said.args.get::<String>(0).as_deref(), Ok("hello"));
/// # }
/// ```
#[derive(Debug)]
pub struct Client {
    polling: Polling,
    protocol: Protocol,
    /// Events that came while an answer was awaited.
    kept: VecDeque<ClientEvent>,
    next_ack: u64,
    /// By namespace.
    recoverable: HashMap<String, Recoverable>,
}

/// What socket.io-client notes in order to come back (SIO5 6.7).
#[derive(Debug, Default, Serialize)]
struct Recoverable {
    /// None where the server keeps no connection state.
    pid: Option<String>,
    /// May be there before: what was missed comes first.
    offset: Option<String>,
}

/// An event that a [`Client`] has got.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ClientEvent {
    /// In which namespace.
    pub namespace: String,
    /// Which event.
    pub name: String,
    /// Its arguments.
    pub args: Args,
    /// Present if the server wants an answer: see [`Client::ack`].
    pub ack: Option<AckId>,
}

impl Client {
    /// Opens a session of protocol 5, as socket.io-client 3 and 4 do, that has joined no namespace.
    ///
    /// # Panics
    ///
    /// If the server takes no sessions.
    pub async fn open(server: &Server) -> Self {
        Self::open_with(server, Version::V4).await
    }

    /// Opens a session of protocol 4, as socket.io-client 1 and 2 do. The server lets it into the root
    /// unasked: [`Client::join`] then waits for what the server says of that.
    ///
    /// # Panics
    ///
    /// If the server takes no such sessions.
    pub async fn open_v4(server: &Server) -> Self {
        Self::open_with(server, Version::V3).await
    }

    async fn open_with(server: &Server, version: Version) -> Self {
        let polling = Polling::open(server, version).await;
        Self {
            polling: polling.expect("the server takes sessions"),
            protocol: version.into(),
            kept: VecDeque::new(),
            next_ack: 0,
            recoverable: HashMap::new(),
        }
    }

    /// Asks to join a namespace and waits for the answer: the socket's id. Events that come before, to a
    /// client that comes back, are kept for [`Client::event`].
    ///
    /// # Errors
    ///
    /// The packet that came in its place, usually a CONNECT_ERROR; nothing if the session ended.
    pub async fn join(&mut self, namespace: &str) -> Result<String, Option<String>> {
        self.join_with(namespace, "").await
    }

    /// The same with an auth object, as JSON text; in protocol 4 with the query of the namespace.
    ///
    /// # Errors
    ///
    /// As [`Client::join`].
    pub async fn join_with(
        &mut self,
        namespace: &str,
        auth: &str,
    ) -> Result<String, Option<String>> {
        let prefix = match namespace {
            "/" => String::new(),
            other => format!("{other},"),
        };
        match (self.protocol, namespace) {
            (Protocol::V5, _) => self.send(&format!("0{prefix}{auth}")).await,
            (Protocol::V4, "/") => {}
            (Protocol::V4, _) => self.send(&format!("0{namespace}?{auth}")).await,
        }
        let answer = loop {
            match self.packet().await {
                Ok(packet) => self.kept.extend(event(packet.namespace, packet.body)),
                Err(answer) => break answer,
            }
        };
        let payload = answer
            .as_deref()
            .and_then(|answer| answer.strip_prefix('0'));
        let id = payload.and_then(|payload| match self.protocol {
            Protocol::V5 => self.own_id(payload.strip_prefix(&prefix)?, namespace),
            Protocol::V4 => self.derived_id(payload, namespace),
        });
        id.ok_or(answer)
    }

    /// What this client, once it has lost its connection, joins with as another one: see
    /// [`Client::join_with`]. None where it has joined nothing for which the server keeps connection state.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use socketio::{Recovery, Server, testing::Client};
    ///
    /// let server = Server::builder().recovery(Recovery::new()).build();
    /// let mut client = Client::open(&server).await;
    /// let id = client.join("/").await.expect("everybody gets in");
    ///
    /// let lost = client.recovery_auth("/").expect("the server keeps it");
    /// client.close().await;
    /// server.of("/").emit("news", (1,)).expect("an event has a name");
    ///
    /// let mut client = Client::open(&server).await;
    /// assert_eq!(client.join_with("/", &lost).await, Ok(id));
    /// assert_eq!(client.event().await.expect("what it missed").name, "news");
    /// assert_ne!(client.recovery_auth("/"), Some(lost), "from here on");
    /// # }
    /// ```
    pub fn recovery_auth(&self, namespace: &str) -> Option<String> {
        let recoverable = self.recoverable.get(namespace)?;
        recoverable.pid.as_ref()?;
        Some(serde_json::to_string(recoverable).expect("texts have a form in JSON"))
    }

    /// The id that the server has given to the socket; what comes with it is noted.
    fn own_id(&mut self, payload: &str, namespace: &str) -> Option<String> {
        let payload: serde_json::Value = serde_json::from_str(payload).ok()?;
        let recoverable = self.recoverable.entry(namespace.to_owned()).or_default();
        recoverable.pid = payload["pid"].as_str().map(str::to_owned);
        Some(payload["sid"].as_str()?.to_owned())
    }

    /// Every event that ends with a text moves the offset.
    fn note_offset(&mut self, packet: &Packet) {
        if let Body::Event { args, .. } = &packet.body
            && let Some(last) = args.len().checked_sub(1)
            && let Ok(offset) = args.get(last)
        {
            let namespace = packet.namespace.as_str().to_owned();
            self.recoverable.entry(namespace).or_default().offset = Some(offset);
        }
    }

    /// What the client makes of the session's id (SIO4 6.1), if the answer is for this namespace.
    fn derived_id(&self, payload: &str, namespace: &str) -> Option<String> {
        let sid = self.polling.sid();
        match payload.trim_end_matches(',') {
            "" => (namespace == "/").then(|| sid.to_owned()),
            joined => (joined == namespace).then(|| format!("{namespace}#{sid}")),
        }
    }

    /// Sends an event. A session that has ended takes none.
    ///
    /// # Panics
    ///
    /// If the namespace, the name or the arguments have no form in a packet.
    pub async fn emit(&mut self, namespace: &str, name: &str, args: impl IntoArgs) {
        self.send_event(namespace, name, args, None).await;
    }

    /// Sends an event and waits for the answer. Events that come meanwhile are kept for
    /// [`Client::event`].
    ///
    /// # Errors
    ///
    /// The packet that came in its place, such as a DISCONNECT; nothing if the session ended.
    ///
    /// # Panics
    ///
    /// As [`Client::emit`].
    pub async fn emit_with_ack(
        &mut self,
        namespace: &str,
        name: &str,
        args: impl IntoArgs,
    ) -> Result<Args, Option<String>> {
        let asked = AckId::new(self.next_ack);
        self.next_ack += 1;
        self.send_event(namespace, name, args, Some(asked)).await;
        loop {
            let packet = self.packet().await?;
            match packet.body {
                Body::Ack { id, args } if id == Some(asked) => return Ok(args.unwrap_or_default()),
                body => self.kept.extend(event(packet.namespace, body)),
            }
        }
    }

    /// The next event, of whatever namespace. Answers that nobody waits for are passed over. If there may
    /// be none, put `tokio::time::timeout` around it, which costs nothing in virtual time.
    ///
    /// Not cancel-safe, as [`Client::next`].
    ///
    /// # Errors
    ///
    /// The packet that came in its place, such as a DISCONNECT; nothing if the session ended.
    pub async fn event(&mut self) -> Result<ClientEvent, Option<String>> {
        loop {
            if let Some(event) = self.kept.pop_front() {
                return Ok(event);
            }
            let packet = self.packet().await?;
            self.kept.extend(event(packet.namespace, packet.body));
        }
    }

    /// Answers an event.
    ///
    /// # Panics
    ///
    /// If the server wants no answer, or the arguments have no form in a packet.
    pub async fn ack(&mut self, event: &ClientEvent, args: impl IntoArgs) {
        let id = event.ack.expect("the server wants an answer");
        let args = args.into_args().expect("arguments have a form in JSON");
        let packet = encode_ack(&name(&event.namespace), id, &args);
        self.send_packet(&packet).await;
    }

    /// Sends one packet as text, or an attachment as base64 with a `b` in front. A session that has
    /// ended takes none, which [`Client::next`] tells.
    ///
    /// # Panics
    ///
    /// If what is behind a `b` is no base64.
    pub async fn send(&mut self, packet: &str) {
        let message = if packet.starts_with('b') {
            match Frame::decode_text(Version::V4, packet.into()) {
                Ok(Frame::Message(attachment)) => attachment,
                other => panic!("{packet} is no attachment: {other:?}"),
            }
        } else {
            Data::Text(packet.into())
        };
        self.polling.send([message]).await;
    }

    /// The next packet as text, or the next attachment as base64 with a `b` in front; none once the
    /// session has ended.
    ///
    /// Not cancel-safe: a poll that is given up ends the session, as it does on the wire.
    pub async fn next(&mut self) -> Option<String> {
        Some(match self.polling.message().await? {
            Data::Text(packet) => packet.as_str().to_owned(),
            attachment => polling::text(Version::V4, &Frame::Message(attachment)),
        })
    }

    /// Leaves without a word: the server has to notice.
    pub fn vanish(self) {}

    /// Ends the session.
    pub async fn close(self) {
        self.polling.close().await;
    }

    async fn send_event(
        &self,
        namespace: &str,
        event: &str,
        args: impl IntoArgs,
        ack: Option<AckId>,
    ) {
        let args = args.into_args().expect("arguments have a form in JSON");
        let packet = encode_event(&name(namespace), event, &args, ack);
        self.send_packet(&packet.expect("a name that events may have"))
            .await;
    }

    async fn send_packet(&self, packet: &Entry) {
        let attachments = packet.attachments().iter().cloned().map(Data::Binary);
        let messages = iter::once(packet.head().clone()).chain(attachments);
        self.polling.send(messages).await;
    }

    /// The next event or answer with its attachments; anything else is an error, as it stands.
    async fn packet(&mut self) -> Result<Packet, Option<String>> {
        let text = self.next().await.ok_or(None)?;
        let (head, attachments) = head(&text);
        let packet = Packet::decode(self.protocol, &head.into());
        let mut packet = packet.map_err(|_| text.clone())?;
        match &mut packet.body {
            Body::Event { args, .. }
            | Body::Ack {
                args: Some(args), ..
            } => *args = self.attached(args, attachments).await.ok_or(None)?,
            _ => return Err(Some(text)),
        }
        self.note_offset(&packet);
        Ok(packet)
    }

    /// The same arguments with so many attachments, which come next.
    async fn attached(&mut self, args: &Args, count: usize) -> Option<Args> {
        let mut attachments: Vec<Bytes> = Vec::new();
        while attachments.len() < count {
            attachments.push(self.polling.message().await?.as_bytes().clone());
        }
        let args = Args::from_raw_with(args.iter(), attachments);
        Some(args.expect("the server sends a placeholder for each attachment"))
    }
}

fn name(namespace: &str) -> NamespaceName {
    NamespaceName::parse(namespace).expect("the name of a namespace")
}

fn event(namespace: NamespaceName, body: Body) -> Option<ClientEvent> {
    match body {
        Body::Event { name, args, ack } => Some(ClientEvent {
            namespace: namespace.as_str().into(),
            name: name.as_str().into(),
            args,
            ack,
        }),
        _ => None,
    }
}

/// A packet as if it had no attachments, and how many it has (SIO5 5.1).
fn head(text: &str) -> (String, usize) {
    let plain = match text.as_bytes().first() {
        Some(b'5') => '2',
        Some(b'6') => '3',
        _ => return (text.to_owned(), 0),
    };
    let (count, rest) = text[1..].split_once('-').unwrap_or_default();
    (format!("{plain}{rest}"), count.parse().unwrap_or(0))
}
