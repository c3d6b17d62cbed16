//! Our side of the wire: a client that can be right or wrong on purpose.
//!
//! Everything is written byte by byte over blocking sockets. Nothing here judges the server beyond
//! what the helper's name says; the cases do that.

mod connection;
pub(crate) mod engineio;
pub(crate) mod frame;
pub(crate) mod http;
pub(crate) mod msgpack;
pub(crate) mod response;
pub(crate) mod socketio;
pub(crate) mod websocket;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

pub(crate) use connection::Connection;

use crate::case::Failure;
use crate::target::Target;
use crate::transcript::Transcript;
use http::{Exchange, Request};
use response::Response;

/// The client of one case. Connections it opens are numbered and recorded.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) target: Rc<Target>,
    transcript: Transcript,
    connections: Cell<usize>,
}

impl Peer {
    pub(crate) fn new(target: Rc<Target>) -> Self {
        Self {
            target,
            transcript: Transcript::new(),
            connections: Cell::new(0),
        }
    }

    /// Opens a numbered TCP connection.
    pub(crate) fn connect(&self) -> Result<Connection, Failure> {
        let number = self.connections.get() + 1;
        self.connections.set(number);
        let stream = self.target.connect()?;
        Ok(Connection::new(
            stream,
            number,
            self.transcript.clone(),
            self.target.patience(),
        ))
    }

    /// Sends `request` on a new connection; the answer is read later, from the exchange.
    pub(crate) fn start(&self, request: &Request) -> Result<Exchange, Failure> {
        let mut connection = self.connect()?;
        connection.write(&request.encode(&self.target.authority))?;
        Ok(Exchange::new(connection, request.method()))
    }

    /// Sends `request` on a new connection and waits for the answer.
    pub(crate) fn request(&self, request: &Request) -> Result<Response, Failure> {
        self.start(request)?.response()
    }

    /// `GET <path>?<query>`.
    pub(crate) fn get(&self, query: &str) -> Result<Response, Failure> {
        self.request(&self.getting(query))
    }

    /// A GET of `<path>?<query>`, to be completed and sent.
    pub(crate) fn getting(&self, query: &str) -> Request {
        self.requesting("GET", query)
    }

    /// A POST of `body` to `<path>?<query>`, to be completed and sent.
    pub(crate) fn posting(&self, query: &str, body: impl Into<Vec<u8>>) -> Request {
        self.requesting("POST", query)
            .header("Content-Type", "text/plain;charset=UTF-8")
            .body(body)
    }

    /// A request of `<path>?<query>` with any method.
    pub(crate) fn requesting(&self, method: &'static str, query: &str) -> Request {
        Request::new(method, format!("{}?{query}", self.target.path))
    }

    /// Lets time pass where time is the input of the case.
    pub(crate) fn wait(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    pub(crate) fn into_transcript(self) -> Transcript {
        self.transcript
    }
}
