//! Sessions that end in every way there is leave nothing: no session, no task, no descriptor, no
//! memory. A binary of its own, as it counts what the whole process has.
//!
//! `ENGINEIO_SESSIONS` sets how many there are.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

#[path = "it/peer.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod peer;

use std::{collections::BTreeMap, fs, net::SocketAddr, time::Duration};

use engineio::{
    Application, Config, EngineService, Receiver, SessionHandle,
    proto::{CloseReason, Data, SendOptions},
};
use futures_util::SinkExt;
use peer::{HANDSHAKE, Http, Socket, polling, sid_of};
use tokio::{net::TcpListener, runtime::Handle, task::JoinSet};
use tokio_tungstenite::tungstenite::Message;

/// Ends a session that says `end`, answers everything else.
struct Host;

struct Guest(SessionHandle);

impl Application for Host {
    fn open(&self, session: SessionHandle) -> Box<dyn Receiver> {
        Box::new(Guest(session))
    }
}

impl Receiver for Guest {
    fn message(&mut self, data: Data) {
        if data == Data::Text("end".into()) {
            return self.0.close(CloseReason::ForcedClose);
        }
        let _ = self.0.send(data, SendOptions::default());
    }

    fn closed(&mut self, _: CloseReason) {}
}

/// The ways of a session's life to its end.
#[derive(Debug, Clone, Copy)]
enum Way {
    ClosePacketByPost,
    ClosePacketByWebSocket,
    CloseFrame,
    ClosedByServer,
    ResetOfWebSocket,
    ResetOfPoll,
    ResetOfUpload,
    Timeout,
    TimeoutOfWebSocket,
    Overlap,
    RefusedUpgrade,
    AbandonedProbe,
    BadPayload,
}

impl Way {
    const ALL: [Self; 13] = [
        Self::ClosePacketByPost,
        Self::ClosePacketByWebSocket,
        Self::CloseFrame,
        Self::ClosedByServer,
        Self::ResetOfWebSocket,
        Self::ResetOfPoll,
        Self::ResetOfUpload,
        Self::Timeout,
        Self::TimeoutOfWebSocket,
        Self::Overlap,
        Self::RefusedUpgrade,
        Self::AbandonedProbe,
        Self::BadPayload,
    ];

    async fn go(self, address: SocketAddr) {
        match self {
            Self::ClosePacketByWebSocket => websocket(address).await.send("1").await,
            Self::CloseFrame => {
                let mut socket = websocket(address).await;
                socket.0.send(Message::Close(None)).await.unwrap();
                assert!(socket.next().await.is_close());
            }
            Self::ClosedByServer => {
                let mut socket = websocket(address).await;
                socket.send("4end").await;
                assert!(socket.next().await.is_close());
            }
            Self::ResetOfWebSocket => websocket(address).await.reset(),
            Self::TimeoutOfWebSocket => {
                let mut socket = websocket(address).await;
                while !socket.next().await.is_close() {}
            }
            polled => polled.go_polling(address).await,
        }
    }

    async fn go_polling(self, address: SocketAddr) {
        let mut http = Http::connect(address).await;
        let opened = http.request("GET", HANDSHAKE, "").await;
        let sid = sid_of(&opened.body);
        let target = polling(&sid);
        match self {
            Self::ResetOfPoll => {
                http.send("GET", &target, "", "").await;
                http.reset();
            }
            Self::ResetOfUpload => {
                let unfinished = "Content-Type: text/plain\r\nTransfer-Encoding: chunked";
                http.send_head("POST", &target, unfinished).await;
                http.reset();
            }
            Self::Overlap => {
                let mut other = Http::connect(address).await;
                http.send("GET", &target, "", "").await;
                other.send("GET", &target, "", "").await;
                let statuses = [http.answer().await.status, other.answer().await.status];
                assert!(statuses.contains(&400), "{statuses:?}");
            }
            Self::RefusedUpgrade => {
                let upgrade = format!("/engine.io/?EIO=4&transport=websocket&sid={sid}");
                let headers = "Connection: Upgrade\r\nUpgrade: websocket\r\n\
                    Sec-WebSocket-Version: 12\r\n";
                http.send("GET", &upgrade, headers, "").await;
                assert_eq!(http.answer().await.status, 426);
            }
            Self::AbandonedProbe => {
                let mut socket = Socket::connect(address, &format!("&sid={sid}")).await;
                socket.send("2probe").await;
                assert_eq!(socket.text().await, "3probe");
            }
            Self::BadPayload => {
                assert_eq!(http.request("POST", &target, "?").await.status, 400);
            }
            Self::ClosePacketByPost => {
                assert_eq!(http.request("POST", &target, "1").await.body, "ok");
            }
            // The server notices by itself.
            _ => {}
        }
    }
}

