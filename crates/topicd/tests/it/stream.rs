//! Live values over HTTP, chunk by chunk: each holds exactly one document.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

use crate::server::Running;

const PATIENCE: Duration = Duration::from_secs(10);
pub(crate) const GREETING: &str = r#"{"status":"success","message":"subscribed"}"#;

pub(crate) struct Stream {
    connection: BufReader<TcpStream>,
    pub(crate) head: String,
}

impl Stream {
    /// Sends the request and reads the head of the answer.
    pub(crate) async fn open(server: &Running, path: &str, session: &str) -> Self {
        Self::open_at(server.address, path, session).await
    }

    pub(crate) async fn open_at(server: SocketAddr, path: &str, session: &str) -> Self {
        let mut connection = BufReader::new(TcpStream::connect(server).await.unwrap());
        let request = format!("GET {path} HTTP/1.1\r\nHost: h\r\nAuthorization: {session}\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = connection.read_line(&mut head);
            assert!(timeout(PATIENCE, read).await.expect("silence").unwrap() > 0);
        }
        Self { connection, head }
    }

    /// The next chunk; nothing if it is the last one.
    pub(crate) async fn chunk(&mut self) -> Option<String> {
        timeout(PATIENCE, self.read_chunk()).await.expect("silence")
    }

    async fn read_chunk(&mut self) -> Option<String> {
        let mut size = String::new();
        self.connection.read_line(&mut size).await.unwrap();
        let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        self.connection.read_exact(&mut chunk).await.unwrap();
        assert!(chunk.ends_with(b"\r\n"));
        chunk.truncate(size);
        (size > 0).then(|| String::from_utf8(chunk).unwrap())
    }

    pub(crate) async fn expect(&mut self, document: &str) {
        assert_eq!(self.chunk().await.as_deref(), Some(document));
    }

    /// The values of the next chunk, which must be an update.
    pub(crate) async fn values(&mut self) -> Vec<serde_json::Value> {
        let chunk = self.chunk().await.expect("the stream has ended");
        serde_json::from_str(&chunk).unwrap_or_else(|_| panic!("no update: {chunk}"))
    }
}

// Contract 55
#[tokio::test]
async fn a_thing_streams_all_its_values_one_document_a_chunk() {
    let server = Running::start().await;
    let (thing, _) = server.thing().await;
    server.write(&thing, "temperature", "1").await;
    let mut stream = Stream::open(&server, &format!("/v2/things/{thing}"), "").await;
    assert!(stream.head.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(stream.head.contains("transfer-encoding: chunked\r\n"));
    stream.expect(GREETING).await;
    for number in 2..20 {
        server
            .write(&thing, "temperature", &number.to_string())
            .await;
    }
    server.write(&thing, "door", r#""21.50""#).await;
    for number in 2..20 {
        let values = stream.values().await;
        assert_eq!(values.len(), 1);
        assert_eq!(values[0]["value"], number);
    }
    let chunk = stream.chunk().await.unwrap();
    let start = r#"[{"key":"door","value":"21.50","datetime":""#;
    assert!(chunk.starts_with(start), "{chunk}");
    assert!(!chunk.contains("thingId"));
    server.stop().await;
}

// Contract 66
#[tokio::test]
async fn a_resource_streams_the_values_of_all_linked_things() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let (other, other_id) = server.thing().await;
    let path = "/v2/me/resources/temperature?keepAlive=60000";
    let mut stream = Stream::open(&server, path, &guest.session).await;
    stream.expect(GREETING).await;
    server.write(&guest.thing, "humidity", "40").await;
    server.write(&other, "temperature", "1").await;
    server.write(&guest.thing, "temperature", "2").await;
    let values = stream.values().await;
    assert_eq!(values[0]["value"], 2);
    assert_eq!(values[0]["thingId"], guest.thing_id.as_str());
    server.link(&guest.session, &other).await;
    server.write(&other, "temperature", "3").await;
    assert_eq!(stream.values().await[0]["thingId"], other_id.as_str());
    let unlink = format!("/v2/me/things/{other_id}");
    server.call("DELETE", &unlink, &guest.session, "").await;
    server.write(&other, "temperature", "4").await;
    server.write(&guest.thing, "temperature", "5").await;
    assert_eq!(stream.values().await[0]["value"], 5);
    server.stop().await;
}

// Contract 55
#[tokio::test]
async fn silence_is_broken_by_empty_documents() {
    let server = Running::start().await;
    let (thing, _) = server.thing().await;
    // Less than may be asked for: it becomes a second.
    let path = format!("/v2/things/{thing}/?keepAlive=1");
    let mut stream = Stream::open(&server, &path, "").await;
    stream.expect(GREETING).await;
    let begin = tokio::time::Instant::now();
    stream.expect("{}").await;
    stream.expect("{}").await;
    assert!(begin.elapsed() >= Duration::from_millis(1900));
    server.write(&thing, "a", "1").await;
    assert_eq!(stream.values().await[0]["value"], 1);
    stream.expect("{}").await;
    server.stop().await;
}

#[tokio::test]
async fn a_logout_ends_the_streams_of_its_session_alone() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let path = "/v2/me/resources/temperature?keepAlive=";
    let mut of_user = Stream::open(&server, path, &guest.session).await;
    let mut of_thing = Stream::open(&server, &format!("/v2/things/{}", guest.thing), "").await;
    of_user.expect(GREETING).await;
    of_thing.expect(GREETING).await;
    let answer = server.call("POST", "/v2/logout", &guest.session, "").await;
    assert_eq!(answer.status, 200);
    server.write(&guest.thing, "temperature", "1").await;
    let reason = r#"{"status":"error","message":"Invalid session token"}"#;
    of_user.expect(reason).await;
    assert_eq!(of_user.chunk().await, None);
    assert_eq!(of_thing.values().await[0]["value"], 1);
    server.stop().await;
}

