//! The seam between the servers of a cluster.

use std::{
    future::ready,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{
    StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use socketio::{
    AckReport, Adapter, Args, Command, Emit, Event, Incomplete, LocalSockets, Room, SendOptions,
    Server, ServerAckError, Socket, SocketId, SocketInfo, Target,
    testing::{Client, Cluster},
};
use tokio::sync::mpsc;

/// Two servers whose sockets join the room that they ask for.
fn pair() -> (Server, Server) {
    let cluster = Cluster::new();
    let member = || {
        let server = Server::builder().adapter(cluster.adapter()).build();
        server
            .of("/")
            .on("join", |socket: Socket, event: Event| async move {
                socket.join(event.arg::<String>(0)?)?;
                event.ack(())?;
                Ok::<_, socketio::HandlerError>(())
            });
        server
    };
    (member(), member())
}

async fn in_room(server: &Server, room: &str) -> Client {
    let mut client = Client::open(server).await;
    client.join("/").await.unwrap();
    client.send(&format!(r#"20["join","{room}"]"#)).await;
    assert_eq!(client.next().await.unwrap(), "30[]");
    client
}

#[tokio::test]
async fn a_broadcast_reaches_all_servers_or_stays() {
    let (one, two) = pair();
    let mut near = in_room(&one, "red").await;
    let mut far = in_room(&two, "red").await;
    one.of("/").to("red").local().emit("here", ()).unwrap();
    one.of("/").to("red").emit("everywhere", (1,)).unwrap();
    assert_eq!(near.next().await.unwrap(), r#"2["here"]"#);
    assert_eq!(near.next().await.unwrap(), r#"2["everywhere",1]"#);
    assert_eq!(far.next().await.unwrap(), r#"2["everywhere",1]"#);
}

#[tokio::test]
async fn sockets_of_all_servers_are_found_and_moved() {
    let (one, two) = pair();
    let _near = in_room(&one, "red").await;
    let mut far = in_room(&two, "red").await;
    let red = one.of("/").to("red");
    assert_eq!(red.clone().fetch_sockets().await.unwrap().len(), 2);
    red.clone().sockets_join("blue");
    assert_eq!(
        two.of("/")
            .to("blue")
            .local()
            .fetch_sockets()
            .await
            .unwrap()
            .len(),
        1
    );
    red.disconnect_sockets();
    assert_eq!(far.next().await.unwrap(), "1");
    assert!(one.of("/").is_empty() && two.of("/").is_empty());
}

#[tokio::test]
async fn servers_talk_to_each_other() {
    let (one, two) = pair();
    let (sender, mut heard) = mpsc::unbounded_channel();
    two.of("/").on_server_event("reload", move |event| {
        assert!(!event.has_ack());
        let _ = sender.send(event.arg::<u32>(0).unwrap());
    });
    one.of("/").server_side_emit("reload", (7,)).unwrap();
    assert_eq!(heard.recv().await, Some(7));
}

#[tokio::test(start_paused = true)]
async fn servers_answer_each_other() {
    let cluster = Cluster::new();
    let member = || Server::builder().adapter(cluster.adapter()).build();
    let (one, two, silent) = (member(), member(), member());
    two.of("/").on_server_event("double", |event| {
        let number: u32 = event.arg(0).unwrap();
        // An answer may come later.
        tokio::spawn(async move { event.ack((number * 2,)) });
    });
    let asked = one.of("/").server_side_emit_with_ack("double", (21,)).await;
    let Err(ServerAckError::Incomplete(incomplete)) = asked else {
        panic!("{asked:?}");
    };
    assert_eq!(incomplete.missing, 1);
    assert_eq!(incomplete.found[0].get::<u32>(0).unwrap(), 42);
    silent.of("/").on_server_event("double", |event| {
        let _ = event.ack((0,));
    });
    let asked = one.of("/").server_side_emit_with_ack("double", (1,)).await;
    assert_eq!(asked.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn sockets_of_all_servers_answer_a_broadcast() {
    let (one, two) = pair();
    let (mut near, mut far) = (in_room(&one, "red").await, in_room(&two, "red").await);
    let mut mute = in_room(&two, "red").await;
    let mute_id = two.of("/").sockets();
    let mut answers = one.of("/").to("red").emit_with_acks("vote", ()).unwrap();
    for (client, vote) in [(&mut near, "yes"), (&mut far, "no")] {
        assert_eq!(client.next().await.unwrap(), r#"20["vote"]"#);
        client.send(&format!(r#"30["{vote}"]"#)).await;
    }
    assert_eq!(mute.next().await.unwrap(), r#"20["vote"]"#);
    let came = answers.rest().await;
    let mut votes: Vec<String> = came.iter().map(|vote| vote.args.get(0).unwrap()).collect();
    votes.sort();
    assert_eq!(votes, ["no", "yes"]);
    assert_eq!((answers.expected(), answers.missing()), (3, 1));
    let silent: Vec<_> = answers.unanswered().cloned().collect();
    let answered: Vec<_> = came.into_iter().filter_map(|vote| vote.socket).collect();
    assert!(mute_id.iter().any(|socket| silent == [socket.id().clone()]));
    assert!(!answered.contains(&silent[0]));
}

#[tokio::test(start_paused = true)]
async fn giving_up_a_broadcast_frees_every_server() {
    let cluster = Cluster::new();
    let member = || {
        Server::builder()
            .adapter(cluster.adapter())
            .max_open_acks(1)
            .build()
    };
    let (one, two) = (member(), member());
    let mut far = Client::open(&two).await;
    far.join("/").await.unwrap();
    drop(one.of("/").all().emit_with_acks("first", ()).unwrap());
    let _answers = one.of("/").all().emit_with_acks("second", ()).unwrap();
    assert_eq!(far.next().await.unwrap(), r#"20["first"]"#);
    assert_eq!(far.next().await.unwrap(), r#"21["second"]"#);
    assert_eq!(two.stats().refused.get("too_many_acks"), None);
}

/// Writes down when rooms open and close.
#[derive(Clone, Default)]
struct Watching(Arc<Mutex<Vec<String>>>);

impl Watching {
    fn note(&self, what: &str, room: &Room) {
        self.0.lock().unwrap().push(format!("{what} {room}"));
    }
}

impl Adapter for Watching {
    fn start(&self, _: LocalSockets) {}

    fn publish(&self, _: &str, command: &Command) {
        if let Command::Emit(emit) = command {
            let how = format!("{:?} {:?}", emit.options, emit.compressible);
            self.0.lock().unwrap().push(how);
        }
    }

    fn emit_with_acks(&self, _: &str, _: &Emit, _: Duration) -> BoxStream<'static, AckReport> {
        stream::empty().boxed()
    }

    fn fetch_sockets<'a>(
        &'a self,
        _: &'a str,
        _: &'a Target,
    ) -> BoxFuture<'a, Result<Vec<SocketInfo>, Incomplete<SocketInfo>>> {
        let found = vec![SocketInfo::new(SocketId::remote("elsewhere"), Vec::new())];
        Box::pin(ready(Err(Incomplete { found, missing: 2 })))
    }

    fn server_event(&self, _: &str, _: &str, _: &Args) {}

    fn server_event_with_ack<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: &'a Args,
        _: Duration,
    ) -> BoxFuture<'a, Result<Vec<Args>, Incomplete<Args>>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn room_opened(&self, _: &str, room: &Room) {
        assert_ne!(room.as_str(), "broken");
        self.note("opened", room);
    }

    fn room_closed(&self, _: &str, room: &Room) {
        assert_ne!(room.as_str(), "broken");
        self.note("closed", room);
    }
}

#[tokio::test]
async fn an_adapter_learns_of_the_first_and_the_last_member() {
    let adapter = Watching::default();
    let server = Server::builder().adapter(adapter.clone()).build();
    let (mut one, mut two) = (Client::open(&server).await, Client::open(&server).await);
    one.join("/").await.unwrap();
    two.join("/").await.unwrap();
    let root = server.of("/");
    let sockets = root.sockets();
    for socket in &sockets {
        socket.join("red").unwrap();
    }
    sockets[0].join("blue").unwrap();
    sockets[0].leave("red");
    root.all().sockets_join("green");
    root.to("green").sockets_leave("green");
    root.all().disconnect_sockets();
    let mut seen = adapter.0.lock().unwrap().clone();
    seen[4..].sort();
    assert_eq!(
        seen,
        [
            "opened red",
            "opened blue",
            "opened green",
            "closed green",
            "closed blue",
            "closed red"
        ]
    );
}

#[tokio::test]
async fn an_adapter_that_panics_leaves_no_socket_behind() {
    let server = Server::builder().adapter(Watching::default()).build();
    let namespaces = ["/", "/other"].map(|name| server.of(name));
    let (left, mut seen) = mpsc::unbounded_channel();
    let mut client = Client::open(&server).await;
    for namespace in &namespaces {
        let left = left.clone();
        namespace.on_disconnect(move |socket: Socket, _| {
            let _ = left.send(socket.id().clone());
            async {}
        });
        client.join(namespace.name()).await.unwrap();
        namespace.sockets()[0].join("broken").unwrap();
        assert_eq!(namespace.rooms(), [("broken".into(), 1)]);
    }
    client.close().await;
    for namespace in &namespaces {
        seen.recv().await.unwrap();
        assert!(namespace.is_empty() && namespace.rooms().is_empty());
    }
}

#[tokio::test]
async fn what_some_servers_told_is_not_lost() {
    let server = Server::builder().adapter(Watching::default()).build();
    let mut client = Client::open(&server).await;
    let id = client.join("/").await.unwrap();
    let incomplete = server.of("/").all().fetch_sockets().await.unwrap_err();
    let found: Vec<&str> = incomplete
        .found
        .iter()
        .map(|socket| socket.id.as_str())
        .collect();
    assert_eq!(
        (found, incomplete.missing),
        (vec![id.as_str(), "elsewhere"], 2)
    );
}

#[tokio::test]
async fn an_adapter_learns_how_an_event_is_sent() {
    let adapter = Watching::default();
    let server = Server::builder().adapter(adapter.clone()).build();
    let all = server.of("/").all();
    all.clone().emit("news", ()).unwrap();
    all.clone()
        .volatile()
        .uncompressed()
        .emit("news", ())
        .unwrap();
    all.local().emit("news", ()).unwrap();
    let expected = [
        format!("{:?} Yes", SendOptions::default()),
        format!("{:?} No", SendOptions::volatile()),
    ];
    assert_eq!(*adapter.0.lock().unwrap(), expected);
}