async fn websocket(address: SocketAddr) -> Socket {
    let mut socket = Socket::connect(address, "").await;
    assert!(socket.text().await.starts_with("0{"));
    socket
}

/// What the process has at one moment.
#[derive(Debug, Clone, Copy)]
struct Kept {
    sessions: usize,
    tasks: usize,
    descriptors: usize,
    resident: usize,
}

impl Kept {
    fn now(service: &EngineService) -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let mut lines = status.lines();
        let resident = lines.find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kilobytes: usize = resident.trim_end_matches("kB").trim().parse().unwrap();
        Self {
            sessions: service.sessions(),
            tasks: Handle::current().metrics().num_alive_tasks(),
            descriptors: fs::read_dir("/proc/self/fd").unwrap().count(),
            resident: kilobytes * 1024,
        }
    }

    /// Waits until everything but memory is as it was, which takes a heartbeat at most.
    async fn again(self, service: &EngineService) -> Self {
        for _ in 0..100 {
            let now = Self::now(service);
            if (now.sessions, now.tasks, now.descriptors)
                == (self.sessions, self.tasks, self.descriptors)
            {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{:?}, but before {self:?}", Self::now(service));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_end_in_every_way_leave_nothing() {
    let sessions = std::env::var("ENGINEIO_SESSIONS");
    let sessions = sessions.map_or(SESSIONS, |sessions| sessions.parse().unwrap());
    let mut config = Config::default();
    config.protocol.ping_interval = Duration::from_millis(500);
    config.protocol.ping_timeout = Duration::from_millis(500);
    let service = EngineService::new(config, Host);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = service.clone();
    tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });

    tokio::task::yield_now().await;
    websocket(address).await;
    let start = settled(&service).await;
    end_sessions(address, sessions / 4).await;
    let warm = start.again(&service).await;
    end_sessions(address, sessions).await;
    let end = start.again(&service).await;

    let most = warm.resident + warm.resident / 10 + 8 * 1024 * 1024;
    assert!(
        end.resident <= most,
        "{end:?}, but after the warm-up {warm:?}"
    );
    let stats = service.stats();
    assert_eq!(stats.opened, stats.closed.values().sum::<u64>());
    assert!(stats.sessions.iter().all(|kind| kind.count == 0));
    for reason in [
        CloseReason::TransportClose,
        CloseReason::TransportError,
        CloseReason::PingTimeout,
        CloseReason::ParseError,
        CloseReason::ForcedClose,
    ] {
        assert!(
            stats.closed.contains_key(reason.name()),
            "{:?}",
            stats.closed
        );
    }
}

/// The first session has started the server's own tasks and is gone.
async fn settled(service: &EngineService) -> Kept {
    while service.stats().closed.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut seen = BTreeMap::<_, usize>::new();
    loop {
        let now = Kept::now(service);
        let times = seen
            .entry((now.sessions, now.tasks, now.descriptors))
            .or_default();
        *times += 1;
        if *times == 10 {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn end_sessions(address: SocketAddr, count: usize) {
    let mut running = JoinSet::new();
    for way in Way::ALL.into_iter().cycle().take(count) {
        if running.len() == AT_ONCE {
            running.join_next().await.unwrap().unwrap();
        }
        running.spawn(way.go(address));
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

const SESSIONS: usize = 20_000;
const AT_ONCE: usize = 100;
