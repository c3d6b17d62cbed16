//! What an idle session keeps of memory. A binary of its own, as it looks at the whole process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use engineio::{
    Application, Config, EngineService, Receiver, SessionHandle,
    proto::{CloseReason, Data},
};
use tokio::net::TcpListener;

struct Silent;

impl Application for Silent {
    fn open(&self, _: SessionHandle) -> Box<dyn Receiver> {
        Box::new(Self)
    }
}

impl Receiver for Silent {
    fn message(&mut self, _: Data) {}

    fn closed(&mut self, _: CloseReason) {}
}

/// A client that polls, and has sent something on a second connection. Neither needs memory of this
/// process beyond its descriptor.
struct Client {
    _polls: TcpStream,
    _posts: TcpStream,
}

impl Client {
    fn open(address: SocketAddr) -> Self {
        let mut polls = connect(address);
        let open = exchange(&mut polls, "GET", "", "");
        let sid = open.split(r#""sid":""#).nth(1).unwrap();
        let query = format!("&sid={}", sid.split('"').next().unwrap());
        let mut posts = connect(address);
        assert!(exchange(&mut posts, "POST", &query, "4hello").ends_with("ok"));
        request(&mut polls, "GET", &query, "");
        Self {
            _polls: polls,
            _posts: posts,
        }
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn request(stream: &mut TcpStream, method: &str, query: &str, body: &str) {
    let length = body.len();
    let target = format!("/engine.io/?EIO=4&transport=polling{query}");
    let text = format!(
        "{method} {target} HTTP/1.1\r\nHost: test\r\nUser-Agent: a client with some headers\r\n\
         Origin: http://test\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).unwrap();
}

/// One answer, which fits into one read.
fn exchange(stream: &mut TcpStream, method: &str, query: &str, body: &str) -> String {
    request(stream, method, query, body);
    let mut answer = [0; 1024];
    let length = stream.read(&mut answer).unwrap();
    let answer = std::str::from_utf8(&answer[..length]).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    answer.into()
}

fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes: usize = line.trim_end_matches("kB").trim().parse().unwrap();
    kilobytes * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_idle_polling_session_keeps_no_buffers() {
    let service = EngineService::new(Config::default(), Silent);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = service.clone();
    tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
    let clients = |count: usize| (0..count).map(move |_| Client::open(address));
    // The first ones pay for what all share.
    let _warm_up: Vec<_> = clients(50).collect();
    let before = resident();
    let _idle: Vec<_> = clients(SESSIONS).collect();
    let each = resident().saturating_sub(before) / SESSIONS;
    assert_eq!(service.sessions(), SESSIONS + 50);
    assert!(each < MOST, "{each} bytes");
}

/// One of hyper's buffers alone has 8 KiB.
const MOST: usize = 8 * 1024;
const SESSIONS: usize = 400;
const PATIENCE: Duration = Duration::from_secs(10);
