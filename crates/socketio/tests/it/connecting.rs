//! Joining namespaces, middleware and refusals (SIO5 6.1).

use std::sync::Arc;

use serde::Deserialize;
use socketio::{ConnectRequest, Refusal, Server, Socket};
use tokio::sync::Notify;

use crate::client::{Client, planted_panic, serve};

#[tokio::test]
async fn the_root_is_joined_when_asked_for() {
    let server = Server::new();
    let mut client = Client::v5(serve(&server).await).await;
    let id = client.join("").await;
    assert_eq!(id.len(), 20);
    assert_ne!(id, client.sid, "the sid is a secret of the session");
}

#[tokio::test]
async fn the_answer_precedes_what_the_connect_handler_emits() {
    let server = Server::new();
    server.of("/").on_connect(|socket: Socket| async move {
        let _ = socket.emit(
            "auth",
            (socket.handshake().auth::<serde_json::Value>().ok(),),
        );
    });
    let mut client = Client::v5(serve(&server).await).await;
    client.send(r#"40{"token":"1"}"#).await;
    assert!(client.text().await.starts_with(r#"40{"sid":"#));
    client.expect(r#"42["auth",{"token":"1"}]"#).await;
}

#[tokio::test]
async fn an_unknown_namespace_is_refused_and_the_session_stays() {
    let server = Server::new();
    let mut client = Client::v5(serve(&server).await).await;
    client.send("40/nowhere,").await;
    client
        .expect(r#"44/nowhere,{"message":"Invalid namespace"}"#)
        .await;
    client.join("").await;
}

#[derive(Deserialize)]
struct Auth {
    token: String,
}

struct User {
    name: String,
}

async fn sign_in(request: ConnectRequest) -> Result<User, Refusal> {
    match request.auth::<Auth>() {
        Ok(auth) if auth.token == "secret" => Ok(User { name: "Ann".into() }),
        Ok(_) => Err(Refusal::new("wrong token").with_data("try again")),
        Err(_) => Err(Refusal::new("no token")),
    }
}

#[tokio::test]
async fn middleware_makes_the_state_or_refuses() {
    let server = Server::new();
    let users = server.namespace("/users", sign_in);
    users.on("who am I", |socket: Socket<User>, event| async move {
        event.ack((&socket.state().name,))
    });
    let mut client = Client::v5(serve(&server).await).await;
    client.send("40/users,").await;
    client.expect(r#"44/users,{"message":"no token"}"#).await;
    client.send(r#"40/users,{"token":"guess"}"#).await;
    client
        .expect(r#"44/users,{"message":"wrong token","data":"try again"}"#)
        .await;
    client.send(r#"40/users,{"token":"secret"}"#).await;
    assert!(client.text().await.starts_with(r#"40/users,{"sid":"#));
    client.send(r#"42/users,0["who am I"]"#).await;
    client.expect(r#"43/users,0["Ann"]"#).await;
}

#[tokio::test]
async fn a_slow_middleware_delays_no_other_namespace() {
    let server = Server::new();
    let open = Arc::new(Notify::new());
    let door = Arc::clone(&open);
    let _slow = server.namespace("/slow", move |_| {
        let door = Arc::clone(&door);
        async move {
            door.notified().await;
            Ok(())
        }
    });
    let mut client = Client::v5(serve(&server).await).await;
    client.send("40/slow,").await;
    client.join("").await;
    open.notify_one();
    assert!(client.text().await.starts_with(r#"40/slow,{"sid":"#));
}

#[tokio::test]
async fn joining_twice_closes_the_session() {
    let server = Server::new();
    let mut client = Client::joined(serve(&server).await).await;
    client.send("40").await;
    client.expect_closed().await;
}

#[tokio::test]
async fn a_client_that_left_during_middleware_leaves_nothing() {
    let server = Server::new();
    let open = Arc::new(Notify::new());
    let asked = Arc::new(Notify::new());
    let (door, bell) = (Arc::clone(&open), Arc::clone(&asked));
    let slow = server.namespace("/slow", move |_| {
        let (door, bell) = (Arc::clone(&door), Arc::clone(&bell));
        async move {
            bell.notify_one();
            door.notified().await;
            Ok(())
        }
    });
    slow.on_connect(|_| async { planted_panic() });
    let address = serve(&server).await;
    let mut client = Client::v5(address).await;
    client.send("40/slow,").await;
    asked.notified().await;
    client.send("garbage").await;
    client.expect_closed().await;
    drop(client);
    open.notify_one();
    // Whoever comes next finds the namespace empty.
    let mut next = Client::v5(address).await;
    next.join("").await;
    assert!(slow.is_empty());
}

#[tokio::test]
async fn a_panicking_middleware_refuses() {
    let server = Server::new();
    let _bad = server.namespace("/bad", |_| async {
        planted_panic();
        Ok(())
    });
    let mut client = Client::v5(serve(&server).await).await;
    client.send("40/bad,").await;
    client
        .expect(r#"44/bad,{"message":"internal error"}"#)
        .await;
}

#[tokio::test]
async fn namespaces_of_a_pattern_come_and_go() {
    let server = Server::new();
    let docs = server.dynamic(|name| name.starts_with("/doc-"), |_| async { Ok(()) });
    docs.on("shout", |socket: Socket, event| async move {
        socket.namespace().emit("heard", event.args().clone())
    });
    docs.on_disconnect(|socket: Socket, _| async move {
        assert!(socket.namespace().is_empty());
    });
    let address = serve(&server).await;
    let (mut one, mut two) = (Client::v5(address).await, Client::v5(address).await);
    one.join("/doc-1,").await;
    two.join("/doc-2,").await;
    one.send(r#"42/doc-1,["shout","hi"]"#).await;
    one.expect(r#"42/doc-1,["heard","hi"]"#).await;
    two.send(r#"42/doc-2,["shout","ho"]"#).await;
    two.expect(r#"42/doc-2,["heard","ho"]"#).await;
    one.send("41/doc-1,").await;
    one.send("40/unknown,").await;
    one.expect(r#"44/unknown,{"message":"Invalid namespace"}"#)
        .await;
    while server.find::<()>("/doc-1").is_some() {
        tokio::task::yield_now().await;
    }
    assert!(server.find::<()>("/doc-2").is_some());
}

#[tokio::test]
async fn a_pattern_speaks_to_all_its_namespaces() {
    let server = Server::new();
    let docs = server.dynamic(|name| name.starts_with("/doc-"), |_| async { Ok(()) });
    docs.on_connect(|socket: Socket| async move { socket.join("readers") });
    let _other = server.dynamic(|name| name.starts_with("/other-"), |_| async { Ok(()) });
    let address = serve(&server).await;
    let mut client = Client::v5(address).await;
    for namespace in ["/doc-1,", "/doc-2,", "/other-1,"] {
        client.join(namespace).await;
    }
    assert_eq!(docs.namespaces().len(), 2);
    while docs.to("readers").fetch_sockets().await.unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(docs.to("readers").emit("news", (1,)).unwrap().queued, 2);
    let mut heard = [client.text().await, client.text().await];
    heard.sort();
    assert_eq!(heard, [r#"42/doc-1,["news",1]"#, r#"42/doc-2,["news",1]"#]);
    let mut answers = docs.all().emit_with_acks("vote", ()).unwrap();
    assert_eq!(answers.expected(), 2);
    for _ in 0..2 {
        let asked = client.text().await;
        assert!(asked.starts_with("42/doc-"), "{asked}");
        client.send(&asked.replacen("42", "43", 1)).await;
    }
    assert_eq!((answers.rest().await.len(), answers.missing()), (2, 0));
    docs.all().disconnect_sockets();
    let mut heard = [client.text().await, client.text().await];
    heard.sort();
    assert_eq!(heard, ["41/doc-1,", "41/doc-2,"]);
}

#[tokio::test]
async fn a_pattern_keeps_so_many_empty_namespaces() {
    let server = Server::new();
    let docs = server.dynamic(|name| name.starts_with("/doc-"), |_| async { Ok(()) });
    docs.keep_empty(1);
    let mut client = Client::v5(serve(&server).await).await;
    for namespace in ["/doc-1,", "/doc-2,"] {
        client.join(namespace).await;
        client.send(&format!("41{namespace}")).await;
    }
    while server.find::<()>("/doc-2").is_some() {
        tokio::task::yield_now().await;
    }
    let kept = server.find::<()>("/doc-1").expect("it was to be kept");
    assert!(kept.is_empty());
}
