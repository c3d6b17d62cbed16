//! The clients in memory that applications test with, in virtual time.

use std::time::Duration;

use socketio::{
    AckError, Binary, Event, HandlerError, Refusal, Server, Socket,
    proto::Protocol,
    testing::{Client, ClientEvent},
};
use tokio::{sync::mpsc, time::timeout};

#[tokio::test(start_paused = true)]
async fn a_session_lives_as_long_as_its_heartbeat() {
    let server = Server::new();
    server
        .of("/")
        .on("remind me", |socket: Socket, event: Event| async move {
            tokio::time::sleep(Duration::from_secs(event.arg(0)?)).await;
            socket.emit("reminder", ())?;
            Ok::<_, HandlerError>(())
        });
    let mut client = Client::open(&server).await;
    client.join("/").await.unwrap();
    let mut old = Client::open_v4(&server).await;
    old.join("/").await.unwrap();
    for client in [&mut client, &mut old] {
        client.emit("/", "remind me", (3600,)).await;
    }
    let (new, old) = tokio::join!(client.event(), old.event());
    assert_eq!(new.unwrap().name, "reminder");
    assert_eq!(old.unwrap().name, "reminder");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_vanishes_is_noticed() {
    let server = Server::new();
    let (sender, mut left) = mpsc::unbounded_channel();
    server.of("/").on_disconnect(move |_: Socket, reason| {
        let _ = sender.send(reason.to_string());
        async {}
    });
    let mut client = Client::open(&server).await;
    client.join("/").await.unwrap();
    client.vanish();
    assert_eq!(left.recv().await.unwrap(), "ping timeout");
    assert_eq!(server.sessions(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_a_timeout() {
    let server = Server::new();
    let mut client = Client::open(&server).await;
    let id = client.join("/").await.unwrap();
    let root = server.of("/");
    let socket = root.sockets().remove(0);
    assert_eq!(socket.id().as_str(), id);
    let asked = tokio::time::Instant::now();
    let answer = socket
        .timeout(Duration::from_secs(5))
        .emit_with_ack("well", ())
        .await;
    assert!(matches!(answer, Err(AckError::Timeout)));
    assert_eq!(asked.elapsed(), Duration::from_secs(5));
    assert_eq!(client.next().await.unwrap(), r#"20["well"]"#);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_joins_nothing_is_closed() {
    let server = Server::new();
    let mut client = Client::open(&server).await;
    let opened = tokio::time::Instant::now();
    assert_eq!(client.next().await, None);
    assert_eq!(opened.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn attachments_go_both_ways() {
    let server = Server::new();
    server.of("/").on("echo", |_, event: Event| async move {
        event.ack(event.args().clone())
    });
    let mut client = Client::open(&server).await;
    client.join("/").await.unwrap();
    client
        .send(r#"51-0["echo",{"_placeholder":true,"num":0}]"#)
        .await;
    client.send("bAQID").await;
    let answer = client.next().await.unwrap();
    assert_eq!(answer, r#"61-0[{"_placeholder":true,"num":0}]"#);
    assert_eq!(client.next().await.unwrap(), "bAQID");
}

async fn event(client: &mut Client) -> ClientEvent {
    let event = timeout(Duration::from_secs(60), client.event()).await;
    event.expect("an event in time").unwrap()
}

#[tokio::test(start_paused = true)]
async fn events_and_answers_go_both_ways_in_both_protocols() {
    let server = Server::new();
    server
        .of("/chat")
        .on("echo", |socket: Socket, event: Event| async move {
            socket.emit("echoing", (event.args().len(),))?;
            event.ack(event.args().clone())?;
            Ok::<_, HandlerError>(())
        });
    let root = server.of("/");
    for open in [Protocol::V5, Protocol::V4] {
        let mut client = match open {
            Protocol::V5 => Client::open(&server).await,
            Protocol::V4 => Client::open_v4(&server).await,
        };
        let id = client.join("/").await.unwrap();
        let chat = client.join("/chat").await.unwrap();
        assert!(root.sockets()[0].id().as_str() == id);
        assert!(server.of("/chat").sockets()[0].id().as_str() == chat);

        let said = ("20,5 °C – 😀:", Binary::from(vec![1, 2, 3]));
        let answer = client.emit_with_ack("/chat", "echo", said).await.unwrap();
        assert_eq!(answer.get::<String>(0).unwrap(), "20,5 °C – 😀:");
        assert_eq!(answer.get::<Binary>(1).unwrap(), vec![1, 2, 3].into());
        let echoing = event(&mut client).await;
        assert_eq!((&*echoing.namespace, &*echoing.name), ("/chat", "echoing"));
        assert_eq!(echoing.args.get::<usize>(0).unwrap(), 2);
        assert_eq!(echoing.ack, None);

        let socket = root.sockets().remove(0);
        let asks = tokio::spawn(async move {
            let answer = socket.emit_with_ack("who", (Binary::from(vec![4]),)).await;
            answer.unwrap().get::<Binary>(0).unwrap()
        });
        let question = event(&mut client).await;
        client.ack(&question, question.args.clone()).await;
        assert_eq!(asks.await.unwrap(), vec![4].into());

        server.of("/chat").all().disconnect_sockets();
        assert_eq!(client.event().await, Err(Some("1/chat,".into())));
        client.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_is_told_why_it_is_not_in() {
    let server = Server::new();
    let _closed = server.namespace::<(), _>("/closed", |request| async move {
        Err(Refusal::new(request.handshake().auth_json().to_owned()))
    });
    let mut new = Client::open(&server).await;
    let refused = new.join_with("/closed", r#"{"a":"1"}"#).await;
    let told = r#"4/closed,{"message":"{\"a\":\"1\"}"}"#;
    assert_eq!(refused, Err(Some(told.into())));
    let mut old = Client::open_v4(&server).await;
    old.join("/").await.unwrap();
    let refused = old.join_with("/closed", "a=1").await;
    assert_eq!(refused, Err(Some(r#"4/closed,"{\"a\":\"1\"}""#.into())));
}
