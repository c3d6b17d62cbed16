//! An echo server on a free port, and a client that writes HTTP and WebSocket by hand.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use engineio::{
    Application, Config, EngineService, Receiver, SessionHandle,
    proto::{CloseReason, Data, SendOptions},
};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// Echoes messages and tells the test what happens to sessions.
#[derive(Clone)]
pub(crate) struct Echo {
    events: mpsc::UnboundedSender<Happened>,
    messages: Arc<AtomicUsize>,
}

/// What the application has seen.
#[derive(Debug)]
pub(crate) enum Happened {
    Opened(SessionHandle),
    Closed(CloseReason),
    HighWater,
    LowWater,
}

struct EchoBack {
    session: SessionHandle,
    echo: Echo,
}

impl Application for Echo {
    fn open(&self, session: SessionHandle) -> Box<dyn Receiver> {
        let planted = session.handshake().query().contains("panic");
        assert!(!planted, "planted by a test");
        let _ = self.events.send(Happened::Opened(session.clone()));
        let echo = self.clone();
        Box::new(EchoBack { session, echo })
    }
}

impl Receiver for EchoBack {
    fn message(&mut self, data: Data) {
        assert_ne!(data, Data::Text("panic".into()), "planted by a test");
        self.echo.messages.fetch_add(1, Ordering::Relaxed);
        let _ = self.session.send(data, SendOptions::default());
    }

    fn high_water(&mut self) {
        let _ = self.echo.events.send(Happened::HighWater);
    }

    fn low_water(&mut self) {
        let _ = self.echo.events.send(Happened::LowWater);
    }

    fn closed(&mut self, reason: CloseReason) {
        let _ = self.echo.events.send(Happened::Closed(reason));
    }
}

/// A running server and what its application sees.
pub(crate) struct Server {
    pub(crate) service: EngineService,
    pub(crate) address: SocketAddr,
    pub(crate) events: mpsc::UnboundedReceiver<Happened>,
    messages: Arc<AtomicUsize>,
    shutdown: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(config: Config) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let messages = Arc::new(AtomicUsize::new(0));
        let echo = Echo {
            events: sender,
            messages: Arc::clone(&messages),
        };
        let service = EngineService::new(config, echo);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, stopped) = oneshot::channel::<()>();
        let stand_alone = service.clone();
        let serving = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            stand_alone.serve(listener, stopped).await.unwrap();
        });
        Self {
            service,
            address,
            events,
            messages,
            shutdown: Some(shutdown),
            serving,
        }
    }

    pub(crate) fn stop(&mut self) {
        let _ = self.shutdown.take().unwrap().send(());
    }

    /// Waits until `serve` has returned.
    pub(crate) async fn stopped(&mut self) {
        let serving = &mut self.serving;
        tokio::time::timeout(PATIENCE, serving)
            .await
            .unwrap()
            .unwrap();
    }

    /// Messages that the application has got so far.
    pub(crate) fn messages(&self) -> usize {
        self.messages.load(Ordering::Relaxed)
    }

    pub(crate) async fn opened(&mut self) -> SessionHandle {
        match self.event().await {
            Happened::Opened(session) => session,
            other => panic!("not opened: {other:?}"),
        }
    }

    pub(crate) async fn closed(&mut self) -> CloseReason {
        match self.event().await {
            Happened::Closed(reason) => reason,
            other => panic!("not closed: {other:?}"),
        }
    }

    pub(crate) async fn event(&mut self) -> Happened {
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
        let connection = match headers.contains("Connection:") {
            true => "",
            false => "Connection: close\r\n",
        };
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: test\r\n{connection}\
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
/// The headers that ask for a WebSocket.
pub(crate) const WEBSOCKET: &str = "Connection: Upgrade, close\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
