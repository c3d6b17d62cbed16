//! Clients that do what no client should.

use std::time::Duration;

use engineio::proto::{CloseReason, Data, SendOptions, SendOutcome};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Handle,
};

use crate::client::{PATIENCE, Server, WEBSOCKET, config, polling};

#[tokio::test]
async fn frames_behind_the_handshake_are_counted_like_all_others() {
    let server = Server::start(config()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let mut bytes = format!(
        "GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: test\r\n{WEBSOCKET}\r\n"
    )
    .into_bytes();
    bytes.extend([0x89, 0x80, 1, 2, 3, 4].repeat(101));
    stream.write_all(&bytes).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    let policy_violation = [0x88, 2, 0x03, 0xf0];
    assert!(answer.ends_with(&policy_violation), "{answer:?}");
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up() {
    let mut config = config();
    config.protocol.limits.blocked_write = Duration::from_millis(100);
    let mut server = Server::start(config).await;
    let sid = server.handshake().await;
    let session = server.opened().await;
    let alive = || Handle::current().metrics().num_alive_tasks();
    let before = alive();
    // More than the buffers of both ends take.
    let message = Data::Binary(vec![0; 32 * 1024 * 1024].into());
    let sent = session.send(message, SendOptions::default());
    assert_eq!(sent, Ok(SendOutcome::Queued));
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!("GET {} HTTP/1.1\r\nHost: test\r\n\r\n", polling(&sid));
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.readable().await.unwrap();
    assert!(alive() > before);
    let given_up = async {
        while alive() > before {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, given_up).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_breaks_while_it_is_not_read_leaves_no_task() {
    let mut server = Server::start(config()).await;
    server.handshake().await;
    server.opened().await;
    let alive = || Handle::current().metrics().num_alive_tasks();
    let before = alive();
    let mut socket = server.websocket("").await;
    socket.text().await;
    let session = server.opened().await;
    session.pause();
    socket.reset();
    while !session.is_closed() {
        let _ = session.send(Data::Text("hello".into()), SendOptions::default());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(server.closed().await, CloseReason::TransportClose);
    let ended = async {
        while alive() > before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.unwrap();
}
