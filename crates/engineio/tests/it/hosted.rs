//! Connections that another host has accepted, of any stream, with other things on them.

use std::{convert::Infallible, io, time::Duration};

use bytes::Bytes;
use engineio::{
    EngineService, Http1, Limits, RequestBody,
    proto::{Data, SendOptions, SendOutcome},
};
use futures_util::{SinkExt, StreamExt, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{client_async, tungstenite::Message};

use crate::client::{HANDSHAKE, PATIENCE, Server, config, polling, sid_of};

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A connection of a host that serves the engine, and a stream of `parts` at every other path.
struct Hosted {
    far: DuplexStream,
    parts: mpsc::Sender<&'static str>,
    shutdown: Option<oneshot::Sender<()>>,
    serving: JoinHandle<io::Result<()>>,
}

impl Hosted {
    fn start(engine: EngineService) -> Self {
        let (near, far) = duplex(64 * 1024);
        let (parts, rest) = mpsc::channel(1);
        let (shutdown, ended) = oneshot::channel();
        let rest = std::sync::Mutex::new(Some(rest));
        let serving = tokio::spawn(async move {
            let answer = |request: Request<RequestBody>| {
                let answering = match engine.serves(request.uri().path()) {
                    true => Ok(engine.answer(request)),
                    false => Err(rest.lock().unwrap().take().unwrap()),
                };
                async move {
                    match answering {
                        Ok(answering) => answering.await.map(BodyExt::boxed_unsync),
                        Err(rest) => Response::new(streamed(rest)),
                    }
                }
            };
            let ended = async { drop(ended.await) };
            let http = Http1::new(&Limits::default()).last_answer(PATIENCE);
            http.serve_connection(near, answer, ended).await
        });
        Self {
            far,
            parts,
            shutdown: Some(shutdown),
            serving,
        }
    }

    async fn send(&mut self, method: &str, target: &str, body: &str) {
        let length = body.len();
        let text = format!(
            "{method} {target} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.far.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads up to this text.
    async fn until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let byte = timeout(PATIENCE, self.far.read_u8()).await;
            let byte = byte.unwrap_or_else(|_| panic!("no {end:?} in {text:?}"));
            text.push(byte.unwrap().into());
        }
        text
    }

    async fn ended(self) -> io::Result<()> {
        let ended = timeout(PATIENCE, self.serving).await;
        ended.expect("the connection ends").unwrap()
    }
}

fn streamed(parts: mpsc::Receiver<&'static str>) -> Body {
    let parts = stream::unfold(parts, async |mut parts| {
        let part = parts.recv().await.filter(|part| !part.is_empty())?;
        Some((Ok(Frame::data(Bytes::from(part))), parts))
    });
    StreamBody::new(parts).boxed_unsync()
}

#[tokio::test]
async fn a_host_has_the_engine_and_other_paths_on_one_connection() {
    let mut server = Server::start(config()).await;
    let mut hosted = Hosted::start(server.service.clone());
    hosted.send("GET", HANDSHAKE, "").await;
    let opened = hosted.until("}").await;
    let target = polling(&sid_of(opened.split("\r\n\r\n").nth(1).unwrap()));
    let session = server.opened().await;
    hosted.send("POST", &target, "4up").await;
    hosted.until("\r\n\r\nok").await;
    hosted.send("GET", &target, "").await;
    hosted.until("\r\n\r\n4up").await;

    hosted.send("GET", &target, "").await;
    let hello = Data::Text("hello".into());
    let sent = session.send(hello, SendOptions::default());
    assert_eq!(sent, Ok(SendOutcome::Queued));
    hosted.until("\r\n\r\n4hello").await;

    hosted.send("GET", "/stream", "").await;
    // The head does not wait for the body.
    let head = hosted.until("\r\n\r\n").await;
    assert!(
        head.contains("\r\ntransfer-encoding: chunked\r\n"),
        "{head}"
    );
    for part in ["one", "two"] {
        hosted.parts.send(part).await.unwrap();
        assert_eq!(hosted.until(part).await, format!("3\r\n{part}"));
        hosted.until("\r\n").await;
    }
    hosted.parts.send("").await.unwrap();
    assert_eq!(hosted.until("0\r\n\r\n").await, "0\r\n\r\n");

    let url = "ws://test/engine.io/?EIO=4&transport=websocket";
    let (mut socket, _) = client_async(url, hosted.far).await.unwrap();
    socket.send(Message::text("4echo")).await.unwrap();
    for expected in ["0{", "4echo"] {
        let message = timeout(PATIENCE, socket.next()).await.unwrap().unwrap();
        let text = message.unwrap().into_text().unwrap();
        assert!(text.starts_with(expected), "{text}");
    }
}

#[tokio::test]
async fn a_stream_that_its_client_leaves_ends() {
    let server = Server::start(config()).await;
    let mut hosted = Hosted::start(server.service.clone());
    hosted.send("GET", "/stream", "").await;
    hosted.until("\r\n\r\n").await;
    drop(std::mem::replace(&mut hosted.far, duplex(1).0));
    let left = timeout(PATIENCE, hosted.parts.closed()).await;
    left.expect("nobody waits for parts any more");
    hosted.ended().await.unwrap();
}

#[tokio::test]
async fn the_answer_that_is_on_its_way_is_the_last_one() {
    let server = Server::start(config()).await;
    let mut hosted = Hosted::start(server.service.clone());
    hosted.send("GET", "/stream", "").await;
    hosted.until("\r\n\r\n").await;
    hosted.shutdown.take().unwrap().send(()).unwrap();
    // Shutting down does not cut it off, and it is the last request that is read.
    let never = timeout(Duration::from_millis(50), &mut hosted.serving).await;
    never.expect_err("still on its way");
    hosted.send("GET", HANDSHAKE, "").await;
    hosted.parts.send("last").await.unwrap();
    hosted.parts.send("").await.unwrap();
    hosted.until("last\r\n0\r\n\r\n").await;
    assert_eq!(hosted.far.read(&mut [0]).await.unwrap(), 0);
    hosted.ended().await.unwrap();
    assert_eq!(server.service.sessions(), 0);
}

#[tokio::test]
async fn a_host_is_told_what_was_no_http() {
    let server = Server::start(config()).await;
    let mut hosted = Hosted::start(server.service.clone());
    hosted.far.write_all(b"no http\r\n\r\n").await.unwrap();
    hosted.until("HTTP/1.1 400 ").await;
    let error = hosted.ended().await.unwrap_err();
    let error = error.get_ref().unwrap().downcast_ref::<hyper::Error>();
    assert!(error.unwrap().is_parse());
}
