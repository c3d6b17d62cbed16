//! Clients that lose their connection and come back (SIO5 6.7), in virtual time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use socketio::{
    Binary, Builder, ConflationKey, ConnectRequest, EmitError, EmitOutcome, Event, HandlerError,
    Recovery, RecoveryLimits, Refusal, SendOptions, Server, SlowConsumer, Socket,
    testing::{Client, Cluster},
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::sleep,
};

use crate::client::{self, serve};

fn builder() -> Builder {
    Server::builder().recovery(Recovery::new())
}

fn with_limits(change: impl FnOnce(&mut RecoveryLimits)) -> Server {
    let mut limits = RecoveryLimits::default();
    change(&mut limits);
    let recovery = Recovery::new().limits(limits);
    Server::builder().recovery(recovery).build()
}

/// A socket of the root namespace with what its client needs to come back.
struct Member {
    client: Client,
    sid: String,
    pid: String,
}

impl Member {
    async fn join(server: &Server) -> Self {
        let mut client = Client::open(server).await;
        client.send("0").await;
        let (sid, pid) = ids(&client.next().await.unwrap());
        Self { client, sid, pid }
    }

    /// Loses the connection. What is left is what its client says when it comes back.
    async fn lose(self, offset: Option<&str>) -> Lost {
        let auth = json!({ "pid": self.pid, "offset": offset });
        self.client.close().await;
        Lost {
            sid: self.sid,
            pid: self.pid,
            auth: auth.to_string(),
        }
    }

    async fn expect(&mut self, packet: &str) {
        assert_eq!(self.client.next().await.unwrap(), packet);
    }
}

struct Lost {
    sid: String,
    pid: String,
    auth: String,
}

impl Lost {
    async fn knock(&self, server: &Server) -> Client {
        let mut client = Client::open(server).await;
        client.send(&format!("0{}", self.auth)).await;
        client
    }

    /// Comes back, gets exactly this before it is in, and is who it was.
    async fn recovers(&self, server: &Server, missed: &[&str]) -> Member {
        let mut client = self.knock(server).await;
        for packet in missed {
            assert_eq!(client.next().await.unwrap(), *packet);
        }
        let (sid, pid) = ids(&client.next().await.unwrap());
        assert_eq!((&sid, &pid), (&self.sid, &self.pid));
        Member { client, sid, pid }
    }

    /// Comes back and is somebody new.
    async fn is_forgotten(&self, server: &Server) -> Member {
        let mut client = self.knock(server).await;
        let (sid, pid) = ids(&client.next().await.unwrap());
        assert_ne!(sid, self.sid);
        assert_ne!(pid, self.pid);
        Member { client, sid, pid }
    }
}

fn ids(confirmation: &str) -> (String, String) {
    let payload = confirmation.strip_prefix('0').expect(confirmation);
    let payload: Value = serde_json::from_str(payload).expect(confirmation);
    let id = |key: &str| payload[key].as_str().expect(confirmation).to_owned();
    (id("sid"), id("pid"))
}

/// The sockets that connect, as the application sees them.
fn connected(server: &Server) -> UnboundedReceiver<Socket> {
    let (sender, sockets) = unbounded_channel();
    server.of("/").on_connect(move |socket: Socket| {
        let _ = sender.send(socket);
        async {}
    });
    sockets
}

