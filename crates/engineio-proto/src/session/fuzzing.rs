//! The body of the session's fuzz target: any sequence of inputs, with what must hold after each.
//!
//! The property tests run the same body. Owns the driver of that run; what the client has seen is
//! judged in `client`.

mod client;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;

use self::client::{Client, Kind};
use super::{
    CloseReason, ConflationKey, Event, Frame, Output, PollId, PostBody, PostTicket, SendOptions,
    SendOutcome, Session, SlowConsumer, WebSocketId,
};
use crate::{
    BinaryFrames, Config, EngineRequest, OpenRequest, PostContent, RequestHead, Sid, Transport,
    Upgrade, Version,
};

/// Runs one session. The first byte chooses how it begins; every other pair is an input and its
/// argument.
///
/// # Panics
///
/// If an output follows `Closed`, a message that was queued never to be dropped is lost, doubled
/// or reordered, attachments leave their message, a poll stays unanswered, the queue outgrows its
/// bounds, or a deadline stays in the past.
pub fn session(data: &[u8]) {
    let Some((first, inputs)) = data.split_first() else {
        return;
    };
    let version = if first & 1 == 0 {
        Version::V4
    } else {
        Version::V3
    };
    let transport = if first & 2 == 0 {
        Transport::Polling
    } else {
        Transport::WebSocket
    };
    let mut run = Run::start(version, transport);
    for pair in inputs.chunks_exact(2) {
        run.input(pair[0], pair[1]);
    }
    run.finish();
}

struct Run {
    session: Session,
    version: Version,
    now: Instant,
    next_id: u64,
    unanswered: BTreeSet<PollId>,
    /// The poll that the client waits for.
    poll: Option<PollId>,
    post: Option<PostTicket>,
    sockets: Vec<WebSocketId>,
    /// What arrived on each WebSocket and is no whole frame yet.
    arriving: BTreeMap<WebSocketId, Vec<u8>>,
    room: usize,
    client: Client,
    is_closing: bool,
    has_ended: bool,
}

impl Run {
    fn start(version: Version, transport: Transport) -> Self {
        let now = any_instant();
        let config = tight_config();
        let request = handshake(version, transport, &config);
        let session = Session::open(now, &request, Sid::from_random([0; 15]), Arc::new(config));
        let mut run = Self {
            session,
            version,
            now,
            next_id: 0,
            unanswered: BTreeSet::new(),
            poll: None,
            post: None,
            sockets: Vec::new(),
            arriving: BTreeMap::new(),
            room: usize::MAX,
            client: Client::new(version, request.encoding().clone()),
            is_closing: false,
            has_ended: false,
        };
        match transport {
            Transport::Polling => run.get(),
            Transport::WebSocket => run.connect(),
        }
        run
    }

    fn input(&mut self, input: u8, argument: u8) {
        match input % 26 {
            0..=2 if self.poll.is_none() => self.get(),
            3 => self.get(),
            4 => self.drop_poll(argument),
            5 | 6 => self.post(argument),
            7 => self.start_post(),
            8 => self.drop_post(),
            9 => self.connect(),
            10 | 11 => self.frame(argument),
            12 => self.drop_websocket(argument),
            13..=17 => self.send(argument),
            18 => self.advance(argument),
            19 => self.now += Duration::from_millis(u64::from(argument) * 20),
            20 => self.session.handle_timeout(self.now),
            21 => self.room = usize::from(argument) / 4,
            22 => self.room = usize::MAX,
            23 => self.end(argument),
            24 => self.session.pause(self.now),
            25 => self.session.resume(self.now),
            _ => {}
        }
        self.settle();
        self.check_bounds();
    }

    fn get(&mut self) {
        let id = PollId::new(self.fresh_id());
        if self.session.handle_poll(self.now, id).is_ok() {
            self.unanswered.insert(id);
            self.poll = Some(id);
        }
        self.settle();
    }

