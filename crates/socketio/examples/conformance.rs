//! The Socket.IO fixture of siospec.
//!
//! `cargo run -p socketio --example conformance -- [PORT] [OPTION…]`, then
//! `siospec http://127.0.0.1:PORT/socket.io/ [--with OPTION,…]`. What its namespaces and events do is
//! written in siospec's README.

use std::{
    collections::BTreeMap,
    error::Error,
    io,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use socketio::{
    Args, Binary, ConnectRequest, DisconnectReason, Event, Handshake, Parser, Recovery, Refusal,
    Server, Socket,
};
use tokio::{net::TcpListener, time::sleep};

#[tokio::main(flavor = "multi_thread")]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().unwrap_or_else(|| "3000".into());
    let server = server(&arguments.collect::<Vec<_>>());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}/socket.io/", listener.local_addr()?);
    server.serve(listener, std::future::pending()).await
}

fn server(options: &[String]) -> Server {
    let mut engine = engineio::Config::default();
    if options.iter().all(|option| option != "default-heartbeat") {
        engine.protocol.ping_interval = Duration::from_millis(300);
        engine.protocol.ping_timeout = Duration::from_millis(200);
    }
    engine.protocol.limits.upgrade_timeout = Duration::from_millis(500);
    engine.protocol.limits.max_queued_bytes = 8 * 1024 * 1024;
    engine.protocol.jsonp = options.iter().any(|option| option == "jsonp");
    engine.protocol.legacy_eio = options.iter().any(|option| option == "legacy-eio");
    engine.protocol.v3 = options.iter().all(|option| option != "eio3-off");
    let mut protocol = socketio::proto::Config::default();
    protocol.connect_timeout = Duration::from_secs(1);

    let mut builder = Server::builder().engine(engine).protocol(protocol);
    if options.iter().any(|option| option == "msgpack") {
        builder = builder.parser(Parser::MessagePack);
    }
    if options.iter().any(|option| option == "recovery") {
        builder = builder.recovery(Recovery::new());
    }
    let io = builder.build();
    let journal = Journal::default();
    for name in ["/", "/custom", "/slow", "/refused", "/refused-with-data"] {
        let namespace = io.namespace(name, admit);
        let (joined, left) = (journal.clone(), journal.clone());
        namespace.on_connect(move |socket| welcome(socket, joined.clone()));
        namespace.on_disconnect(move |socket, reason| bid_farewell(socket, reason, left.clone()));
        let asked = journal.clone();
        namespace.on_any(move |socket, event| obey(socket, event, asked.clone()));
    }
    let dynamic = io.dynamic(is_dynamic, admit);
    let (joined, left) = (journal.clone(), journal.clone());
    dynamic.on_connect(move |socket| welcome(socket, joined.clone()));
    dynamic.on_disconnect(move |socket, reason| bid_farewell(socket, reason, left.clone()));
    dynamic.on_any(move |socket, event| obey(socket, event, journal.clone()));
    io
}

