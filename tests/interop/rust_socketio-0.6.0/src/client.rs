//! A connection whose events are kept until they are asked for.

use std::{
    collections::{HashMap, VecDeque},
    error::Error,
    fmt::Debug,
    io::{Read, Write},
    net::TcpStream,
    sync::mpsc::{self, Receiver},
    time::{Duration, SystemTime},
};

use rust_socketio::{
    ClientBuilder, Event, Payload, RawClient, TransportType, client::Client as Socket,
};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// For one thing that is waited for.
pub const DEADLINE: Duration = Duration::from_secs(15);

/// The fixture, reached by one transport.
pub struct Server {
    url: String,
    transport: TransportType,
}

impl Server {
    pub fn new(url: &str, transport: TransportType) -> Self {
        let url = url.to_owned();
        Self { url, transport }
    }

    /// The same, reached by another.
    pub fn with(&self, transport: TransportType) -> Self {
        Self::new(&self.url, transport)
    }

    /// A client that has been let in.
    pub fn open(&self, namespace: &str, auth: Value) -> Result<Client> {
        let mut client = self.start(namespace, auth)?;
        client.next("open")?;
        Ok(client)
    }

    /// A client that has asked for its namespace.
    pub fn start(&self, namespace: &str, auth: Value) -> Result<Client> {
        let (sender, events) = mpsc::channel();
        let mut builder = ClientBuilder::new(self.url.as_str())
            .namespace(namespace)
            .auth(auth)
            .transport_type(self.transport.clone())
            .reconnect_delay(50, 100);
        for event in [Event::Connect, Event::Close, Event::Error] {
            let (name, sender) = (String::from(event.clone()), sender.clone());
            builder = builder.on(event, move |payload, _: RawClient| {
                let _ = sender.send((name.clone(), values(payload)));
            });
        }
        let builder = builder.on_any(move |event, payload, _| {
            let _ = sender.send((event.into(), values(payload)));
        });
        Ok(Client {
            socket: builder.connect()?,
            events,
            kept: HashMap::new(),
        })
    }

    /// Cuts or mends the line to the server.
    pub fn line(&self, action: &str) -> Result<()> {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address)?;
        // In one write: the line is answered as soon as it has come.
        let request = format!("POST /{action} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        equal(answer.starts_with("HTTP/1.1 204"), true)
    }
}

/// One connection, in one namespace.
pub struct Client {
    socket: Socket,
    events: Receiver<(String, Vec<Value>)>,
    kept: HashMap<String, VecDeque<Vec<Value>>>,
}

impl Client {
    /// The arguments of the first event of this name that nobody has asked for yet.
    pub fn next(&mut self, name: &str) -> Result<Vec<Value>> {
        loop {
            if let Some(arguments) = self.kept.get_mut(name).and_then(VecDeque::pop_front) {
                return Ok(arguments);
            }
            let late = |_| format!("no {name} within {DEADLINE:?}");
            let (event, arguments) = self.events.recv_timeout(DEADLINE).map_err(late)?;
            self.kept.entry(event).or_default().push_back(arguments);
        }
    }

    /// How many events of this name have come before the last one that was asked for.
    pub fn waiting(&self, name: &str) -> usize {
        self.kept.get(name).map_or(0, VecDeque::len)
    }

    pub fn emit(&self, event: &str, payload: impl Into<Payload>) -> Result<()> {
        Ok(self.socket.emit(event, payload)?)
    }

    /// What the server answers.
    pub fn ask(&self, event: &str, arguments: Vec<Value>) -> Result<Vec<Value>> {
        let (sender, answers) = mpsc::channel();
        let told = move |answer, _: RawClient| drop(sender.send(values(answer)));
        self.socket
            .emit_with_ack(event, Payload::Text(arguments), DEADLINE, told)?;
        Ok(answers.recv_timeout(DEADLINE)?)
    }

    pub fn echo(&mut self, arguments: &[Value]) -> Result<()> {
        self.emit("message", arguments.to_vec())?;
        equal(self.next("message-back")?, arguments)
    }

    pub fn join(&mut self, room: &str) -> Result<()> {
        self.emit("join", vec![json!(room)])?;
        self.echo(&[json!("has joined")])
    }

    pub fn leave(&self) -> Result<()> {
        Ok(self.socket.disconnect()?)
    }
}

pub fn equal<A: Debug + PartialEq<B>, B: Debug>(actual: A, expected: B) -> Result<()> {
    if actual == expected {
        return Ok(());
    }
    Err(format!("expected {expected:?}, got {actual:?}").into())
}

/// A name that nobody else has.
pub fn unique() -> String {
    let moment = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    format!("{}", moment.as_nanos())
}

/// Bytes are told as a list of numbers.
fn values(payload: Payload) -> Vec<Value> {
    match payload {
        Payload::Text(arguments) => arguments,
        Payload::Binary(bytes) => vec![json!(bytes.to_vec())],
        #[allow(deprecated, reason = "it is still a variant")]
        Payload::String(text) => vec![json!(text)],
    }
}
