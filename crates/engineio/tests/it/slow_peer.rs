//! Clients that do not read what they are sent.

use engineio::proto::{CloseReason, Data, SendError, SendOptions, SendOutcome, SlowConsumer};

use crate::client::{Happened, Server, config};

#[tokio::test]
async fn a_client_that_never_reads_costs_its_cap_and_ends_with_its_own_reason() {
    let mut server = Server::start(config()).await;
    let mut socket = server.websocket("").await;
    socket.text().await;
    let session = server.opened().await;
    let message = Data::Text("x".repeat(64 * 1024).as_str().into());
    let cap = config().protocol.limits.max_queued_bytes;
    let full = loop {
        match session.send(message.clone(), SendOptions::default()) {
            Ok(_) => assert!(session.queued_bytes() <= cap),
            Err(error) => break error,
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(full, SendError::QueueFull);
    assert!(matches!(server.event().await, Happened::HighWater));
    assert_eq!(server.closed().await, CloseReason::SlowConsumer);
}

#[tokio::test]
async fn one_session_may_lose_messages_where_others_end() {
    let mut config = config();
    config.protocol.limits.max_queued_packets = 1;
    let mut server = Server::start(config).await;
    let sid = server.handshake().await;
    let session = server.opened().await;
    session.set_slow_consumer(SlowConsumer::DropOldest);
    for number in ["1", "2", "3"] {
        let sent = session.send(Data::Text(number.into()), SendOptions::default());
        assert_eq!(sent, Ok(SendOutcome::Queued));
    }
    assert_eq!(server.poll(&sid).await.body, "43");
}

#[tokio::test]
async fn the_application_is_told_when_the_queue_is_high_and_when_it_is_low_again() {
    let mut server = Server::start(config()).await;
    let mut socket = server.websocket("").await;
    socket.text().await;
    let session = server.opened().await;
    let message = Data::Text("x".repeat(16 * 1024).into());
    let mut sent = 0;
    let high = loop {
        let outcome = session.send(message.clone(), SendOptions::default());
        assert_eq!(outcome, Ok(SendOutcome::Queued), "told before it is full");
        sent += 1;
        // Lets the flusher run, which tells.
        tokio::task::yield_now().await;
        match server.events.try_recv() {
            Ok(event) => break event,
            Err(_) => continue,
        }
    };
    assert!(matches!(high, Happened::HighWater), "{high:?}");
    assert!(session.queued_bytes() > config().protocol.limits.max_queued_bytes / 2);
    for _ in 0..sent {
        assert_eq!(socket.text().await.len(), 16 * 1024 + 1);
    }
    assert!(matches!(server.event().await, Happened::LowWater));
}

#[tokio::test]
async fn a_sender_that_waits_for_room_loses_nothing() {
    let mut server = Server::start(config()).await;
    let mut socket = server.websocket("").await;
    socket.text().await;
    let session = server.opened().await;
    let sending = tokio::spawn(async move {
        for number in 0..2_000 {
            session.writable().await;
            let text = format!("{number}:{}", "x".repeat(4_096));
            let sent = session.send(Data::Text(text.into()), SendOptions::default());
            assert_eq!(sent, Ok(SendOutcome::Queued));
        }
    });
    for number in 0..2_000 {
        let text = socket.text().await;
        assert!(text.starts_with(&format!("4{number}:")), "{:.20}", text);
    }
    sending.await.unwrap();
}
