//! Layers around handlers, views on what is sent, and the seam between servers.

use std::sync::{Arc, Mutex};

use socketio::{Event, HandlerError, Next, Recipients, Server, Socket};

use crate::client::{Client, answer_silence, serve};

#[tokio::test]
async fn layers_wrap_handlers_from_the_outside_in() {
    let server = Server::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    for name in ["outer", "inner"] {
        let seen = Arc::clone(&seen);
        server.of("/").layer(move |_, event: Event, next: Next| {
            let seen = Arc::clone(&seen);
            async move {
                seen.lock().unwrap().push(format!("{name} before"));
                let result = next.run(event).await;
                seen.lock().unwrap().push(format!("{name} after"));
                result
            }
        });
    }
    answer_silence(&server);
    Client::joined(serve(&server).await)
        .await
        .expect_silence()
        .await;
    let expected = ["outer before", "inner before", "inner after", "outer after"];
    while seen.lock().unwrap().len() < expected.len() {
        tokio::task::yield_now().await;
    }
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_layer_may_refuse_an_event() {
    let server = Server::new();
    server
        .of("/")
        .layer(|_, event: Event, next: Next| async move {
            if event.name() == "secret" {
                event.ack(("refused",))?;
                return Ok(());
            }
            next.run(event).await
        });
    server.of("/").on("secret", |socket: Socket, _| async move {
        socket.emit("leaked", ())
    });
    answer_silence(&server);
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"421["secret"]"#).await;
    client.expect(r#"431["refused"]"#).await;
    client.expect_silence().await;
}

#[tokio::test]
async fn a_layer_of_one_event_leaves_the_others_alone() {
    let server = Server::new();
    let root = server.of("/");
    let echo = |_, event: Event| async move { event.ack(event.args().clone()) };
    root.on("open", echo);
    root.on("guarded", echo);
    root.layer_for("guarded", |_, event: Event, next: Next| async move {
        match event.arg::<String>(0).as_deref() {
            Ok("secret") => next.run(event).await,
            _ => Ok(event.ack(("refused",))?),
        }
    });
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"421["open","guess"]"#).await;
    client.expect(r#"431["guess"]"#).await;
    client.send(r#"422["guarded","guess"]"#).await;
    client.expect(r#"432["refused"]"#).await;
    client.send(r#"423["guarded","secret"]"#).await;
    client.expect(r#"433["secret"]"#).await;
}

#[tokio::test]
async fn an_outgoing_catch_all_sees_emits_and_broadcasts_once() {
    let server = Server::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let journal = Arc::clone(&seen);
    let root = server.of("/");
    root.on_any_outgoing(move |outgoing| {
        let kind = match outgoing.to {
            Recipients::Socket(_) => "socket",
            _ => "broadcast",
        };
        journal
            .lock()
            .unwrap()
            .push(format!("{} to {kind}", outgoing.name));
    });
    root.on("go", |socket: Socket, _| async move {
        socket.emit("one", ())?;
        socket.namespace().emit("many", ())?;
        Ok::<_, HandlerError>(())
    });
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"42["go"]"#).await;
    client.expect(r#"42["one"]"#).await;
    client.expect(r#"42["many"]"#).await;
    assert_eq!(
        *seen.lock().unwrap(),
        ["one to socket", "many to broadcast"]
    );
}