// Contract 66
#[tokio::test]
async fn a_stream_ends_with_the_session_that_expires() {
    let server = Running::start().await;
    server.user("anna@example.com").await;
    let body = r#"{"email":"anna@example.com","app":"a","expiresIn":1}"#;
    let made = server.admin("POST", "/admin/tokens", body).await;
    let session = made.field("token");
    let path = "/v2/me/resources/temperature?keepAlive=";
    let mut stream = Stream::open(&server, path, &session).await;
    stream.expect(GREETING).await;
    let reason = r#"{"status":"error","message":"Invalid session token"}"#;
    stream.expect(reason).await;
    assert_eq!(stream.chunk().await, None);
    server.stop().await;
}

#[tokio::test]
async fn who_may_not_listen_gets_a_plain_error() {
    let server = Running::start().await;
    let (thing, _) = server.thing().await;
    let unknown = server.call("GET", "/v2/things/nobody", "", "").await;
    let body = r#"{"status":"error","code":404,"message":"thing not found"}"#;
    unknown.is(404, body);
    let path = "/v2/me/resources/temperature?keepAlive=1000";
    let stranger = server.call("GET", path, "nobody", "").await;
    assert_eq!(stranger.status, 401);
    let path = format!("/v2/things/{thing}?keepAlive=often");
    let malformed = server.call("GET", &path, "", "").await;
    assert_eq!(malformed.status, 400);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_ends_says_so_and_closes_the_store() {
    let server = Running::start().await;
    let (thing, _) = server.thing().await;
    let mut stream = Stream::open(&server, &format!("/v2/things/{thing}"), "").await;
    stream.expect(GREETING).await;
    server.write(&thing, "a", "1").await;
    let path = format!("/v2/things/{thing}/resources/a");
    assert_eq!(server.call("GET", &path, "", "").await.status, 200);
    let log = server.folder().join("topicd.sqlite-wal");
    assert!(log.exists());
    let folder = server.stop().await;
    assert_eq!(stream.values().await[0]["value"], 1);
    let reason = r#"{"status":"error","message":"the server is shutting down"}"#;
    stream.expect(reason).await;
    assert_eq!(stream.chunk().await, None);
    // A store that was closed has written its log into the file.
    assert!(!log.exists());
    drop(folder);
}
