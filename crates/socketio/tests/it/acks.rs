//! Acknowledgements in both directions (SIO5 6.5).

use std::time::Duration;

use socketio::{AckError, Event, Server, Socket, testing};
use tokio::{sync::mpsc, time::Instant};

use crate::client::{Client, answer_silence, serve};

#[tokio::test]
async fn an_event_with_an_id_is_answered_with_it() {
    let server = Server::new();
    server.of("/").on("echo", |_, event: Event| async move {
        event.ack(event.args().clone())
    });
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"42456["echo",1,"2"]"#).await;
    client.expect(r#"43456[1,"2"]"#).await;
}

#[tokio::test]
async fn only_the_first_answer_counts() {
    let server = Server::new();
    server.of("/").on("twice", |_, event: Event| async move {
        event.ack(("first",))?;
        event.ack(("second",))
    });
    answer_silence(&server);
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"421["twice"]"#).await;
    client.expect(r#"431["first"]"#).await;
    client.expect_silence().await;
}

#[tokio::test]
async fn an_answer_may_come_after_the_handler() {
    let server = Server::new();
    let (sender, mut kept) = mpsc::unbounded_channel();
    server.of("/").on("later", move |_, event: Event| {
        let _ = sender.send(event.responder().unwrap());
        async {}
    });
    answer_silence(&server);
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"425["later"]"#).await;
    client.expect_silence().await;
    kept.recv().await.unwrap().ack((true,)).unwrap();
    client.expect("435[true]").await;
}

#[tokio::test]
async fn a_handler_may_await_an_answer() {
    let server = Server::new();
    server.of("/").on("ask", |socket: Socket, _| async move {
        let answer = socket.emit_with_ack("how are you", ()).await?;
        socket.emit("you are", (answer.get::<String>(0)?,))?;
        Ok::<_, socketio::HandlerError>(())
    });
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"42["ask"]"#).await;
    client.expect(r#"420["how are you"]"#).await;
    client.send(r#"430["fine"]"#).await;
    client.expect(r#"42["you are","fine"]"#).await;
    client.send(r#"430["too late"]"#).await;
    client.send(r#"42["ask"]"#).await;
    client.expect(r#"421["how are you"]"#).await;
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let server = Server::new();
    server
        .of("/")
        .on("ask", |socket: Socket, event: Event| async move {
            let answer = socket
                .timeout(Duration::from_millis(1))
                .emit_with_ack("well", ());
            assert!(matches!(answer.await, Err(AckError::Timeout)));
            event.ack(())
        });
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"420["ask"]"#).await;
    client.expect(r#"420["well"]"#).await;
    client.expect("430[]").await;
}

#[tokio::test]
async fn leaving_ends_the_wait() {
    let server = Server::new();
    let (sender, mut results) = mpsc::unbounded_channel();
    server.of("/").on("ask", move |socket: Socket, _| {
        let sender = sender.clone();
        async move {
            let _ = sender.send(socket.emit_with_ack("well", ()).await.map(drop));
        }
    });
    let mut client = Client::joined(serve(&server).await).await;
    client.send(r#"42["ask"]"#).await;
    client.expect(r#"420["well"]"#).await;
    client.send("41").await;
    let result = results.recv().await.unwrap();
    assert!(matches!(result, Err(AckError::Disconnected)));
}

#[tokio::test]
async fn an_answer_in_another_namespace_is_none() {
    let server = Server::new();
    server.of("/other");
    server.of("/").on("ask", |socket: Socket, _| async move {
        let answer = socket.emit_with_ack("well", ()).await?;
        socket.emit("answered", answer)?;
        Ok::<_, socketio::HandlerError>(())
    });
    let mut client = Client::joined(serve(&server).await).await;
    client.join("/other,").await;
    client.send(r#"42["ask"]"#).await;
    client.expect(r#"420["well"]"#).await;
    client.send(r#"43/other,0["wrong"]"#).await;
    client.send(r#"430["right"]"#).await;
    client.expect(r#"42["answered","right"]"#).await;
}

#[tokio::test]
async fn a_broadcast_shares_one_id_and_collects_answers() {
    let server = Server::new();
    answer_silence(&server);
    let address = serve(&server).await;
    let (mut one, mut two) = (Client::joined(address).await, Client::joined(address).await);
    let mut answers = server.of("/").all().emit_with_acks("vote", ()).unwrap();
    assert_eq!(answers.expected(), 2);
    one.expect(r#"420["vote"]"#).await;
    two.expect(r#"420["vote"]"#).await;
    one.send(r#"430["yes"]"#).await;
    let first = answers.next().await.unwrap();
    assert_eq!(first.args.get::<String>(0).unwrap(), "yes");
    two.send(r#"430["no"]"#).await;
    let rest = answers.rest().await;
    assert_eq!(rest[0].args.get::<String>(0).unwrap(), "no");
    assert_eq!(answers.missing(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_ends_with_partial_answers() {
    let server = Server::new();
    let mut one = testing::Client::open(&server).await;
    let mut two = testing::Client::open(&server).await;
    one.join("/").await.unwrap();
    two.join("/").await.unwrap();
    let asked = Instant::now();
    let asking = server.of("/").all().timeout(Duration::from_millis(200));
    let mut answers = asking.emit_with_acks("vote", ()).unwrap();
    let question = one.event().await.unwrap();
    one.ack(&question, ("yes",)).await;
    assert_eq!(two.event().await.unwrap().ack, question.ack);
    assert_eq!(answers.rest().await.len(), 1);
    assert_eq!(answers.missing(), 1);
    assert_eq!(asked.elapsed(), Duration::from_millis(200));
}
