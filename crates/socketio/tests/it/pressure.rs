//! Clients and handlers that do not keep up.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use socketio::{
    ConflationKey, DisconnectReason, EmitError, EmitOutcome, Event, HandlerError, InboxLimits,
    SendOptions, Server, SlowConsumer, Socket, engineio::proto::CloseReason,
};
use tokio::{
    sync::{Semaphore, mpsc},
    time::timeout,
};

use crate::client::{Client, answer_silence, serve};

const CAP: usize = 64 * 1024;

#[tokio::test(start_paused = true)]
async fn a_full_inbox_stops_reading_until_there_is_room() {
    let limits = InboxLimits {
        events: 8,
        bytes: 1024,
    };
    let server = Server::builder().inbox(limits).build();
    let permits = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&permits);
    server
        .of("/")
        .on("work", move |socket: Socket, event: Event| {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.expect("open").forget();
                socket.emit("done", event.args().clone())
            }
        });
    server
        .of("/other")
        .on("ping me", |_, event: Event| async move { event.ack(()) });
    let mut client = Client::in_memory(&server).await;
    client.join("/other,").await;
    for number in 0..100 {
        client.send(&format!(r#"42["work",{number}]"#)).await;
    }
    client.send(r#"42/other,1["ping me"]"#).await;
    // The clock moves on only when nobody has anything left to do.
    let unread = timeout(Duration::from_secs(1), client.text()).await;
    assert!(unread.is_err(), "{unread:?} was read behind a full inbox");
    assert_eq!(server.stats().refused["inbox_full"], 1);
    permits.add_permits(92);
    for number in 0..92 {
        client.expect(&format!(r#"42["done",{number}]"#)).await;
    }
    // There is room again: what stood behind is read while the rest still waits.
    client.expect("43/other,1[]").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_events_are_handled_in_order() {
    let server = Server::new();
    let next = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&next);
    server.of("/").on("number", move |_, event: Event| {
        let next = Arc::clone(&next);
        async move {
            let number: u32 = event.arg(0)?;
            // Some handlers wait and some do not; what overtakes would be seen.
            if number.is_multiple_of(3) {
                tokio::task::yield_now().await;
            }
            assert_eq!(next.fetch_add(1, Ordering::Relaxed), number);
            Ok::<_, HandlerError>(())
        }
    });
    answer_silence(&server);
    let mut client = Client::joined(serve(&server).await).await;
    for number in 0..20_000 {
        client.send(&format!(r#"42["number",{number}]"#)).await;
    }
    client.expect_silence().await;
    assert_eq!(seen.load(Ordering::Relaxed), 20_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_emits_in_a_loop_arrive() {
    let server = Server::new();
    server.of("/").on("go", |socket: Socket, _| async move {
        for number in 0..5_000 {
            assert_eq!(socket.emit("item", (number,))?, EmitOutcome::Queued);
        }
        Ok::<_, HandlerError>(())
    });
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"42["go"]"#).await;
    for number in 0..5_000 {
        client.expect(&format!(r#"42["item",{number}]"#)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_stops_reading_costs_its_cap_and_ends_with_its_own_reason() {
    let server = thrifty();
    let (sender, mut left) = mpsc::unbounded_channel();
    server.of("/").on_disconnect(move |_: Socket, reason| {
        let _ = sender.send(reason);
        async {}
    });
    let _client = Client::joined(serve(&server).await).await;
    let socket = server.of("/").sockets().remove(0);
    let text = "x".repeat(1000);
    // What the operating system takes is not ours to bound.
    let refused = loop {
        match socket.emit("item", (&text,)) {
            Ok(outcome) => assert_eq!(outcome, EmitOutcome::Queued),
            Err(error) => break error,
        }
        assert!(socket.queued_bytes() <= CAP);
        tokio::task::yield_now().await;
    };
    assert!(matches!(refused, EmitError::QueueFull));
    let reason = DisconnectReason::Session(CloseReason::SlowConsumer);
    assert_eq!(left.recv().await, Some(reason));
    assert_eq!(server.stats().left, [("slow_consumer", 1)].into());
    assert!(matches!(socket.emit("late", ()), Err(EmitError::Gone)));
}

#[tokio::test]
async fn an_emit_says_when_it_took_the_place_of_another() {
    let server = Server::new();
    server.of("/").on("go", |socket: Socket, _| async move {
        let latest = SendOptions::with(SlowConsumer::ConflateBy(ConflationKey::new(1)));
        // Nothing goes out before the handler has ended.
        let outcomes = [1, 2, 3].map(|number| socket.with(latest).emit("value", (number,)));
        let outcomes: Result<Vec<_>, _> = outcomes.into_iter().collect();
        socket.emit("done", (format!("{:?}", outcomes?),))
    });
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"42["go"]"#).await;
    client.expect(r#"42["value",3]"#).await;
    client
        .expect(r#"42["done","[Queued, Conflated, Conflated]"]"#)
        .await;
}

#[tokio::test]
async fn of_two_volatile_emits_at_once_the_second_is_dropped() {
    let server = Server::new();
    server.of("/").on("go", |socket: Socket, _| async move {
        let first = socket.volatile().emit("first", ())?;
        let second = socket.volatile().emit("second", ())?;
        assert_eq!((first, second), (EmitOutcome::Queued, EmitOutcome::Dropped));
        socket.emit("third", ())
    });
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"42["go"]"#).await;
    client.expect(r#"42["first"]"#).await;
    client.expect(r#"42["third"]"#).await;
}

#[tokio::test]
async fn nobody_waits_for_the_answer_to_a_dropped_event() {
    let server = Server::new();
    server.of("/").on("go", |socket: Socket, _| async move {
        let all = socket.namespace().all().volatile();
        let asked = all.clone().emit_with_acks("first", ())?.expected();
        let dropped = all.emit_with_acks("second", ())?.expected();
        socket.emit("asked", (asked, dropped))
    });
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"42["go"]"#).await;
    client.expect(r#"420["first"]"#).await;
    client.expect(r#"42["asked",1,0]"#).await;
}

#[tokio::test]
async fn emit_wait_goes_on_when_there_is_room() {
    let server = Server::new();
    server.of("/").on("flood", |socket: Socket, _| async move {
        let text = "x".repeat(100_000);
        for number in 0..100 {
            socket.emit_wait("item", (number, &text)).await?;
        }
        Ok::<_, HandlerError>(())
    });
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"42["flood"]"#).await;
    for number in 0..100 {
        let item = client.text().await;
        assert!(item.starts_with(&format!(r#"42["item",{number},"#)));
    }
}

/// A server whose clients cost 64 KiB at most.
fn thrifty() -> Server {
    let mut engine = engineio::Config::default();
    engine.protocol.limits.max_queued_bytes = CAP;
    Server::builder().engine(engine).build()
}

#[tokio::test]
async fn an_emit_that_waits_ends_with_its_client() {
    let server = thrifty();
    let client = Client::joined(serve(&server).await).await;
    let socket = server.of("/").sockets().remove(0);
    let text = "x".repeat(CAP / 2);
    let emitter = socket.clone();
    let waits = tokio::spawn(async move {
        loop {
            if let Err(error) = emitter.emit_wait("item", (&text,)).await {
                return error;
            }
        }
    });
    // Nobody reads: at some point the queue stays where it is, and an emit waits.
    while socket.queued_bytes() < CAP / 2 {
        tokio::task::yield_now().await;
    }
    drop(client);
    let ended = waits.await.unwrap();
    assert!(matches!(ended, EmitError::Gone), "{ended:?}");
}

#[tokio::test]
async fn a_reader_that_stops_costs_a_broadcast_itself_alone() {
    let server = thrifty();
    let address = serve(&server).await;
    let _stopped = Client::joined(address).await;
    let mut reader = Client::joined(address).await;
    let text = "x".repeat(10_000);
    for number in 0.. {
        let delivery = server.of("/").emit("item", (number, &text)).unwrap();
        reader
            .expect(&format!(r#"42["item",{number},"{text}"]"#))
            .await;
        if delivery.refused == 1 {
            break;
        }
        assert_eq!(delivery.queued, 2);
    }
    assert_eq!(server.of("/").emit("last", ()).unwrap().queued, 1);
    reader.expect(r#"42["last"]"#).await;
    assert_eq!(server.stats().left, [("slow_consumer", 1)].into());
}
