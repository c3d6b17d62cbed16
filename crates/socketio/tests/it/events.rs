//! Events in both directions: order, names, handlers that fail.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use socketio::{EmitError, Event, Failure, HandlerError, Server, Socket};
use tokio::sync::{Notify, mpsc};

use crate::client::{Client, answer_silence, planted_panic, serve, sid_of};

#[tokio::test]
async fn an_event_comes_back_as_it_was() {
    let server = Server::new();
    server
        .of("/")
        .on("message", |socket: Socket, event: Event| async move {
            socket.emit("message-back", event.args().clone())
        });
    let mut client = Client::joined(serve(&server).await).await;
    client
        .send(r#"42["message",1,"2",{"3":[true]},1e400]"#)
        .await;
    client
        .expect(r#"42["message-back",1,"2",{"3":[true]},1e400]"#)
        .await;
}

#[tokio::test]
async fn each_element_of_a_tuple_is_one_argument() {
    let server = Server::new();
    server.of("/").on_connect(|socket: Socket| async move {
        socket.emit("none", ())?;
        socket.emit("one", (vec![1, 2],))?;
        socket.emit("two", ("a", Some(1.5)))
    });
    let mut client = Client::joined(serve(&server).await).await;
    client.expect(r#"42["none"]"#).await;
    client.expect(r#"42["one",[1,2]]"#).await;
    client.expect(r#"42["two","a",1.5]"#).await;
}

#[tokio::test]
async fn the_handlers_of_one_socket_run_in_order() {
    let server = Server::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let journal = Arc::clone(&seen);
    server.of("/").on("number", move |_, event: Event| {
        let journal = Arc::clone(&journal);
        async move {
            // Let everything else run in between.
            tokio::task::yield_now().await;
            let number: u32 = event.arg(0)?;
            journal.lock().unwrap().push(number);
            Ok::<_, HandlerError>(())
        }
    });
    answer_silence(&server);
    let mut client = Client::joined(serve(&server).await).await;
    for number in 0..500 {
        client.send(&format!(r#"42["number",{number}]"#)).await;
    }
    client.expect_silence().await;
    assert_eq!(*seen.lock().unwrap(), (0..500).collect::<Vec<_>>());
}

/// Asks for a poll's answer, or posts a body.
async fn poll(server: &Server, sid: &str, body: Option<String>) -> String {
    let method = if body.is_some() { "POST" } else { "GET" };
    let request = Request::builder()
        .method(method)
        .uri(format!("/socket.io/?EIO=4&transport=polling{sid}"))
        .header("host", "test")
        .body(Full::<Bytes>::from(body.unwrap_or_default()));
    let answer = server.service().answer(request.unwrap()).await;
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn the_handlers_of_one_post_let_others_run_in_between() {
    const ALL: usize = 5_000;
    let server = Server::new();
    let handled = Arc::new(Mutex::new(Vec::new()));
    let journal = Arc::clone(&handled);
    server.of("/").on("number", move |_, event: Event| {
        let number = event.arg::<usize>(0);
        journal.lock().unwrap().push(number.unwrap());
        async {}
    });
    answer_silence(&server);
    let open = poll(&server, "", None).await;
    let sid = format!("&sid={}", sid_of(&open));
    assert_eq!(poll(&server, &sid, Some("40".into())).await, "ok");
    assert!(poll(&server, &sid, None).await.starts_with("40{"));
    // Behind the answer no task is left that would take over the handlers of what is posted.
    let asked = Some(r#"4299["are you there"]"#.into());
    assert_eq!(poll(&server, &sid, asked).await, "ok");
    assert_eq!(poll(&server, &sid, None).await, "4399[]");
    let events: Vec<_> = (0..ALL).map(|n| format!(r#"42["number",{n}]"#)).collect();
    // On one thread: counts what was handled each time that it gets a turn of its own.
    let bystander = async {
        let mut counts = vec![0];
        while counts.last() != Some(&ALL) {
            tokio::task::yield_now().await;
            counts.push(handled.lock().unwrap().len());
        }
        counts
    };
    let posted = poll(&server, &sid, Some(events.join("\u{1e}")));
    let (posted, counts) = tokio::join!(posted, bystander);
    assert_eq!(posted, "ok");
    let longest = counts.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(longest.is_some_and(|longest| longest < 200), "{longest:?}");
    assert_eq!(*handled.lock().unwrap(), (0..ALL).collect::<Vec<_>>());
}

#[tokio::test]
async fn catch_all_handlers_see_everything() {
    let server = Server::new();
    let (sender, mut seen) = mpsc::unbounded_channel();
    server.of("/").on_any(move |_, event: Event| {
        let _ = sender.send(event.name().to_owned());
        async {}
    });
    answer_silence(&server);
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"42["nobody handles this"]"#).await;
    client.expect_silence().await;
    assert_eq!(seen.recv().await.as_deref(), Some("nobody handles this"));
    assert_eq!(seen.recv().await.as_deref(), Some("are you there"));
}

#[tokio::test]
async fn an_event_that_nobody_handles_is_not_acknowledged() {
    let server = Server::new();
    answer_silence(&server);
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"427["nobody handles this"]"#).await;
    client.expect_silence().await;
}

#[tokio::test]
async fn a_handler_that_fails_is_told_to_the_hook_and_the_socket_goes_on() {
    let (sender, mut failures) = mpsc::unbounded_channel();
    let server = Server::builder()
        .on_handler_failure(move |failure| {
            if let Failure::Error(error) = failure.failure {
                let _ = sender.send(error.to_string());
            }
        })
        .build();
    server
        .of("/")
        .on("fail", |_, _| async { Err::<(), _>("as asked") });
    answer_silence(&server);
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"42["fail"]"#).await;
    client.expect_silence().await;
    assert_eq!(failures.recv().await.as_deref(), Some("as asked"));
}

#[tokio::test]
async fn a_handler_that_panics_ends_its_socket_alone() {
    let server = Server::new();
    server
        .of("/bad")
        .on("panic", |_, _| async { planted_panic() });
    answer_silence(&server);
    let mut client = Client::joined(serve(&server).await).await;
    client.join("/bad,").await;
    client.send(r#"42/bad,["panic"]"#).await;
    client.expect("41/bad,").await;
    client.expect_silence().await;
    assert!(server.of("/bad").is_empty());
}

#[derive(Debug)]
struct NotFound;

impl std::fmt::Display for NotFound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not found")
    }
}

impl std::error::Error for NotFound {}

#[tokio::test]
async fn the_hook_gets_what_was_handled_and_the_type_of_the_error() {
    let (sender, mut failures) = mpsc::unbounded_channel();
    let server = Server::builder()
        .on_handler_failure(move |failure| {
            let how = match failure.failure {
                Failure::Error(error) if error.downcast_ref::<NotFound>().is_some() => "not found",
                Failure::Panic { message } => message.as_deref().unwrap_or_default(),
                other => panic!("{other:?}"),
            };
            let _ = sender.send(format!("{:?}: {how}", failure.handling));
        })
        .build();
    let root = server.of("/");
    root.on_connect(|_| async { Err::<(), _>(NotFound) });
    root.on("find", |_, _| async { Err::<(), _>(NotFound) });
    root.on("panic", |_, _| async { planted_panic() });
    root.on_disconnect(|_, _| async { Err::<(), _>(NotFound) });
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"42["find"]"#).await;
    client.send(r#"42["panic"]"#).await;
    client.expect("41").await;
    for expected in [
        "Connect: not found",
        r#"Event("find"): not found"#,
        r#"Event("panic"): planted by a test"#,
        "Disconnect: not found",
    ] {
        assert_eq!(failures.recv().await.unwrap(), expected);
    }
    let stats = server.stats();
    assert_eq!((stats.failed, stats.panicked), (3, 1));
    assert_eq!(stats.left, [("handler_panic", 1)].into());
}

#[tokio::test]
async fn events_run_side_by_side_if_asked_for() {
    let server = Server::new();
    let root = server.of("/");
    root.concurrent(2.try_into().unwrap());
    let doors: Arc<[Notify; 3]> = Arc::default();
    let handler_doors = Arc::clone(&doors);
    root.on("wait", move |socket: Socket, event: Event| {
        let doors = Arc::clone(&handler_doors);
        async move {
            let number: usize = event.arg(0)?;
            socket.emit("begun", (number,))?;
            doors[number].notified().await;
            socket.emit("ended", (number,))?;
            Ok::<_, HandlerError>(())
        }
    });
    let (sender, mut left) = mpsc::unbounded_channel();
    root.on_disconnect(move |_: Socket, _| {
        let _ = sender.send(());
        async {}
    });
    let mut client = Client::joined(serve(&server).await).await;
    for number in 0..3 {
        client.send(&format!(r#"42["wait",{number}]"#)).await;
    }
    client.expect(r#"42["begun",0]"#).await;
    client.expect(r#"42["begun",1]"#).await;
    doors[1].notify_one();
    client.expect(r#"42["ended",1]"#).await;
    client.expect(r#"42["begun",2]"#).await;
    client.send("41").await;
    doors[2].notify_one();
    while !root.is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(left.try_recv().is_err(), "the first event is still handled");
    doors[0].notify_one();
    left.recv().await.unwrap();
}

#[tokio::test]
async fn reserved_names_are_refused_both_ways() {
    let server = Server::new();
    server
        .of("/")
        .on("try", |socket: Socket, event: Event| async move {
            let error = socket.emit("disconnect", ()).map(drop);
            assert!(matches!(error, Err(EmitError::ReservedName)));
            event.ack(("refused",))
        });
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"420["try"]"#).await;
    client.expect(r#"430["refused"]"#).await;
    client.send(r#"42["disconnect"]"#).await;
    client.expect_closed().await;
}

#[tokio::test]
async fn other_sockets_do_not_wait() {
    let server = Server::new();
    let (sender, mut entered) = mpsc::unbounded_channel();
    server.of("/").on("hang", move |_, _| {
        let _ = sender.send(());
        std::future::pending::<()>()
    });
    server
        .of("/other")
        .on("ping me", |_, event: Event| async move { event.ack(()) });
    answer_silence(&server);
    let address = serve(&server).await;
    let mut client = Client::joined(address).await;
    client.join("/other,").await;
    client.send(r#"42["hang"]"#).await;
    entered.recv().await.unwrap();
    client.send(r#"42/other,1["ping me"]"#).await;
    client.expect("43/other,1[]").await;
    Client::joined(address).await.expect_silence().await;
}

#[tokio::test]
async fn work_is_begun_in_order_across_namespaces() {
    let server = Server::new();
    for name in ["/", "/other"] {
        let echo =
            |socket: Socket, event: Event| async move { socket.emit("back", event.args().clone()) };
        server.of(name).on("echo", echo);
    }
    let mut client = Client::joined(serve(&server).await).await;
    client.join("/other,").await;
    // No regular pattern, so that taking turns would not do.
    let namespaces = [
        "", "", "/other,", "", "/other,", "/other,", "/other,", "", "",
    ];
    for (number, namespace) in namespaces.iter().cycle().take(300).enumerate() {
        client
            .send(&format!(r#"42{namespace}["echo",{number}]"#))
            .await;
    }
    for (number, namespace) in namespaces.iter().cycle().take(300).enumerate() {
        client
            .expect(&format!(r#"42{namespace}["back",{number}]"#))
            .await;
    }
}
