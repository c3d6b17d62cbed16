//! Sessions without sockets: who is woken, who may read, what the timer keeps.

use std::{sync::mpsc, thread, time::Duration};

use engineio_proto::{Data, EngineRequest, Frame, PostBody, PostContent, RequestHead, Upgrade};
use futures_util::FutureExt;

use super::*;
use crate::{Application, Config, Receiver, SessionHandle};

/// Tells of every message, and goes on once it is told to.
struct Slow {
    entered: mpsc::Sender<Data>,
    go_on: Arc<Mutex<mpsc::Receiver<()>>>,
}

/// The test's side of [`Slow`].
struct Hold {
    entered: mpsc::Receiver<Data>,
    go_on: mpsc::Sender<()>,
}

impl Slow {
    fn new() -> (Self, Hold) {
        let (entering, entered) = mpsc::channel();
        let (go_on, going_on) = mpsc::channel();
        let slow = Self {
            entered: entering,
            go_on: Arc::new(Mutex::new(going_on)),
        };
        (slow, Hold { entered, go_on })
    }
}

impl Application for Slow {
    fn open(&self, _: SessionHandle) -> Box<dyn Receiver> {
        Box::new(Self {
            entered: self.entered.clone(),
            go_on: Arc::clone(&self.go_on),
        })
    }
}

impl Receiver for Slow {
    fn message(&mut self, data: Data) {
        self.entered.send(data).unwrap();
        self.go_on.lock().unwrap().recv().unwrap();
    }

    fn closed(&mut self, _: CloseReason) {}
}

/// A session that polls and has its open packet.
fn polling(engine: &Arc<Engine>) -> Arc<SessionCell> {
    let cell = open(engine, "EIO=4&transport=polling", Upgrade::None);
    let _ = cell.park().unwrap();
    engine.start(&cell).unwrap();
    cell
}

/// A session on a WebSocket that only its task writes to, and the task's signal.
fn websocket(engine: &Arc<Engine>) -> (Arc<SessionCell>, WebSocketId, Arc<Signal>) {
    let cell = open(engine, "EIO=4&transport=websocket", Upgrade::WebSocket);
    let id = cell.announce_websocket(BinaryFrames::Bytes).unwrap();
    engine.start(&cell).unwrap();
    let signal = attach(&cell, id);
    (cell, id, signal)
}

fn open(engine: &Arc<Engine>, query: &str, upgrade: Upgrade) -> Arc<SessionCell> {
    let head = RequestHead {
        method: "GET",
        query,
        upgrade,
        origin: None,
        content_type: None,
    };
    let parsed = EngineRequest::parse(&head, &engine.config().protocol);
    let Ok(EngineRequest::Open(open)) = parsed else {
        panic!("no handshake: {query}")
    };
    let handshake = Handshake::of(&http::Request::new(()), None);
    engine.open(&open, handshake).unwrap()
}

fn attach(cell: &Arc<SessionCell>, id: WebSocketId) -> Arc<Signal> {
    let attached = cell.attach(id, Writer::ByTask);
    attached.unwrap_or_else(|farewell| panic!("{farewell:?}"))
}

fn frame(cell: &Arc<SessionCell>, id: WebSocketId, text: &str) {
    cell.feed(|session, now| session.handle_frame(now, id, Frame::Text(text.into())));
}

fn reading(cell: &Arc<SessionCell>, id: WebSocketId) -> Reading {
    match cell.errand(id) {
        Errand::Serve { reading, .. } => reading,
        Errand::Close(_) | Errand::Drop => panic!("the WebSocket is served"),
    }
}

fn is_woken(signal: &Signal) -> bool {
    signal.told().now_or_never().is_some()
}

