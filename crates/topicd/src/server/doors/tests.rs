//! Connections from addresses that this machine has not.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::{Config, Server};

/// A connection as from `peer`, and the client's end of it.
async fn knock(listener: &TcpListener, peer: &str) -> (Knock, TcpStream) {
    let client = TcpStream::connect(listener.local_addr().unwrap());
    let (client, accepted) = tokio::join!(client, listener.accept());
    let knock = Knock {
        stream: accepted.unwrap().0,
        peer: SocketAddr::new(peer.parse().unwrap(), 1),
        tls: None,
    };
    (knock, client.unwrap())
}

/// The head and body of an answer that fits into one read.
async fn ask(client: &mut TcpStream) -> String {
    let request = b"GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n";
    client.write_all(request).await.unwrap();
    let mut answer = String::new();
    let mut piece = [0; 4096];
    while !answer.ends_with('}') {
        let count = client.read(&mut piece).await.unwrap();
        assert!(count > 0, "{answer}");
        answer.push_str(std::str::from_utf8(&piece[..count]).unwrap());
    }
    answer.to_ascii_lowercase()
}

#[tokio::test]
async fn one_address_cannot_take_all_places() {
    const PROXY: &str = "203.0.113.1";
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config {
        data_dir: folder.path().to_owned(),
        ..Config::default()
    };
    config.limits.connections_per_address = 2;
    config.proxy.trusted = vec![PROXY.to_owned()];
    let server = Server::open(&config).unwrap();
    let front = server.front();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (mut connections, ending) = (Connections::new(), CancellationToken::new());
    let come = async |connections: &mut Connections, peer: &str| {
        let (knock, mut client) = knock(&listener, peer).await;
        connections.take(knock, &front, &ending);
        let answer = ask(&mut client).await;
        (client, answer)
    };
    let mut inside = Vec::new();
    for peer in [
        "203.0.113.9",
        "203.0.113.9",
        "203.0.113.8",
        PROXY,
        PROXY,
        PROXY,
    ] {
        let (client, answer) = come(&mut connections, peer).await;
        assert!(answer.starts_with("http/1.1 401 "), "{peer}: {answer}");
        inside.push(client);
    }
    let (_, refused) = come(&mut connections, "203.0.113.9").await;
    assert!(refused.starts_with("http/1.1 503 "), "{refused}");
    assert!(refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
    assert!(refused.contains("from this address"), "{refused}");

    inside.remove(0);
    connections.served.join_next().await.unwrap().unwrap();
    let (_, served) = come(&mut connections, "203.0.113.9").await;
    assert!(served.starts_with("http/1.1 401 "), "{served}");
}