fn is_dynamic(name: &str) -> bool {
    let digits = name.strip_prefix("/dynamic-").unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Under which name the journal knows a socket, if it brought one or said one later.
type Tag = OnceLock<String>;

/// Lets everybody in, except where the namespace's name says something else.
async fn admit(request: ConnectRequest) -> Result<Tag, Refusal> {
    let refusal = Refusal::new("not authorized");
    match request.namespace() {
        "/refused" => Err(refusal),
        "/refused-with-data" => Err(refusal.with_data(json!({ "retry": false }))),
        "/slow" => {
            sleep(Duration::from_millis(200)).await;
            Ok(tag(&request))
        }
        _ => Ok(tag(&request)),
    }
}

fn tag(request: &ConnectRequest) -> Tag {
    let auth: Value = request.auth().unwrap_or_default();
    let tag = auth.get("tag").and_then(Value::as_str);
    tag.map_or_else(Tag::new, |tag| tag.to_owned().into())
}

async fn welcome(
    socket: Socket<Tag>,
    journal: Journal,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    journal.record(&socket, "connect");
    let auth: Value = socket.handshake().auth()?;
    socket.emit("auth", (auth,))?;
    Ok(())
}

async fn bid_farewell(socket: Socket<Tag>, reason: DisconnectReason, journal: Journal) {
    journal.record(&socket, &reason.to_string());
}

async fn obey(
    socket: Socket<Tag>,
    event: Event,
    journal: Journal,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    match event.name() {
        "message" => drop(socket.emit("message-back", event.args().clone())?),
        "message-with-ack" => event.ack(event.args().clone())?,
        "ack-twice" => {
            event.ack(("first",))?;
            // The second is refused, and so never reaches the client.
            let _ = event.ack(("second",));
        }
        // The ack comes as long as this handler runs or after: other events must not wait for it.
        "emit-with-ack" => drop(tokio::spawn(ask(socket, event.args().clone()))),
        "burst-binary" => {
            for number in 0..event.arg::<u8>(0)? {
                socket.emit("item", (Binary::from(vec![number]),))?;
            }
        }
        "handshake" => drop(socket.emit("handshake", (describe(socket.handshake()),))?),
        "id" => drop(socket.emit("id", (socket.id().as_str(),))?),
        "tag" => {
            if socket.state().set(event.arg(0)?).is_ok() {
                journal.record(&socket, "connect");
            }
            event.ack(())?;
        }
        "journal" => drop(socket.emit("journal", (journal.of(&event.arg::<String>(0)?),))?),
        "join" => socket.join(event.arg::<String>(0)?)?,
        "to-room" => {
            let room: String = event.arg(0)?;
            let news = event.args().skip(1);
            socket.namespace().to(room).emit("news", news)?;
        }
        "ask-room" => drop(tokio::spawn(ask_room(socket, event.arg(0)?, event.arg(1)?))),
        "leave-namespace" => socket.disconnect(),
        "close-session" => socket.close(),
        "panic" => panic!("as asked"),
        _ => {}
    }
    Ok(())
}

/// Asks the client and tells it what it answered.
async fn ask(socket: Socket<Tag>, args: Args) {
    if let Ok(answer) = socket.emit_with_ack("answer-me", args).await {
        // Fails only for a client that has just left.
        let _ = socket.emit("answered", answer);
    }
}

async fn ask_room(socket: Socket<Tag>, room: String, milliseconds: u64) {
    let room = socket
        .namespace()
        .to(room)
        .timeout(Duration::from_millis(milliseconds));
    let Ok(mut answers) = room.emit_with_acks("answer-me", ()) else {
        return;
    };
    let received = answers.rest().await;
    let first = received
        .iter()
        .filter_map(|answer| answer.args.get::<Value>(0).ok());
    let first: Vec<Value> = first.collect();
    let _ = socket.emit("answers", (answers.missing() > 0, first));
}

/// The first request of the session. Its query is told as it came, without decoding.
fn describe(handshake: &Handshake) -> Value {
    let pairs = handshake
        .query()
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    let query: BTreeMap<&str, &str> = pairs.collect();
    let headers = handshake.headers().iter();
    let headers: BTreeMap<&str, &str> = headers
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    let address = handshake.peer().map(|peer| peer.ip().to_string());
    json!({ "query": query, "headers": headers, "address": address })
}

/// Who joined and left, by their tags.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<BTreeMap<String, Vec<[String; 2]>>>>);

impl Journal {
    fn record(&self, socket: &Socket<Tag>, entry: &str) {
        if let Some(tag) = socket.state().get() {
            let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let entry = [socket.namespace().name().to_owned(), entry.to_owned()];
            entries.entry(tag.clone()).or_default().push(entry);
        }
    }

    fn of(&self, tag: &str) -> Vec<[String; 2]> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(tag).cloned().unwrap_or_default()
    }
}