#[tokio::test(start_paused = true)]
async fn a_session_stands_in_the_timer_once_and_not_after_its_end() {
    let (slow, _hold) = Slow::new();
    let engine = Engine::new(Config::default(), Box::new(slow));
    let cell = polling(&engine);
    let id = cell.announce_websocket(BinaryFrames::Bytes).unwrap();
    frame(&cell, id, "2probe");
    // Each poll during a probe asks to be looked at long before the heartbeat does.
    for _ in 0..50 {
        let (_, noop) = cell.park().unwrap();
        assert_eq!(noop.await.unwrap().body, "6");
        assert_eq!(engine.timer().len(), 1);
    }
    cell.feed(|session, now| session.abort(now, CloseReason::ForcedClose));
    assert_eq!(engine.timer().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_probe_is_told_so_though_the_next_one_has_come() {
    let (slow, _hold) = Slow::new();
    let engine = Engine::new(Config::default(), Box::new(slow));
    let cell = polling(&engine);
    let first = cell.announce_websocket(BinaryFrames::Bytes).unwrap();
    let first_signal = attach(&cell, first);
    tokio::time::sleep(Duration::from_secs(11)).await;
    let second = cell.announce_websocket(BinaryFrames::Bytes).unwrap();
    let second_signal = attach(&cell, second);
    assert!(is_woken(&first_signal));
    assert!(matches!(cell.errand(first), Errand::Close(_)));
    assert!(!is_woken(&second_signal));
    assert_eq!(reading(&cell, second), Reading::On);
}

#[tokio::test]
async fn nothing_is_read_while_a_message_waits_for_the_application() {
    let (slow, hold) = Slow::new();
    let engine = Engine::new(Config::default(), Box::new(slow));
    let (cell, id, signal) = websocket(&engine);
    let busy = Arc::clone(&cell);
    let delivery = thread::spawn(move || frame(&busy, id, "4one"));
    assert_eq!(hold.entered.recv().unwrap(), Data::Text("one".into()));
    assert_eq!(reading(&cell, id), Reading::On);
    frame(&cell, id, "4two");
    assert_eq!(reading(&cell, id), Reading::Paused);
    let _ = is_woken(&signal);
    hold.go_on.send(()).unwrap();
    hold.go_on.send(()).unwrap();
    delivery.join().unwrap();
    assert_eq!(hold.entered.recv().unwrap(), Data::Text("two".into()));
    assert!(is_woken(&signal));
    assert_eq!(reading(&cell, id), Reading::On);
}

/// One POST of so many messages, numbered from 0.
fn post(cell: &Arc<SessionCell>, messages: usize) {
    let numbers: Vec<_> = (0..messages).map(|number| format!("4{number}")).collect();
    let body = PostBody {
        content: PostContent::Text,
        bytes: numbers.join("\u{1e}").into(),
    };
    let ticket = cell.feed(Session::handle_post_start).unwrap();
    cell.feed(|session, now| session.handle_post(now, ticket, body))
        .unwrap();
}

#[tokio::test]
async fn the_messages_of_one_post_are_handed_on_in_turns() {
    let (slow, hold) = Slow::new();
    let engine = Engine::new(Config::default(), Box::new(slow));
    let cell = polling(&engine);
    let all = 10 * delivery::TURN + 1;
    (0..all).for_each(|_| hold.go_on.send(()).unwrap());
    post(&cell, all);
    let mut seen: Vec<_> = hold.entered.try_iter().collect();
    assert_eq!(seen.len(), delivery::TURN);
    assert!(cell.may_read().now_or_never().is_none());
    // This test is the bystander: on one thread, it runs only when the session lets it.
    while seen.len() < all {
        let before = seen.len();
        tokio::task::yield_now().await;
        seen.extend(hold.entered.try_iter());
        assert!(seen.len() - before <= delivery::TURN);
        // Others that look at the session meanwhile take no turn for it.
        cell.flush_dirty();
        assert_eq!(hold.entered.try_iter().count(), 0);
    }
    let expected: Vec<_> = (0..all)
        .map(|number| Data::Text(number.to_string().as_str().into()))
        .collect();
    assert_eq!(seen, expected);
    assert!(cell.may_read().now_or_never().is_some());
}

#[tokio::test]
async fn an_end_in_between_turns_comes_behind_the_messages() {
    let (slow, hold) = Slow::new();
    let engine = Engine::new(Config::default(), Box::new(slow));
    let cell = polling(&engine);
    let all = 2 * delivery::TURN + 1;
    (0..all).for_each(|_| hold.go_on.send(()).unwrap());
    post(&cell, all);
    cell.feed(|session, now| session.abort(now, CloseReason::TransportError));
    assert_eq!(engine.registry().len(), 1, "it has not been told its end");
    while engine.registry().len() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(hold.entered.try_iter().count(), all);
}
