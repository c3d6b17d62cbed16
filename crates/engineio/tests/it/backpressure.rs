//! An application that has enough, and a queue that fills.

use engineio::proto::CloseReason;

use crate::client::{Server, config};

#[tokio::test]
async fn a_paused_session_takes_no_second_upload() {
    let mut server = Server::start(config()).await;
    let sid = server.handshake().await;
    let session = server.opened().await;
    session.pause();
    let (one, other) = tokio::join!(server.post(&sid, "4one"), server.post(&sid, "4other"));
    assert_eq!((one.status, other.status), (400, 400));
    assert_eq!(server.closed().await, CloseReason::TransportError);
    assert_eq!(server.messages(), 0);
}

#[tokio::test]
async fn a_resumed_session_takes_the_upload_that_waited() {
    let mut server = Server::start(config()).await;
    let sid = server.handshake().await;
    let session = server.opened().await;
    session.pause();
    let resume = async {
        tokio::task::yield_now().await;
        session.resume();
    };
    let (posted, ()) = tokio::join!(server.post(&sid, "4waited"), resume);
    assert_eq!(posted.body, "ok");
    assert_eq!(server.poll(&sid).await.body, "4waited");
}

#[tokio::test]
async fn a_paused_websocket_is_read_again_once_it_is_resumed() {
    let mut server = Server::start(config()).await;
    let mut socket = server.websocket("").await;
    socket.text().await;
    let session = server.opened().await;
    session.pause();
    tokio::task::yield_now().await;
    socket.send("4waited").await;
    // Whatever the server could read by now, it has read.
    for _ in 0..3 {
        server.request("GET", "/elsewhere", "").await;
    }
    assert_eq!(server.messages(), 0);
    session.resume();
    assert_eq!(socket.text().await, "4waited");
}
