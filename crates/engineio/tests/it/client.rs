//! An echo server on a free port, and a client that writes HTTP and WebSocket by hand.

use std::{net::SocketAddr, time::Duration};

use engineio::{
    Application, Config, EngineService, Receiver, SessionHandle,
    proto::{CloseReason, Data, SendOptions},
};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// Echoes messages and tells the test what happens to sessions.
pub(crate) struct Echo {
    events: mpsc::UnboundedSender<Happened>,
}

/// What the application has seen.
pub(crate) enum Happened {
    Opened(SessionHandle),
    Closed(CloseReason),
}

struct EchoBack {
    session: SessionHandle,
    events: mpsc::UnboundedSender<Happened>,
}

impl Application for Echo {
    fn open(&self, session: SessionHandle) -> Box<dyn Receiver> {
        let _ = self.events.send(Happened::Opened(session.clone()));
        Box::new(EchoBack {
            session,
            events: self.events.clone(),
        })
    }
}

impl Receiver for EchoBack {
    fn message(&mut self, data: Data) {
        assert_ne!(data, Data::Text("panic".into()), "planted by a test");
        let _ = self.session.send(data, SendOptions::default());
    }

    fn closed(&mut self, reason: CloseReason) {
        let _ = self.events.send(Happened::Closed(reason));
    }
}

/// A running server and what its application sees.
pub(crate) struct Server {
    pub(crate) service: EngineService,
    pub(crate) address: SocketAddr,
    pub(crate) events: mpsc::UnboundedReceiver<Happened>,
    shutdown: Option<oneshot::Sender<()>>,
}

impl Server {
    pub(crate) async fn start(config: Config) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let service = EngineService::new(config, Echo { events: sender });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, stopped) = oneshot::channel::<()>();
        let serving = service.clone();
        tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            serving.serve(listener, stopped).await.unwrap();
        });
        Self {
            service,
            address,
            events,
            shutdown: Some(shutdown),
        }
    }

    pub(crate) fn stop(&mut self) {
        let _ = self.shutdown.take().unwrap().send(());
    }

    pub(crate) async fn opened(&mut self) -> SessionHandle {
        match self.event().await {
            Happened::Opened(session) => session,
            Happened::Closed(reason) => panic!("closed: {reason}"),
        }
    }

    pub(crate) async fn closed(&mut self) -> CloseReason {
        match self.event().await {
            Happened::Closed(reason) => reason,
            Happened::Opened(_) => panic!("another session opened"),
        }
    }

    async fn event(&mut self) -> Happened {
        tokio::time::timeout(PATIENCE, self.events.recv())
            .await
            .unwrap()
            .unwrap()
    }

    /// Sends a request on a connection of its own and reads the whole answer.
    pub(crate) async fn request(&self, method: &str, target: &str, body: &str) -> Answer {
        self.request_with(method, target, "", body).await
    }

    pub(crate) async fn request_with(
        &self,
        method: &str,
        target: &str,
        headers: &str,
        body: &str,
    ) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
        Answer::parse(&String::from_utf8(answer).unwrap())
    }

    pub(crate) async fn poll(&self, sid: &str) -> Answer {
        self.request("GET", &polling(sid), "").await
    }

    pub(crate) async fn post(&self, sid: &str, body: &str) -> Answer {
        self.request("POST", &polling(sid), body).await
    }

    /// Opens a polling session and returns its sid.
    pub(crate) async fn handshake(&self) -> String {
        let answer = self.request("GET", HANDSHAKE, "").await;
        assert_eq!(answer.status, 200);
        sid_of(&answer.body)
    }

    pub(crate) async fn websocket(&self, query: &str) -> Socket {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let url = format!("ws://test/engine.io/?EIO=4&transport=websocket{query}");
        let (socket, _) = client_async(url, stream).await.unwrap();
        Socket(socket)
    }
}

/// An answer taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self {
            status,
            head: head.to_lowercase(),
            body: body.into(),
        }
    }
}

/// The client's end of a WebSocket.
pub(crate) struct Socket(pub(crate) WebSocketStream<TcpStream>);

impl Socket {
    pub(crate) async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> Message {
        let next = tokio::time::timeout(PATIENCE, self.0.next()).await;
        next.expect("a frame in time").unwrap().unwrap()
    }

    pub(crate) async fn text(&mut self) -> String {
        self.next().await.into_text().unwrap().to_string()
    }
}

/// A configuration with the quick heartbeat that tests use.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.protocol.ping_interval = Duration::from_secs(5);
    config
}

pub(crate) fn polling(sid: &str) -> String {
    format!("/engine.io/?EIO=4&transport=polling&sid={sid}")
}

pub(crate) fn sid_of(open: &str) -> String {
    let from = open.find(r#""sid":""#).unwrap() + 7;
    open[from..].split('"').next().unwrap().into()
}

pub(crate) const HANDSHAKE: &str = "/engine.io/?EIO=4&transport=polling";
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