    /// Mostly a poll that was answered long ago, or no session would live.
    fn drop_poll(&mut self, argument: u8) {
        let id = match self.poll {
            Some(parked) if argument < 16 => parked,
            _ => PollId::new(u64::from(argument)),
        };
        self.unanswered.remove(&id);
        self.poll.take_if(|parked| *parked == id);
        self.session.handle_poll_closed(self.now, id);
    }

    fn post(&mut self, argument: u8) {
        if self.post.is_none() {
            self.start_post();
        }
        let Some(ticket) = self.post.take() else {
            return;
        };
        let content = match argument {
            250.. => PostContent::OctetStream,
            _ => PostContent::Text,
        };
        let text = client_text(argument);
        let body = match self.version {
            Version::V4 => text.to_owned(),
            Version::V3 => format!("{}:{text}", text.len()),
        };
        let body = PostBody {
            content,
            bytes: body.into(),
        };
        // Refusals are inputs like any other here.
        let _ = self.session.handle_post(self.now, ticket, body);
    }

    fn start_post(&mut self) {
        if let Ok(ticket) = self.session.handle_post_start(self.now) {
            self.post = Some(ticket);
        }
    }

    fn drop_post(&mut self) {
        if let Some(ticket) = self.post.take() {
            self.session.handle_post_closed(self.now, ticket);
        }
    }

    fn connect(&mut self) {
        let id = WebSocketId::new(self.fresh_id());
        if self
            .session
            .handle_websocket(self.now, id, BinaryFrames::Bytes)
            .is_ok()
        {
            self.sockets.push(id);
        }
        self.settle();
    }

    /// A frame on one of the WebSockets, mostly the last one.
    fn frame(&mut self, argument: u8) {
        let socket = match argument {
            240.. => self.sockets.first(),
            _ => self.sockets.last(),
        };
        let Some(id) = socket.copied() else { return };
        let frame = match argument {
            230.. => Frame::Binary(Bytes::from_static(&[4, 1])),
            _ => Frame::Text(client_text(argument).into()),
        };
        self.session.handle_frame(self.now, id, frame);
    }

    fn drop_websocket(&mut self, argument: u8) {
        let index = usize::from(argument) / 8;
        if index < self.sockets.len() {
            let id = self.sockets.remove(index);
            self.session.handle_websocket_closed(self.now, id);
        }
    }

    fn send(&mut self, argument: u8) {
        let (kind, policy) = match argument % 8 {
            0..=1 => (Kind::Kept, SlowConsumer::Disconnect),
            2..=4 => (Kind::Lossy, SlowConsumer::DropOldest),
            5 => (Kind::Lossy, SlowConsumer::DropNewest),
            6 => (Kind::Lossy, SlowConsumer::Volatile),
            _ => (Kind::Keyed, SlowConsumer::ConflateBy(ConflationKey::new(1))),
        };
        let entry = self.client.next_entry(kind);
        match self
            .session
            .send(self.now, entry, SendOptions::with(policy))
        {
            Ok(SendOutcome::Queued | SendOutcome::Conflated) => self.client.expect(kind),
            Ok(SendOutcome::Dropped) => assert!(kind == Kind::Lossy, "{policy:?} dropped"),
            Err(_) => {}
        }
    }

    fn advance(&mut self, argument: u8) {
        let end = self.now + Duration::from_millis(u64::from(argument) * 4);
        while let Some(deadline) = self
            .session
            .poll_timeout()
            .filter(|deadline| *deadline <= end)
        {
            self.now = self.now.max(deadline);
            self.session.handle_timeout(self.now);
            let next = self.session.poll_timeout();
            assert!(
                next.is_none_or(|next| next > self.now),
                "the deadline stays"
            );
            self.settle();
        }
        self.now = end;
    }

    fn end(&mut self, argument: u8) {
        match argument {
            0..32 => {
                self.is_closing = true;
                self.session.close(self.now, CloseReason::ForcedClose);
            }
            32..40 => self
                .session
                .abort(self.now, CloseReason::ServerShuttingDown),
            _ => {}
        }
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
        assert!(!self.has_ended, "{output:?} after Closed");
        match output {
            Output::PollReply { id, payload } => {
                self.poll.take_if(|poll| *poll == id);
                assert!(self.unanswered.remove(&id), "{id:?} answered twice");
                self.client.take_payload(payload);
            }
            Output::CloseWebSocket { .. } | Output::Event(Event::Message(_) | Event::Upgraded) => {}
            Output::Event(Event::Closed(_)) => self.has_ended = true,
        }
    }

