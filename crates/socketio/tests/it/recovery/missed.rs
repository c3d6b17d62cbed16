//! What a client missed comes before it is let in, and nothing else.

use std::time::Duration;

use socketio::{
    Binary, ConflationKey, ConnectRequest, EmitError, EmitOutcome, Event, HandlerError, Refusal,
    SendOptions, SlowConsumer, Socket,
    testing::{Client, Cluster},
};
use tokio::{sync::mpsc::unbounded_channel, time::sleep};

use super::{Member, builder, connected, ids, with_limits};
use crate::client::{self, serve};

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
