//! MessagePack bodies.

use serde_json::json;
use socketio::proto::msgpack;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{server::Running, socket::Socket};

/// Sends a body of bytes and returns the head and the body of the answer.
async fn call(
    server: &Running,
    request_line: &str,
    headers: &str,
    body: &[u8],
) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let length = body.len();
    let head = format!(
        "{request_line} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let body = answer.split_off(end + 4);
    (
        String::from_utf8(answer).unwrap().to_ascii_lowercase(),
        body,
    )
}

const BODY: &str = "Content-Type: application/msgpack\r\n";
const ANSWER: &str = "Accept: application/msgpack, application/json\r\n";

// Contract 35
#[tokio::test]
async fn values_are_written_and_read_in_it() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    socket.subscribe("/me/resources/a").await;
    let body = msgpack::from_json(r#"{"values":[{"key":"a","value":[1,"2",{"c":1.5}]}]}"#);
    let write = format!("POST /v2/things/{}", guest.thing);
    let (head, answer) = call(&server, &write, BODY, &body.unwrap()).await;
    assert!(head.starts_with("http/1.1 201 "), "{head}");
    assert_eq!(answer, br#"{"status":"success","message":"created"}"#);
    let value = json!([1, "2", {"c": 1.5}]);
    assert_eq!(socket.values("/me/resources/a").await[0]["value"], value);

    let read = format!("GET /v2/things/{}/resources/a", guest.thing);
    let (head, answer) = call(&server, &read, ANSWER, b"").await;
    assert!(
        head.contains("content-type: application/vnd.msgpack\r\n"),
        "{head}"
    );
    let timeline = msgpack::to_json(&answer.into()).unwrap();
    assert!(
        timeline.starts_with(r#"[{"key":"a","value":[1,"2",{"c":1.5}],"datetime":"#),
        "{timeline}"
    );

    // Errors, too.
    let unknown = format!("GET /v2/things/{}/resources/b", guest.thing);
    let (head, answer) = call(&server, &unknown, ANSWER, b"").await;
    assert!(head.starts_with("http/1.1 404 "), "{head}");
    let error = r#"{"status":"error","code":404,"message":"resource not found"}"#;
    assert_eq!(msgpack::to_json(&answer.into()).unwrap(), error);
    server.stop().await;
}

// Contract 35, 48
#[tokio::test]
async fn what_has_no_form_in_json_is_refused_and_nothing_is_stored() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let write = format!("POST /v2/things/{}", guest.thing);
    // {"values":[{"key":"a","value":<one byte>}]}
    let binary = b"\x81\xa6values\x91\x82\xa3key\xa1a\xa5value\xc4\x01x";
    for body in [&binary[..], b"\x81", b"{\"values\":[]}", b""] {
        let (head, _) = call(&server, &write, BODY, body).await;
        assert!(head.starts_with("http/1.1 400 "), "{head} {body:?}");
    }
    let names = format!("/v2/things/{}/resources", guest.thing);
    let names = server.call("GET", &names, "", "").await;
    names.is(200, r#"{"status":"success","resources":[]}"#);
    let protobuf = "Content-Type: application/x-protobuf\r\n";
    let (head, _) = call(&server, &write, protobuf, b"").await;
    assert!(head.starts_with("http/1.1 415 "), "{head}");
    server.stop().await;
}