    fn write(&mut self) -> usize {
        let Some(transmit) = self.session.poll_transmit(self.room) else {
            return 0;
        };
        let id = transmit.id();
        let arriving = self.arriving.entry(id).or_default();
        let before = arriving.len();
        if let Some(only) = transmit.only() {
            assert!(transmit.slices().eq([only]));
        }
        transmit
            .slices()
            .for_each(|slice| arriving.extend_from_slice(slice));
        let written = arriving.len() - before;
        self.room -= written;
        self.session.transmitted(self.now, written);
        self.client.take_frames(arriving);
        written
    }

    fn check_bounds(&self) {
        let limits = tight_config().limits;
        let (bytes, packets) = (self.session.queued_bytes(), self.session.queued_packets());
        let within = bytes <= limits.max_queued_bytes && packets <= limits.max_queued_packets;
        // One entry may be larger than the whole queue; none here has more packets than this.
        assert!(
            within || packets <= client::MOST_PACKETS,
            "{packets} packets, {bytes} bytes"
        );
        if self.has_ended {
            assert!(self.session.is_closed());
            assert_eq!((self.session.poll_timeout(), bytes), (None, 0));
        }
    }

    /// A client that takes everything gets everything; then nothing may stay open.
    fn finish(mut self) {
        self.room = usize::MAX;
        self.settle();
        for _ in 0..MOST_POLLS {
            match self.session.transport() {
                Transport::Polling if self.poll.is_none() && !self.has_ended => self.get(),
                _ => break,
            }
        }
        if !self.has_ended {
            assert!(
                !self.is_closing,
                "a client that takes everything sees the end"
            );
            self.client.check_complete();
        }
        self.session
            .abort(self.now, CloseReason::ServerShuttingDown);
        self.settle();
        assert!(self.has_ended && self.session.is_closed());
        assert_eq!(self.unanswered, BTreeSet::new(), "unanswered");
    }

    fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

/// Where virtual time starts.
#[expect(
    clippy::disallowed_methods,
    reason = "nothing else makes an instant; it is read once"
)]
pub(crate) fn any_instant() -> Instant {
    Instant::now()
}

/// What the client says, harmless more often than not.
fn client_text(argument: u8) -> &'static str {
    const TEXTS: [&str; 16] = [
        "4a", "3", "2probe", "5", "4b", "3", "2probe", "5", "4c", "0", "6", "2", "52", "1", "x", "",
    ];
    TEXTS[usize::from(argument % 16)]
}

/// Bounds that short runs reach.
fn tight_config() -> Config {
    let mut config = Config {
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_millis(200),
        ..Config::default()
    };
    config.limits.upgrade_timeout = Duration::from_millis(1000);
    config.limits.max_queued_bytes = 200;
    config.limits.max_queued_packets = 12;
    config.limits.max_poll_payload = 40;
    config.limits.blocked_write = Duration::from_millis(400);
    config.limits.close_timeout = Duration::from_millis(500);
    config
}

fn handshake(version: Version, transport: Transport, config: &Config) -> OpenRequest {
    let upgrade = match transport {
        Transport::Polling => Upgrade::None,
        Transport::WebSocket => Upgrade::WebSocket,
    };
    let query = format!("EIO={version}&transport={}&b64=1", transport.as_str());
    let head = RequestHead {
        method: "GET",
        query: &query,
        upgrade,
        origin: None,
        content_type: None,
    };
    match EngineRequest::parse(&head, config) {
        Ok(EngineRequest::Open(request)) => request,
        other => panic!("no handshake: {other:?}"),
    }
}

/// More polls than the queue has packets.
const MOST_POLLS: usize = 20;
