//! A client, its network and the driver in one, in virtual time: tests read as transcripts.
//!
//! `␞` stands for the record separator in payloads. After every input all outputs are drained and,
//! unless the network is blocked, everything queued for a WebSocket is written. What has come of it is
//! asked for in `seen`.

mod seen;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;

use self::seen::Received;
use crate::{
    BinaryFrames, CloseCode, CloseReason, Config, Data, EngineRequest, Entry, Event, Frame,
    OpenRequest, Output, Payload, PollId, PostBody, PostContent, PostTicket, RequestError,
    RequestHead, SendError, SendOptions, SendOutcome, Session, Sid, Transport, Upgrade, Version,
    WebSocketId, session::fuzzing::any_instant,
};

pub(super) struct Harness {
    pub(super) session: Session,
    now: Instant,
    next_id: u64,
    get: Option<PollId>,
    answers: BTreeMap<PollId, Payload>,
    frames: BTreeMap<WebSocketId, Received>,
    closed_sockets: Vec<WebSocketId>,
    events: VecDeque<Event>,
    /// Bytes that the network still takes.
    room: usize,
}

/// The timing of the conformance cases.
pub(super) fn config() -> Config {
    Config {
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_millis(200),
        ..Config::default()
    }
}

impl Harness {
    /// A polling session that has got its open packet.
    pub(super) fn polling(version: Version) -> Self {
        Self::polling_with(version, config())
    }

    pub(super) fn polling_with(version: Version, config: Config) -> Self {
        let mut t = Self::open(version, Transport::Polling, config, None);
        let get = t.get();
        t.answers
            .remove(&get)
            .expect("the first poll is answered at once");
        t
    }

    /// A session born by WebSocket that has got its open packet.
    pub(super) fn websocket(version: Version) -> (Self, WebSocketId) {
        Self::websocket_with(version, config())
    }

    pub(super) fn websocket_with(version: Version, config: Config) -> (Self, WebSocketId) {
        let mut t = Self::open(version, Transport::WebSocket, config, None);
        let ws = t.connect();
        assert!(
            t.next_frame(ws)
                .is_some_and(|frame| frame.starts_with("0{"))
        );
        (t, ws)
    }

    /// A session that has moved from polling to WebSocket.
    pub(super) fn upgraded(version: Version) -> (Self, WebSocketId) {
        let mut t = Self::polling(version);
        let ws = t.connect();
        t.frame(ws, "2probe");
        t.expect_frame(ws, "3probe");
        t.frame(ws, "5");
        t.expect_upgraded();
        (t, ws)
    }

    pub(super) fn open(
        version: Version,
        transport: Transport,
        config: Config,
        initial: Option<Data>,
    ) -> Self {
        let request = open_request(version, transport, &config, initial);
        let sid = Sid::from_random([7; 15]);
        let now = any_instant();
        Self {
            session: Session::open(now, &request, sid, Arc::new(config)),
            now,
            next_id: 0,
            get: None,
            answers: BTreeMap::new(),
            frames: BTreeMap::new(),
            closed_sockets: Vec::new(),
            events: VecDeque::new(),
            room: usize::MAX,
        }
    }

    // What the client does.

    pub(super) fn get(&mut self) -> PollId {
        self.try_get().expect("the GET is taken")
    }

    pub(super) fn try_get(&mut self) -> Result<PollId, RequestError> {
        let id = PollId::new(self.fresh_id());
        let parked = self.session.handle_poll(self.now, id);
        if parked.is_ok() {
            self.get = Some(id);
        }
        self.settle();
        parked.map(|()| id)
    }

    pub(super) fn abandon_get(&mut self, id: PollId) {
        self.session.handle_poll_closed(self.now, id);
        self.settle();
    }

    pub(super) fn post(&mut self, body: &str) {
        self.try_post(body).expect("the POST is answered with ok");
    }

    pub(super) fn try_post(&mut self, body: &str) -> Result<(), RequestError> {
        let body = text_body(body);
        self.try_post_body(body)
    }

    pub(super) fn try_post_body(&mut self, body: PostBody) -> Result<(), RequestError> {
        let ticket = self.try_post_start()?;
        self.end_post(ticket, body)
    }

    pub(super) fn post_start(&mut self) -> PostTicket {
        self.try_post_start().expect("the POST may start")
    }

    pub(super) fn try_post_start(&mut self) -> Result<PostTicket, RequestError> {
        let ticket = self.session.handle_post_start(self.now);
        self.settle();
        ticket
    }

    pub(super) fn post_end(&mut self, ticket: PostTicket, body: &str) -> Result<(), RequestError> {
        self.end_post(ticket, text_body(body))
    }

    fn end_post(&mut self, ticket: PostTicket, body: PostBody) -> Result<(), RequestError> {
        let answer = self.session.handle_post(self.now, ticket, body);
        self.settle();
        answer
    }

    pub(super) fn abandon_post(&mut self, ticket: PostTicket) {
        self.session.handle_post_closed(self.now, ticket);
        self.settle();
    }

    pub(super) fn connect(&mut self) -> WebSocketId {
        self.try_connect().expect("the WebSocket is taken")
    }

    pub(super) fn try_connect(&mut self) -> Result<WebSocketId, RequestError> {
        self.try_connect_as(BinaryFrames::Bytes)
    }

    /// A WebSocket whose request has `b64` or not.
    pub(super) fn try_connect_as(
        &mut self,
        binary: BinaryFrames,
    ) -> Result<WebSocketId, RequestError> {
        let id = WebSocketId::new(self.fresh_id());
        let answer = self.session.handle_websocket(self.now, id, binary);
        self.settle();
        answer.map(|()| id)
    }