#[tokio::test(start_paused = true)]
async fn events_carry_an_offset() {
    let server = builder().build();
    let root = server.of("/");
    root.on("echo", |_, event: Event| async move { event.ack(()) });
    let mut sockets = connected(&server);
    let mut member = Member::join(&server).await;
    let socket = sockets.recv().await.unwrap();
    assert!(!socket.recovered());
    socket.emit("one", ()).unwrap();
    root.emit("two", (1, Binary("b".into()))).unwrap();
    member.expect(r#"2["one","@1"]"#).await;
    member
        .expect(r#"51-["two",1,{"_placeholder":true,"num":0},"@2"]"#)
        .await;
    member.expect("bYg==").await;
    // Acks, events that ask, and events that may be dropped have none, nor what clients take for one.
    member.client.send(r#"27["echo"]"#).await;
    member.expect("37[]").await;
    let _ack = socket.emit_with_ack("asks", ());
    member.expect(r#"20["asks"]"#).await;
    let newest = SendOptions::with(SlowConsumer::DropNewest);
    root.all().with(newest).emit("perhaps", (1,)).unwrap();
    root.all().with(newest).emit("perhaps", ("text",)).unwrap();
    socket.with(newest).emit("perhaps", ("text",)).unwrap();
    member.expect(r#"2["perhaps",1]"#).await;
    member.expect(r#"2["perhaps","text",null]"#).await;
    member.expect(r#"2["perhaps","text",null]"#).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_gets_what_it_missed_and_is_who_it_was() {
    let server = builder().build();
    let root = server.namespace("/cars", |request: ConnectRequest| async move {
        Ok::<_, Refusal>(request.id().as_str().to_owned())
    });
    let (sender, mut sockets) = unbounded_channel();
    root.on_connect(move |socket: Socket<String>| {
        if !socket.recovered() {
            socket.join("red").unwrap();
        }
        let _ = sender.send(socket);
        async {}
    });
    let mut client = Client::open(&server).await;
    client.send("0/cars,").await;
    let answer = client.next().await.unwrap();
    let (sid, pid) = ids(&answer.replacen("/cars,", "", 1));
    let old = sockets.recv().await.unwrap();
    root.emit("news", (1,)).unwrap();
    assert_eq!(client.next().await.unwrap(), r#"2/cars,["news",1,"@1"]"#);
    client.close().await;

    root.to("red").emit("news", (2,)).unwrap();
    root.to("blue").emit("news", (3,)).unwrap();
    root.except("red").emit("news", (4,)).unwrap();
    root.to(old.id()).emit("news", (5,)).unwrap();
    assert_eq!(old.emit("news", (6,)).unwrap(), EmitOutcome::Queued);
    let volatile = root.all().volatile().emit("news", (7,)).unwrap();
    assert_eq!(volatile.delivered(), 0);

    let mut client = Client::open(&server).await;
    client
        .send(&format!(r#"0/cars,{{"pid":"{pid}","offset":"@1"}}"#))
        .await;
    for packet in ["2,\"@2", "5,\"@5", "6,\"@6"] {
        let expected = format!(r#"2/cars,["news",{packet}"]"#);
        assert_eq!(client.next().await.unwrap(), expected);
    }
    let answer = client.next().await.unwrap();
    assert_eq!(answer, format!(r#"0/cars,{{"sid":"{sid}","pid":"{pid}"}}"#));
    let new = sockets.recv().await.unwrap();
    assert!(new.recovered());
    assert_eq!(new.id().as_str(), sid);
    assert_eq!(new.state(), old.state());
    assert_eq!(new.rooms(), ["red".into()]);
    root.to("red").emit("live", ()).unwrap();
    assert_eq!(client.next().await.unwrap(), r#"2/cars,["live","@7"]"#);
    // The old handle is of a connection that is over.
    assert!(matches!(old.emit("news", ()), Err(EmitError::Gone)));
}

#[tokio::test(start_paused = true)]
async fn a_client_comes_back_before_its_first_event_and_again() {
    let server = builder().build();
    let lost = Member::join(&server).await.lose(None).await;
    server.of("/").emit("news", (1,)).unwrap();
    // The replay is lost on its way, and the client comes back once more.
    let member = lost.recovers(&server, &[r#"2["news",1,"@1"]"#]).await;
    member.lose(None).await;
    let mut member = lost.recovers(&server, &[r#"2["news",1,"@1"]"#]).await;
    server.of("/").emit("news", (2,)).unwrap();
    member.expect(r#"2["news",2,"@2"]"#).await;
    let lost = member.lose(Some("@2")).await;
    server.of("/").emit("news", (3,)).unwrap();
    lost.recovers(&server, &[r#"2["news",3,"@3"]"#]).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_client_comes_back_although_the_log_has_moved_on() {
    let server = with_limits(|limits| limits.max_packets = 2);
    server.of("/").on("wait", |_, event: Event| async move {
        sleep(Duration::from_secs(event.arg(0)?)).await;
        event.ack(())?;
        Ok::<_, HandlerError>(())
    });
    let mut member = Member::join(&server).await;
    server.of("/").emit("news", (1,)).unwrap();
    member.expect(r#"2["news",1,"@1"]"#).await;
    for number in 0..10 {
        server.of("/").to("others").emit("news", (number,)).unwrap();
    }
    // Long after, its heartbeats answered all the time.
    member.client.send(r#"20["wait",600]"#).await;
    member.expect("30[]").await;
    let lost = member.lose(Some("@1")).await;
    server.of("/").emit("news", (2,)).unwrap();
    lost.recovers(&server, &[r#"2["news",2,"@12"]"#]).await;
}

#[tokio::test(start_paused = true)]
async fn what_may_be_dropped_does_not_come_again() {
    let server = builder().build();
    let mut sockets = connected(&server);
    let mut member = Member::join(&server).await;
    let socket = sockets.recv().await.unwrap();
    socket.emit("kept", (1,)).unwrap();
    let latest = SendOptions::with(SlowConsumer::ConflateBy(ConflationKey::new(1)));
    socket.with(latest).emit("latest", (1,)).unwrap();
    let outcome = socket.with(latest).emit("latest", (2,)).unwrap();
    assert_eq!(outcome, EmitOutcome::Conflated);
    assert_eq!(
        socket.volatile().emit("now", ()).unwrap(),
        EmitOutcome::Dropped
    );
    member.expect(r#"2["kept",1,"@1"]"#).await;
    member.expect(r#"2["latest",2]"#).await;
    // All of it is lost on its way: what was queued or dropped by a policy stays lost.
    let lost = member.lose(None).await;
    lost.recovers(&server, &[r#"2["kept",1,"@1"]"#]).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_for_those_who_left_or_were_sent_away() {
    let server = builder().build();
    let mut sockets = connected(&server);
    let mut member = Member::join(&server).await;
    member.client.send("1").await;
    let lost = member.lose(None).await;
    lost.is_forgotten(&server).await;

    for _ in 0..2 {
        sockets.recv().await.unwrap();
    }
    let mut member = Member::join(&server).await;
    sockets.recv().await.unwrap().disconnect();
    member.expect("1").await;
    member.lose(None).await.is_forgotten(&server).await;

    sockets.recv().await.unwrap();
    let mut member = Member::join(&server).await;
    sockets.recv().await.unwrap().close();
    member.expect("1").await;
    member.lose(None).await.is_forgotten(&server).await;
}

#[tokio::test(start_paused = true)]
async fn a_half_dead_connection_gives_way_and_a_live_one_does_not() {
    let server = builder().build();
    let member = Member::join(&server).await;
    let claim = Lost {
        sid: member.sid.clone(),
        pid: member.pid.clone(),
        auth: json!({ "pid": member.pid }).to_string(),
    };
    claim.is_forgotten(&server).await;
    member.client.vanish();
    sleep(Duration::from_millis(500)).await;
    assert_eq!(server.of("/").emit("news", (1,)).unwrap().queued, 2);
    claim.recovers(&server, &[r#"2["news",1,"@1"]"#]).await;
    let reached = server.of("/").to(claim.sid.as_str()).emit("news", (2,));
    assert_eq!(reached.unwrap().queued, 1);
}

#[tokio::test(start_paused = true)]
async fn time_and_packets_are_bounded() {
    let server = with_limits(|limits| limits.max_packets = 2);
    let lost = Member::join(&server).await.lose(None).await;
    sleep(Duration::from_secs(120)).await;
    lost.is_forgotten(&server).await;

    let lost = Member::join(&server).await.lose(None).await;
    sleep(Duration::from_secs(119)).await;
    let lost = lost.recovers(&server, &[]).await.lose(None).await;
    for number in 0..3 {
        server.of("/").emit("news", (number,)).unwrap();
    }
    lost.is_forgotten(&server).await;
}

#[tokio::test(start_paused = true)]
async fn the_state_of_those_who_stay_away_is_dropped() {
    struct Dropped(Arc<AtomicUsize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&dropped);
    let server = builder().build();
    let pattern = server.dynamic(
        |name| name == "/room",
        move |_| {
            let state = Dropped(Arc::clone(&counter));
            async move { Ok::<_, Refusal>(state) }
        },
    );
    pattern.on_any(|_: Socket<Dropped>, _| async {});
    let mut client = Client::open(&server).await;
    client.send("0/room,").await;
    client.next().await.unwrap();
    client.close().await;
    sleep(Duration::from_secs(119)).await;
    // The namespace of a pattern waits for its clients.
    assert_eq!(dropped.load(Ordering::Relaxed), 0);
    assert!(server.find::<Dropped>("/room").is_some());
    sleep(Duration::from_secs(3)).await;
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    assert!(server.find::<Dropped>("/room").is_none());
}

/// Middleware that lets in who brings no ticket, and how often it was asked.
fn guarded(recovery: Recovery) -> (Server, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let server = Server::builder().recovery(recovery).build();
    server.namespace("/", move |request: ConnectRequest| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move {
            let auth: Value = request.auth().unwrap_or_default();
            if auth.get("banned").is_some() {
                return Err(Refusal::new("banned"));
            }
            Ok(())
        }
    });
    (server, asked)
}

#[tokio::test(start_paused = true)]
async fn middleware_is_skipped_unless_it_is_to_be_asked() {
    let (server, asked) = guarded(Recovery::new());
    let lost = Member::join(&server).await.lose(None).await;
    lost.recovers(&server, &[]).await;
    assert_eq!(asked.load(Ordering::Relaxed), 1);

    let (server, asked) = guarded(Recovery::new().ask_middleware());
    let lost = Member::join(&server).await.lose(None).await;
    let banned = lost.auth.replacen('{', r#"{"banned":true,"#, 1);
    let mut client = Client::open(&server).await;
    client.send(&format!("0{banned}")).await;
    assert_eq!(client.next().await.unwrap(), r#"4{"message":"banned"}"#);
    // A refusal costs nothing: the socket is still waited for.
    lost.recovers(&server, &[]).await;
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn an_old_client_in_the_same_namespace_sees_no_offset() {
    let server = builder().build();
    let address = serve(&server).await;
    let mut old = client::Client::v4(address).await;
    let mut member = Member::join(&server).await;
    server.of("/").emit("news", (1,)).unwrap();
    old.expect(r#"42["news",1]"#).await;
    member.expect(r#"2["news",1,"@1"]"#).await;
}

#[tokio::test(start_paused = true)]
async fn a_replay_is_paced_by_what_the_client_takes() {
    let mut engine = engineio::Config::default();
    engine.protocol.limits.max_queued_bytes = 300_000;
    engine.protocol.limits.max_poll_payload = 50_000;
    let server = builder().engine(engine).build();
    let lost = Member::join(&server).await.lose(None).await;
    let text = "x".repeat(10_000);
    for _ in 0..100 {
        server.of("/").emit("news", (&text,)).unwrap();
    }
    let mut client = lost.knock(&server).await;
    for offset in 1..=50 {
        let packet = client.next().await.unwrap();
        assert!(packet.ends_with(&format!(r#","@{offset}"]"#)), "{offset}");
    }
    // What is sent meanwhile has its place behind.
    server.of("/").emit("news", ("last",)).unwrap();
    for offset in 51..=101 {
        let packet = client.next().await.unwrap();
        assert!(packet.ends_with(&format!(r#","@{offset}"]"#)), "{offset}");
    }
    assert_eq!(ids(&client.next().await.unwrap()), (lost.sid, lost.pid));
}

#[tokio::test(start_paused = true)]
async fn a_replay_that_the_log_outruns_ends_the_session() {
    let mut limits = RecoveryLimits::default();
    limits.max_packets = 100;
    let mut engine = engineio::Config::default();
    engine.protocol.limits.max_poll_payload = 50_000;
    let recovery = Recovery::new().limits(limits);
    let server = Server::builder().recovery(recovery).engine(engine).build();
    let lost = Member::join(&server).await.lose(None).await;
    let text = "x".repeat(10_000);
    for _ in 0..100 {
        server.of("/").emit("news", (&text,)).unwrap();
    }
    let mut client = lost.knock(&server).await;
    client.next().await.unwrap();
    for _ in 0..100 {
        server.of("/").emit("news", (1,)).unwrap();
    }
    while let Some(packet) = client.next().await {
        assert!(packet.starts_with(r#"2["news","x"#), "{packet}");
    }
    lost.is_forgotten(&server).await;
}

#[tokio::test(start_paused = true)]
async fn who_goes_amid_the_replay_can_come_again() {
    let mut engine = engineio::Config::default();
    engine.protocol.limits.max_poll_payload = 50_000;
    let server = builder().engine(engine).build();
    let lost = Member::join(&server).await.lose(None).await;
    let text = "x".repeat(10_000);
    for _ in 0..100 {
        server.of("/").emit("news", (&text,)).unwrap();
    }
    let mut client = lost.knock(&server).await;
    for _ in 0..50 {
        client.next().await.unwrap();
    }
    client.close().await;
    let again = Lost {
        auth: json!({ "pid": lost.pid, "offset": "@50" }).to_string(),
        ..lost
    };
    let mut client = again.knock(&server).await;
    for offset in 51..=100 {
        let packet = client.next().await.unwrap();
        assert!(packet.ends_with(&format!(r#","@{offset}"]"#)), "{offset}");
    }
    assert_eq!(ids(&client.next().await.unwrap()), (again.sid, again.pid));
}

#[tokio::test(start_paused = true)]
async fn events_of_other_servers_are_replayed() {
    let cluster = Cluster::new();
    let home = builder().adapter(cluster.adapter()).build();
    let other = builder().adapter(cluster.adapter()).build();
    let lost = Member::join(&home).await.lose(None).await;
    other
        .of("/")
        .to(lost.sid.as_str())
        .emit("news", (1,))
        .unwrap();
    lost.recovers(&home, &[r#"2["news",1,"@1"]"#]).await;
}

#[tokio::test]
async fn a_websocket_that_breaks_off_is_recovered() {
    let server = builder().build();
    let (sender, mut left) = unbounded_channel();
    server.of("/").on_disconnect(move |_: Socket, reason| {
        let _ = sender.send(reason.to_string());
        async {}
    });
    server
        .of("/")
        .on("join", |socket: Socket, event: Event| async move {
            socket.join(event.arg::<String>(0)?)?;
            event.ack(())?;
            Ok::<_, HandlerError>(())
        });
    let address = serve(&server).await;
    let mut client = client::Client::v5(address).await;
    client.send("40").await;
    let answer = client.text().await;
    let (_, pid) = ids(&answer[1..]);
    client.send(r#"420["join","red"]"#).await;
    client.expect("430[]").await;
    drop(client);
    assert_eq!(left.recv().await.unwrap(), "transport close");
    let news = ("°", Binary("b".into()));
    server.of("/").to("red").emit("news", news).unwrap();

    let mut client = client::Client::v5(address).await;
    client.send(&format!(r#"40{{"pid":"{pid}"}}"#)).await;
    let expected = r#"451-["news","°",{"_placeholder":true,"num":0},"@1"]"#;
    client.expect(expected).await;
    client.expect_binary(b"b").await;
    client.expect(&answer).await;
    server.of("/").to("red").emit("news", (2,)).unwrap();
    client.expect(r#"42["news",2,"@2"]"#).await;
}

/// A client that loses its connection after every few events.
#[derive(Default)]
struct Unsteady {
    offset: Option<String>,
    heard: Vec<(u64, u64)>,
}

impl Unsteady {
    async fn run(mut self, server: Server, mut member: Member, patience: usize) -> Vec<(u64, u64)> {
        loop {
            for _ in 0..patience {
                let packet = member.client.next().await.unwrap();
                if self.takes(&packet) == "last" {
                    return self.heard;
                }
            }
            let lost = member.lose(self.offset.as_deref()).await;
            let mut client = lost.knock(&server).await;
            let confirmation = loop {
                let packet = client.next().await.unwrap();
                if packet.starts_with('0') {
                    break packet;
                }
                if self.takes(&packet) == "last" {
                    return self.heard;
                }
            };
            let (sid, pid) = ids(&confirmation);
            assert_eq!((&sid, &pid), (&lost.sid, &lost.pid));
            member = Member { client, sid, pid };
        }
    }

    fn takes(&mut self, packet: &str) -> String {
        let event = serde_json::from_str(&packet[1..]).expect(packet);
        let (name, speaker, number, offset): (String, u64, u64, String) = event;
        self.offset = Some(offset);
        self.heard.push((speaker, number));
        name
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_missed_and_nothing_comes_twice_while_many_speak() {
    const NUMBERS: u64 = 500;
    let server = builder().build();
    let mut clients = Vec::new();
    for patience in [1, 3, 7, 20] {
        let member = Member::join(&server).await;
        let unsteady = Unsteady::default().run(server.clone(), member, patience);
        clients.push(tokio::spawn(unsteady));
    }
    let speakers = (0..3).map(|speaker| {
        let root = server.of("/");
        tokio::spawn(async move {
            for number in 0..NUMBERS {
                root.emit("news", (speaker, number)).unwrap();
                tokio::task::yield_now().await;
            }
        })
    });
    for speaker in speakers.collect::<Vec<_>>() {
        speaker.await.unwrap();
    }
    server.of("/").emit("last", (3, 0)).unwrap();
    for client in clients {
        let heard = client.await.unwrap();
        for speaker in 0..3 {
            let numbers = heard.iter().filter(|(from, _)| *from == speaker);
            let numbers: Vec<u64> = numbers.map(|(_, number)| *number).collect();
            assert_eq!(numbers, (0..NUMBERS).collect::<Vec<_>>());
        }
    }
}
