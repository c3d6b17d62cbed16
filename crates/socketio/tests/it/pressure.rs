//! Clients and handlers that do not keep up.

use std::{sync::Arc, time::Duration};

use socketio::{EmitOutcome, Event, InboxLimits, Server, Socket};
use tokio::{sync::Semaphore, time::timeout};

use crate::client::{Client, serve};

#[tokio::test]
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
    let mut client = Client::joined(serve(&server).await).await;
    client.join("/other,").await;
    for number in 0..100 {
        client.send(&format!(r#"42["work",{number}]"#)).await;
    }
    client.send(r#"42/other,1["ping me"]"#).await;
    let unread = timeout(Duration::from_millis(100), client.text()).await;
    assert!(unread.is_err(), "{unread:?} was read behind a full inbox");
    permits.add_permits(92);
    for number in 0..92 {
        client.expect(&format!(r#"42["done",{number}]"#)).await;
    }
    // There is room again: what stood behind is read while the rest still waits.
    client.expect("43/other,1[]").await;
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
async fn emit_wait_goes_on_when_there_is_room() {
    let server = Server::new();
    server.of("/").on("flood", |socket: Socket, _| async move {
        let text = "x".repeat(100_000);
        for number in 0..100 {
            socket.emit_wait("item", (number, &text)).await?;
        }
        Ok::<_, socketio::HandlerError>(())
    });
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"42["flood"]"#).await;
    for number in 0..100 {
        let item = client.text().await;
        assert!(item.starts_with(&format!(r#"42["item",{number},"#)));
    }
}
