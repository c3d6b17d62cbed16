//! What is kept of those who are away: for whom, for how long, and who may come back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use socketio::{
    ConnectRequest, Recovery, RecoveryLimits, Refusal, Server, Socket, testing::Client,
};
use tokio::time::sleep;

use super::{Member, builder, connected, ids, with_limits};

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
async fn a_namespace_that_nobody_has_entered_keeps_nothing() {
    let server = with_limits(|limits| limits.max_total_bytes = 40_000);
    let lost = Member::join(&server).await.lose(None).await;
    let text = "x".repeat(25_000);
    server.of("/").emit("news", (&text,)).unwrap();
    let others = "x".repeat(18_000);
    server.of("/nobody").emit("news", (others,)).unwrap();
    let missed = format!(r#"2["news","{text}","@1"]"#);
    lost.recovers(&server, &[&missed]).await;
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

/// A namespace for each name, whose sockets have a state of so many bytes at least.
fn cells<const BYTES: usize>(change: impl FnOnce(&mut RecoveryLimits)) -> Server {
    let server = with_limits(change);
    server.dynamic(
        |name| name.starts_with("/cell-"),
        |_| async { Ok::<_, Refusal>([0_u8; BYTES]) },
    );
    server
}

async fn join(server: &Server, namespace: &str, auth: &str) -> (Client, (String, String)) {
    let mut client = Client::open(server).await;
    client.send(&format!("0{namespace},{auth}")).await;
    let answer = client.next().await.unwrap();
    (
        client,
        ids(&answer.replacen(&format!("{namespace},"), "", 1)),
    )
}

/// Which of these are recovered, each of which has been a member and is lost before the next joins.
async fn recovered(server: &Server, namespaces: &[&str]) -> Vec<bool> {
    let mut lost = Vec::new();
    for namespace in namespaces {
        let (client, was) = join(server, namespace, "").await;
        client.close().await;
        lost.push((namespace, was));
    }
    let mut recovered = Vec::new();
    for (namespace, was) in lost {
        let auth = json!({ "pid": was.1 }).to_string();
        let (_, is) = join(server, namespace, &auth).await;
        recovered.push(is == was);
    }
    recovered
}

#[tokio::test(start_paused = true)]
async fn names_that_clients_choose_do_not_multiply_what_is_kept() {
    let names = ["/cell-1", "/cell-2", "/cell-3"];
    let server = cells::<0>(|limits| limits.max_total_sockets = 2);
    assert_eq!(recovered(&server, &names).await, [true, true, false]);
    let server = cells::<10_000>(|limits| limits.max_total_bytes = 25_000);
    assert_eq!(recovered(&server, &names).await, [true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn the_state_of_those_who_are_away_is_bounded() {
    let server = cells::<10_000>(|limits| limits.max_socket_bytes = 25_000);
    let names = ["/cell-1", "/cell-1", "/cell-1"];
    assert_eq!(recovered(&server, &names).await, [false, true, true]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_where_nobody_is_here_or_away() {
    let server = cells::<0>(|_| ());
    let (mut client, _) = join(&server, "/cell-1", "").await;
    let cell = server.find::<[u8; 0]>("/cell-1").unwrap();
    cell.emit("news", (1,)).unwrap();
    client.send("1/cell-1,").await;
    client.close().await;
    cell.emit("news", (2,)).unwrap();
    drop(cell);
    // What is kept keeps the namespace.
    sleep(Duration::from_secs(2)).await;
    assert!(server.find::<[u8; 0]>("/cell-1").is_none());
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
