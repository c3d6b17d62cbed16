//! Many clients that come and go on every transport while the server emits: nothing is lost, doubled
//! or reordered, in either direction.
//!
//! `ENGINEIO_CYCLES` sets how often each client comes; the default fits a quick test run, and
//! `cargo xtask test --only churn` makes it 300.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "it/peer.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod peer;

use std::{net::SocketAddr, time::Duration};

use engineio::{
    Application, Config, EngineService, Receiver, SessionHandle,
    proto::{CloseReason, Data, SendOptions, SendOutcome},
};
use peer::{HANDSHAKE, Http, Socket, polling, sid_of};
use tokio::{
    net::TcpListener,
    sync::mpsc::{self, UnboundedSender},
};

/// Sends the numbers to every session at its own pace, and expects them back in order.
struct Numbers {
    ended: UnboundedSender<(usize, CloseReason)>,
}

struct Expecting {
    next: usize,
    ended: UnboundedSender<(usize, CloseReason)>,
}

impl Application for Numbers {
    fn open(&self, session: SessionHandle) -> Box<dyn Receiver> {
        tokio::spawn(emit(session));
        let ended = self.ended.clone();
        Box::new(Expecting { next: 0, ended })
    }
}

/// A pace at which some numbers find the client polling, some in its upgrade and some behind it.
async fn emit(session: SessionHandle) {
    for number in 0..NUMBERS {
        let sent = session.send(text(number), SendOptions::default());
        assert_eq!(sent, Ok(SendOutcome::Queued));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn text(number: usize) -> Data {
    Data::Text(number.to_string().into())
}

impl Receiver for Expecting {
    fn message(&mut self, data: Data) {
        assert_eq!(data, text(self.next));
        self.next += 1;
    }

    fn closed(&mut self, reason: CloseReason) {
        let _ = self.ended.send((self.next, reason));
    }
}

/// The client's side of one session.
struct Client {
    address: SocketAddr,
    get: Http,
    post: Http,
    sent: usize,
    received: usize,
}

impl Client {
    async fn new(address: SocketAddr) -> Self {
        Self {
            address,
            get: Http::connect(address).await,
            post: Http::connect(address).await,
            sent: 0,
            received: 0,
        }
    }

    async fn poll_only(&mut self) {
        let sid = self.open().await;
        while self.received < NUMBERS {
            let polled = self.get.request("GET", &polling(&sid), "").await;
            self.read(&polled.body);
            let number = self.next_number();
            self.post(&sid, &number).await;
        }
        self.post(&sid, "1").await;
    }

    async fn websocket_only(&mut self) {
        let socket = Socket::connect(self.address, "").await;
        self.finish(socket).await;
    }

    /// As clients do it: polls until the probe is answered, and sends `5` once its poll has ended.
    async fn upgrade(&mut self) {
        let sid = self.open().await;
        let number = self.next_number();
        self.post(&sid, &number).await;
        self.get.send("GET", &polling(&sid), "", "").await;
        let probe = async {
            let mut socket = Socket::connect(self.address, &format!("&sid={sid}")).await;
            socket.send("2probe").await;
            assert_eq!(socket.text().await, "3probe");
            socket
        };
        let (polled, mut socket) = tokio::join!(self.get.answer(), probe);
        self.read(&polled.body);
        let number = self.next_number();
        self.post(&sid, &number).await;
        socket.send("5").await;
        self.finish(socket).await;
    }

    async fn open(&mut self) -> String {
        let opened = self.get.request("GET", HANDSHAKE, "").await;
        sid_of(&opened.body)
    }

    async fn finish(&mut self, mut socket: Socket) {
        while self.received < NUMBERS {
            let frame = socket.text().await;
            self.read(&frame);
            let number = self.next_number();
            socket.send(&number).await;
        }
        socket.send("1").await;
        while !socket.next().await.is_close() {}
    }

    async fn post(&mut self, sid: &str, packet: &str) {
        let posted = self.post.request("POST", &polling(sid), packet).await;
        assert_eq!(posted.body, "ok");
    }

    fn next_number(&mut self) -> String {
        self.sent += 1;
        format!("4{}", self.sent - 1)
    }

    fn read(&mut self, payload: &str) {
        for packet in payload.split('\u{1e}') {
            match packet.strip_prefix('4') {
                Some(number) => {
                    assert_eq!(number, self.received.to_string());
                    self.received += 1;
                }
                None => assert!(packet == "6" || packet.starts_with("0{"), "{packet}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_come_and_go_lose_nothing() {
    let cycles = std::env::var("ENGINEIO_CYCLES").map_or(CYCLES, |cycles| cycles.parse().unwrap());
    let (ended, mut ends) = mpsc::unbounded_channel();
    let service = EngineService::new(Config::default(), Numbers { ended });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = service.clone();
    tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });

    let clients = (0..CLIENTS).map(|_| tokio::spawn(come_and_go(address, cycles)));
    let mut sent = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        sent.extend(client.await.unwrap());
    }
    let mut received = Vec::new();
    for _ in 0..CLIENTS * cycles {
        let (count, reason) = ends.recv().await.unwrap();
        assert_eq!(reason, CloseReason::TransportClose);
        received.push(count);
    }
    sent.sort_unstable();
    received.sort_unstable();
    assert_eq!(received, sent);
    assert_eq!(service.sessions(), 0);
    assert!(ends.try_recv().is_err(), "each session ends once");
}

/// How many messages the client sent in each of its sessions.
async fn come_and_go(address: SocketAddr, cycles: usize) -> Vec<usize> {
    let mut sent = Vec::new();
    for cycle in 0..cycles {
        let mut client = Client::new(address).await;
        match cycle % 3 {
            0 => client.upgrade().await,
            1 => client.poll_only().await,
            _ => client.websocket_only().await,
        }
        assert_eq!(client.received, NUMBERS);
        sent.push(client.sent);
    }
    sent
}

const CLIENTS: usize = 100;
const CYCLES: usize = 30;
const NUMBERS: usize = 12;