    pub(super) fn frame(&mut self, ws: WebSocketId, text: &str) {
        self.session
            .handle_frame(self.now, ws, Frame::Text(text.into()));
        self.settle();
    }

    pub(super) fn binary_frame(&mut self, ws: WebSocketId, bytes: &[u8]) {
        let frame = Frame::Binary(Bytes::copy_from_slice(bytes));
        self.session.handle_frame(self.now, ws, frame);
        self.settle();
    }

    pub(super) fn drop_websocket(&mut self, ws: WebSocketId) {
        self.session.handle_websocket_closed(self.now, ws);
        self.settle();
    }

    /// The driver refuses what came on this WebSocket, and tells the client so.
    pub(super) fn fail_websocket(&mut self, ws: WebSocketId, code: CloseCode) {
        self.session.handle_websocket_error(self.now, ws, code);
        self.settle();
    }

    // What the server does.

    pub(super) fn server_sends(&mut self, text: &str) {
        let outcome = self.server_sends_with(text, SendOptions::default());
        assert_eq!(outcome, Ok(SendOutcome::Queued));
    }

    pub(super) fn server_sends_with(
        &mut self,
        text: &str,
        options: SendOptions,
    ) -> Result<SendOutcome, SendError> {
        self.server_sends_entry(entry(text), options)
    }

    pub(super) fn server_sends_entry(
        &mut self,
        entry: Entry,
        options: SendOptions,
    ) -> Result<SendOutcome, SendError> {
        let outcome = self.session.send(self.now, entry, options);
        self.settle();
        outcome
    }

    pub(super) fn server_closes(&mut self) {
        self.session.close(self.now, CloseReason::ForcedClose);
        self.settle();
    }

    pub(super) fn library_sends(&mut self, ws: WebSocketId, frame: &'static [u8]) {
        self.session
            .handle_control(self.now, ws, Bytes::from_static(frame));
        self.settle();
    }

    // Time and network.

    /// Lets time pass; the timer fires at every deadline on the way.
    pub(super) fn advance(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self
            .session
            .poll_timeout()
            .filter(|deadline| *deadline <= end)
        {
            self.now = self.now.max(deadline);
            self.session.handle_timeout(self.now);
            self.settle();
        }
        self.now = end;
    }

    /// Lets time pass without any timer: the process stands still.
    pub(super) fn stand_still(&mut self, time: Duration) {
        self.now += time;
    }

    /// The timer fires once, if a deadline has passed.
    pub(super) fn timer(&mut self) {
        if self
            .session
            .poll_timeout()
            .is_some_and(|deadline| deadline <= self.now)
        {
            self.session.handle_timeout(self.now);
            self.settle();
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.now
    }

    pub(super) fn block(&mut self) {
        self.room = 0;
    }

    /// The network takes so many bytes more.
    pub(super) fn unblock(&mut self, bytes: usize) {
        self.room = bytes;
        self.settle();
    }

    fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// The driver loop.
    fn settle(&mut self) {
        loop {
            while let Some(output) = self.session.poll_output() {
                self.take(output);
            }
            if self.write() == 0 {
                return;
            }
        }
    }

    fn take(&mut self, output: Output) {
        let ended = self
            .events
            .iter()
            .any(|event| matches!(event, Event::Closed(_)));
        assert!(!ended, "{output:?} after Closed");
        match output {
            Output::PollReply { id, payload } => {
                assert!(self.answers.insert(id, payload).is_none(), "answered twice");
            }
            Output::CloseWebSocket { id, .. } => self.closed_sockets.push(id),
            Output::Event(event) => self.events.push_back(event),
        }
    }

    fn write(&mut self) -> usize {
        let Some(transmit) = self.session.poll_transmit(self.room) else {
            return 0;
        };
        let received = self.frames.entry(transmit.id()).or_default();
        let before = received.bytes.len();
        let slices: Vec<&[u8]> = transmit.slices().collect();
        if let Some(only) = transmit.only() {
            assert_eq!(slices, [only]);
        }
        for slice in slices {
            assert!(!slice.is_empty());
            received.bytes.extend_from_slice(slice);
        }
        let written = received.bytes.len() - before;
        self.room -= written;
        self.session.transmitted(self.now, written);
        written
    }
}

/// A text, and after each `+` a binary attachment.
pub(super) fn entry(text: &str) -> Entry {
    let mut parts = text.split('+');
    let head = parts.next().unwrap_or_default();
    let attachments = parts
        .map(|part| Bytes::copy_from_slice(part.as_bytes()))
        .collect();
    Entry::with_attachments(head.into(), attachments)
}

fn text_body(body: &str) -> PostBody {
    PostBody {
        content: PostContent::Text,
        bytes: separated(body).into(),
    }
}

fn separated(body: &str) -> String {
    body.replace('␞', "\u{1e}")
}

fn open_request(
    version: Version,
    transport: Transport,
    config: &Config,
    initial: Option<Data>,
) -> OpenRequest {
    let jsonp = if config.jsonp { "&j=12" } else { "" };
    let query = format!(
        "EIO={version}&transport={}&b64=1{jsonp}",
        transport.as_str()
    );
    let upgrade = match transport {
        Transport::Polling => Upgrade::None,
        Transport::WebSocket => Upgrade::WebSocket,
    };
    let head = RequestHead {
        method: "GET",
        query: &query,
        upgrade,
        origin: None,
        content_type: None,
    };
    match (EngineRequest::parse(&head, config), initial) {
        (Ok(EngineRequest::Open(request)), None) => request,
        (Ok(EngineRequest::Open(request)), Some(data)) => request.with_initial(data),
        (other, _) => panic!("no handshake: {other:?}"),
    }
}
