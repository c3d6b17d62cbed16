//! Clients of socket.io 1.x and 2.x: protocol 4 over Engine.IO 3 (SIO5 6.1).

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use serde_json::Value;
use socketio::{ConnectRequest, Event, Refusal, Server, Socket};
use tokio::sync::{Notify, Semaphore};

use crate::client::{Client, answer_silence, serve};

fn ids() -> Server {
    let server = Server::new();
    for name in ["/", "/chat"] {
        server
            .of(name)
            .on("id", |socket: Socket, event: Event| async move {
                event.ack((socket.id().as_str(),))
            });
    }
    answer_silence(&server);
    server
}

#[tokio::test]
async fn the_root_is_joined_unasked() {
    let server = ids();
    let mut client = Client::v4(serve(&server).await).await;
    client.send(r#"420["id"]"#).await;
    let id = format!(r#"430["{}"]"#, client.sid);
    client.expect(&id).await;
}

#[tokio::test]
async fn other_ids_are_derived() {
    let server = ids();
    let mut client = Client::v4(serve(&server).await).await;
    client.send("40/chat,").await;
    client.expect("40/chat,").await;
    client.send(r#"42/chat,0["id"]"#).await;
    let id = format!(r#"43/chat,0["/chat#{}"]"#, client.sid);
    client.expect(&id).await;
}

#[tokio::test]
async fn auth_is_the_query_of_the_namespace() {
    let server = Server::new();
    server.of("/chat").on_connect(|socket: Socket| async move {
        let auth: Value = socket.handshake().auth()?;
        socket.emit("auth", (auth,))?;
        Ok::<_, socketio::HandlerError>(())
    });
    let mut client = Client::v4(serve(&server).await).await;
    client.send("40/chat?a=b&c=%C3%A9%20x,").await;
    client.expect("40/chat,").await;
    client
        .expect(r#"42/chat,["auth",{"a":"b","c":"é x"}]"#)
        .await;
}

#[tokio::test]
async fn refusals_are_strings() {
    let server = Server::new();
    let mut client = Client::v4(serve(&server).await).await;
    client.send("40/nowhere,").await;
    client.expect(r#"44/nowhere,"Invalid namespace""#).await;
}

#[tokio::test]
async fn packets_for_namespaces_not_joined_are_ignored() {
    let server = ids();
    let mut client = Client::v4(serve(&server).await).await;
    client.send(r#"42/chat,["id"]"#).await;
    client.send("41/chat,").await;
    client.expect_silence().await;
}

#[tokio::test]
async fn a_handle_of_an_earlier_socket_with_the_same_id_does_nothing() {
    let server = ids();
    let chat = server.of("/chat");
    let mut client = Client::v4(serve(&server).await).await;
    client.send("40/chat,").await;
    client.expect("40/chat,").await;
    let earlier = chat.sockets().remove(0);
    client.send("41/chat,").await;
    client.send("40/chat,").await;
    client.expect("40/chat,").await;
    assert_eq!(earlier.join("red"), Err(socketio::JoinError::Gone));
    assert!(earlier.emit("ghost", ()).is_err() && chat.rooms().is_empty());
    assert_eq!(chat.sockets().remove(0).id(), earlier.id());
}

// Leaving and joining again while middleware still decides about the first request: its verdict is not
// about the second, which says who it is in another query.
#[tokio::test]
async fn a_late_verdict_is_not_about_who_asks_again() {
    let server = Server::new();
    let (asked, verdicts) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let (bell, door) = (Arc::clone(&asked), Arc::clone(&verdicts));
    server
        .namespace("/users", move |request: ConnectRequest| {
            let (bell, door) = (Arc::clone(&bell), Arc::clone(&door));
            async move {
                bell.notify_one();
                door.acquire().await.expect("it stays open").forget();
                let user: Value = request.auth().expect("a query makes an object");
                if user["name"] == "eve" {
                    return Err(Refusal::new("not you"));
                }
                Ok(user)
            }
        })
        .on(
            "who am I",
            |socket: Socket<Value>, event: Event| async move { event.ack((socket.state(),)) },
        );
    answer_silence(&server);
    let mut client = Client::v4(serve(&server).await).await;
    client.send("40/users?name=ada,").await;
    asked.notified().await;
    client.send("41/users,").await;
    client.send("40/users?name=eve,").await;
    client.expect_silence().await;
    verdicts.add_permits(1);
    asked.notified().await;
    verdicts.add_permits(1);
    client.expect(r#"44/users,"not you""#).await;
    client.send("40/users?name=bob,").await;
    asked.notified().await;
    verdicts.add_permits(1);
    client.expect("40/users,").await;
    client.send(r#"42/users,0["who am I"]"#).await;
    client.expect(r#"43/users,0[{"name":"bob"}]"#).await;
}

#[tokio::test]
async fn who_sends_before_it_is_told_that_it_is_in_is_heard() {
    let server = ids();
    let mut client = Client::open(serve(&server).await, "EIO=3").await;
    client.send(r#"420["id"]"#).await;
    client.expect("40").await;
    let id = format!(r#"430["{}"]"#, client.sid);
    client.expect(&id).await;
}

/// The text of a poll, asked for in memory.
async fn poll(server: &Server, query: &str) -> String {
    let request = Request::get(format!("/?EIO=3&transport=polling&b64=1{query}"))
        .header("host", "test")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let answer = server.service().mounted().answer(request).await;
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.into()).unwrap()
}

#[tokio::test]
async fn clients_of_1_x_that_poll_read_ascii_and_others_do_not_notice() {
    let server = ids();
    let mut new = Client::joined(serve(&server).await).await;
    let open = poll(&server, "").await;
    let sid = open
        .split(r#""sid":""#)
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let session = format!("&sid={sid}");
    assert_eq!(poll(&server, &session).await, "2:40");

    let delivery = server.of("/").emit("price", ("5 €",)).unwrap();
    assert_eq!(delivery.queued, 2);
    new.expect(r#"42["price","5 €"]"#).await;
    assert_eq!(
        poll(&server, &session).await,
        r#"22:42["price","5 \u20ac"]"#
    );
}
