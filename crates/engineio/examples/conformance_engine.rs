//! The Engine.IO fixture of siospec: an echo server with a few commands.
//!
//! `cargo run -p engineio --example conformance_engine -- [PORT] [OPTION…]`, then
//! `siospec http://127.0.0.1:PORT/engine.io/ --engine [--with OPTION,…]`. What the commands and
//! options do is written in siospec's README.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use engineio::{
    Answer, Application, Config, Cookie, Cors, EngineService, Handshake, Hooks, Receiver, Refusal,
    SessionHandle, proto,
};
use http::HeaderValue;
use proto::{CloseReason, Data, Entry, SendOptions, Text};
use tokio::net::TcpListener;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().unwrap_or_else(|| "3000".into());
    let config = config(&arguments.collect::<Vec<_>>());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}/engine.io/", listener.local_addr()?);
    EngineService::new(config, Fixture::default())
        .serve(listener, std::future::pending())
        .await
}

fn config(options: &[String]) -> Config {
    let mut config = Config::default();
    let protocol = &mut config.protocol;
    protocol.ping_interval = Duration::from_millis(300);
    protocol.ping_timeout = Duration::from_millis(200);
    protocol.limits.upgrade_timeout = Duration::from_millis(500);
    protocol.limits.max_queued_bytes = 8 * 1024 * 1024;
    for option in options {
        match option.as_str() {
            "eio3-off" => config.protocol.v3 = false,
            "legacy-eio" => config.protocol.legacy_eio = true,
            "default-heartbeat" => keep_default_heartbeat(&mut config),
            "jsonp" => config.protocol.jsonp = true,
            "no-upgrades" => config.protocol.upgrades = false,
            "cors" => config.cors = Cors::Any,
            "cors-origin" => config.cors = Cors::List(vec![ALLOWED]),
            "cors-legacy" => config.cors = Cors::Mirror,
            "cookie" => config.cookie = Some(Cookie::default()),
            #[cfg(feature = "compression")]
            "compression" => config.compression = Some(engineio::Compression::default()),
            "initial-packet" => config.hooks = Hooks::default().initial(text("ready".into())),
            "hook" => config.hooks = Hooks::default().allow(refuse),
            "header-hooks" => config.hooks = Hooks::default().headers(add_headers),
            unknown => eprintln!("no option is named {unknown}"),
        }
    }
    config
}

fn keep_default_heartbeat(config: &mut Config) {
    let default = Config::default().protocol;
    config.protocol.ping_interval = default.ping_interval;
    config.protocol.ping_timeout = default.ping_timeout;
}

/// The only origin allowed by `cors-origin`.
const ALLOWED: HeaderValue = HeaderValue::from_static("http://allowed.example");

async fn refuse(handshake: Handshake) -> Result<(), Refusal> {
    match query(&handshake).contains_key("refuse") {
        true => Err(Refusal::default()),
        false => Ok(()),
    }
}

fn add_headers(answer: Answer, headers: &mut http::HeaderMap) {
    headers.insert("x-every", HeaderValue::from_static("1"));
    if answer == Answer::Initial {
        headers.insert("x-initial", HeaderValue::from_static("1"));
    }
}

/// The words that sessions left by key, to be read by other sessions.
#[derive(Clone, Default)]
struct Fixture {
    notes: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
}

impl Application for Fixture {
    fn open(&self, session: SessionHandle) -> Box<dyn Receiver> {
        let fixture = self.clone();
        Box::new(Client { fixture, session })
    }
}

struct Client {
    fixture: Fixture,
    session: SessionHandle,
}

impl Receiver for Client {
    fn message(&mut self, data: Data) {
        let command = match &data {
            Data::Text(text) => text.as_str().strip_prefix('!').map(str::to_owned),
            Data::Binary(_) => None,
        };
        match command {
            Some(command) => self.obey(&command),
            None => self.send(data),
        }
    }

    fn closed(&mut self, _: CloseReason) {}
}

impl Client {
    fn obey(&self, command: &str) {
        let words: Vec<&str> = command.split(' ').collect();
        match words[..] {
            ["close"] => self.session.close(CloseReason::ForcedClose),
            ["bye"] => {
                self.send(text("bye".into()));
                self.session.close(CloseReason::ForcedClose);
            }
            ["burst", count, size] => self.burst(count, size),
            ["request"] => {
                let query = query(self.session.handshake());
                self.send(text(serde_json::json!({ "query": query }).to_string()));
            }
            ["note", key, word] => self.fixture.note(key, word),
            ["notes", key] => self.send(text(self.fixture.notes(key))),
            _ => eprintln!("no command is named {command}"),
        }
    }

    fn burst(&self, count: &str, size: &str) {
        let (Ok(count), Ok(size)) = (count.parse::<usize>(), size.parse()) else {
            return;
        };
        for number in 0..count {
            let mut message = format!("{number}:");
            message.extend(std::iter::repeat_n('x', size).skip(message.len()));
            self.send(text(message));
        }
    }

    /// A session that has just ended or does not read gets no more: that is what cases are about.
    fn send(&self, message: impl Into<Entry>) {
        let _ = self.session.send(message, SendOptions::default());
    }
}

impl Fixture {
    fn note(&self, key: &str, word: &str) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.entry(key.into()).or_default().push(word.into());
    }

    fn notes(&self, key: &str) -> String {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes
            .get(key)
            .map_or_else(String::new, |words| words.join(" "))
    }
}

fn text(text: String) -> Data {
    Data::Text(Text::from(text))
}

/// The decoded query of a request.
fn query(handshake: &Handshake) -> BTreeMap<String, String> {
    let pairs = handshake.query().split('&').filter(|pair| !pair.is_empty());
    let split = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    split
        .map(|(key, value)| (decoded(key), decoded(value)))
        .collect()
}

/// Undoes percent-encoding; what is no escape stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let digits = tail
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.map(|digits| u8::from_str_radix(digits, 16)) {
            Some(Ok(escaped)) if byte == b'%' => {
                bytes.push(escaped);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
