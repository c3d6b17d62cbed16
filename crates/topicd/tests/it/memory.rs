//! What readers of large answers cost: a bound in bytes, whatever they ask for.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::{binary::Process, client::call, polling::Polling, server::Running};

const VALUES: usize = 30;
const VALUE_SIZE: usize = 1_000_000;
const SLOW_READERS: usize = 5;

/// Five readers of 30 MB each would have taken 150 MB, and several times that while it was collected.
#[tokio::test]
async fn slow_readers_of_megabytes_take_a_page_each() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::dev(folder.path());
    let (_, thing) = server.tokens().await;
    let value = "x".repeat(VALUE_SIZE);
    for number in 0..VALUES {
        let body = format!(r#"{{"values":[{{"key":"big","value":[{number},"{value}"]}}]}}"#);
        let path = format!("/v2/things/{thing}");
        let answer = call(server.address, "POST", &path, "", &body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    let path = format!("/v2/things/{thing}/resources/big?limit=100");
    let before = server.peak_memory();
    let mut readers = Vec::new();
    for _ in 0..SLOW_READERS {
        readers.push(begin_reading(server.address, &path).await);
    }
    let grown = server.peak_memory() - before;
    assert!(
        grown < 40_000_000,
        "{SLOW_READERS} slow readers took {grown} bytes"
    );
    // Nothing is left out of what they get when they do read.
    let all = readers.into_iter().map(|mut reader| {
        tokio::spawn(async move {
            let mut rest = Vec::new();
            reader.read_to_end(&mut rest).await.unwrap();
            rest
        })
    });
    for rest in all.collect::<Vec<_>>() {
        let rest = rest.await.unwrap();
        let values: Vec<Value> = serde_json::from_slice(&unchunked(&rest)).unwrap();
        let numbers = values
            .iter()
            .map(|value| value["value"][0].as_u64().unwrap());
        let expected = (0..u64::try_from(VALUES).unwrap()).rev();
        assert!(numbers.eq(expected));
    }
    let grown = server.peak_memory() - before;
    println!("{SLOW_READERS} readers took {grown} bytes at most");
    assert!(grown < 60_000_000, "reading took {grown} bytes");
}

const SESSIONS: usize = 400;
/// One of hyper's buffers alone has 8 KiB.
const IDLE_SESSION: usize = 12 * 1024;

#[tokio::test]
async fn an_idle_polling_session_keeps_no_buffers() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::dev(folder.path());
    let mut idle = Vec::new();
    let mut before = 0;
    for number in 0..SESSIONS + 50 {
        // The first ones pay for what all share.
        if number == 50 {
            before = server.memory();
        }
        let mut polling = Polling::session(server.address, 4).await;
        polling.park().await;
        idle.push(polling);
    }
    // Answered behind all of them.
    call(server.address, "GET", "/v2", "", "").await;
    let each = server.memory().saturating_sub(before) / SESSIONS;
    println!("an idle polling session takes {each} bytes");
    assert!(each < IDLE_SESSION, "{each} bytes");
}

/// Sends a request and reads the head of the answer, with a small window for the rest.
async fn begin_reading(server: SocketAddr, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let mut stream = socket.connect(server).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 200 "));
    stream
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    loop {
        let end = body.windows(2).position(|pair| pair == b"\r\n").unwrap();
        let length = std::str::from_utf8(&body[..end]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            return text;
        }
        text.extend_from_slice(&body[end + 2..][..length]);
        body = &body[end + 2 + length + 2..];
    }
}

// Contract 52, 63
#[tokio::test]
async fn many_pages_are_one_document() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let padding = "x".repeat(100_000);
    for number in 0..7 {
        for key in ["a", "b"] {
            let value = format!(r#"[{number},"{padding}"]"#);
            server.write(&guest.thing, key, &value).await;
        }
    }
    let (thing, session) = (&guest.thing, &guest.session);
    let read = async |path: &str, token: &str| {
        let answer = server.call("GET", path, token, "").await;
        assert!(
            answer.head.contains("transfer-encoding: chunked"),
            "{}",
            answer.head
        );
        serde_json::from_slice::<Value>(&unchunked(answer.body.as_bytes())).unwrap()
    };
    let numbers = |timeline: &Value| -> Vec<u64> {
        let numbers = timeline.as_array().unwrap().iter();
        numbers
            .map(|element| element["value"][0].as_u64().unwrap())
            .collect()
    };
    let one = read(&format!("/v2/things/{thing}/resources/a?limit=5"), "").await;
    assert_eq!(numbers(&one), [6, 5, 4, 3, 2]);
    let all = read(&format!("/v2/things/{thing}/all_resources?limit=6"), "").await;
    for (list, key) in all.as_array().unwrap().iter().zip(["a", "b"]) {
        assert_eq!(list["key"], key);
        assert_eq!(numbers(&list["values"]), [6, 5, 4, 3, 2, 1]);
    }
    let mine = read("/v2/me/resources/b?limit=100", session).await;
    assert_eq!(numbers(&mine[&guest.thing_id]), [6, 5, 4, 3, 2, 1, 0]);
    server.stop().await;
}

// Contract 54
#[tokio::test]
async fn a_small_answer_has_its_length() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let path = format!("/v2/things/{}/all_resources", guest.thing);
    let empty = server.call("GET", &path, "", "").await;
    empty.is(200, "[]");
    server.write(&guest.thing, "a", "1").await;
    let answer = server.call("GET", &path, "", "").await;
    assert!(answer.head.contains("content-length: "), "{}", answer.head);
    server.stop().await;
}
