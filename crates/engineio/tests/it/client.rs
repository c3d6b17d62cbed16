//! An echo server on a free port, and what its clients do most.

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
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

pub(crate) use crate::peer::{
    Answer, HANDSHAKE, Http, PATIENCE, Socket, WEBSOCKET, polling, sid_of,
};

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
        let mut connection = Http::connect(self.address).await;
        let headers = format!("Connection: close\r\n{headers}");
        connection.send(method, target, &headers, body).await;
        let answer = connection.answer().await;
        connection.end().await;
        answer
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
        Socket::connect(self.address, query).await
    }
}

/// A configuration with the quick heartbeat that tests use.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.protocol.ping_interval = Duration::from_secs(5);
    config
}
