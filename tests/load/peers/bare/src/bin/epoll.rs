//! The limit: one thread, one epoll, the bytes of the benchmark application.
//!
//! `epoll immediate` writes to each subscriber from the publish; `epoll deferred` queues, and writes
//! once per wake-up to each connection that has something.
#![forbid(unsafe_code)]

use std::{
    collections::HashMap,
    io::{self, Read, Write},
};

use bare_peer::{CONNECTED, JOINED, OPEN, Request, echo, event, websocket};
use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};
use slab::Slab;

const LISTENER: Token = Token(usize::MAX);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Writes {
    Immediate,
    Deferred,
}

struct Connection {
    stream: TcpStream,
    stage: Stage,
    /// What came and is not a whole frame yet.
    input: Vec<u8>,
    /// What is to be written.
    output: Vec<u8>,
    rooms: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Request,
    Frames,
}

struct Server {
    writes: Writes,
    connections: Slab<Connection>,
    rooms: HashMap<String, Vec<usize>>,
    /// Connections whose output waits for the end of the wake-up.
    dirty: Vec<usize>,
    chunk: Vec<u8>,
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let writes = match arguments.next().as_deref() {
        Some("immediate") => Writes::Immediate,
        Some("deferred") => Writes::Deferred,
        _ => return Err(io::Error::other("usage: epoll immediate|deferred [PORT]")),
    };
    let port = arguments.next().unwrap_or_else(|| "0".into());
    let address = format!("127.0.0.1:{port}").parse().map_err(io::Error::other)?;
    let mut listener = TcpListener::bind(address)?;
    println!("http://{}/socket.io/", listener.local_addr()?);
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut server = Server::new(writes);
    let mut events = Events::with_capacity(1024);
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            match event.token() {
                LISTENER => server.accept(&poll, &listener)?,
                Token(id) => {
                    server.flush(id);
                    server.read(id);
                }
            }
        }
        for id in std::mem::take(&mut server.dirty) {
            server.flush(id);
        }
    }
}

impl Server {
    fn new(writes: Writes) -> Self {
        Self {
            writes,
            connections: Slab::new(),
            rooms: HashMap::new(),
            dirty: Vec::new(),
            chunk: vec![0; 64 * 1024],
        }
    }

    fn accept(&mut self, poll: &Poll, listener: &TcpListener) -> io::Result<()> {
        loop {
            let (mut stream, _) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let entry = self.connections.vacant_entry();
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, Token(entry.key()), both)?;
            entry.insert(Connection {
                stream,
                stage: Stage::Request,
                input: Vec::new(),
                output: Vec::new(),
                rooms: Vec::new(),
            });
        }
    }

    fn read(&mut self, id: usize) {
        loop {
            let Some(connection) = self.connections.get_mut(id) else { return };
            match connection.stream.read(&mut self.chunk) {
                Ok(0) => return self.remove(id),
                Ok(length) => {
                    let mut input = std::mem::take(&mut connection.input);
                    input.extend(&self.chunk[..length]);
                    self.handle(id, input);
                    if length < self.chunk.len() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return self.remove(id),
            }
        }
    }

    fn handle(&mut self, id: usize, mut input: Vec<u8>) {
        let mut start = 0;
        if self.connections[id].stage == Stage::Request {
            let Some((answer, taken)) = websocket::upgrade(&input) else {
                self.connections[id].input = input;
                return;
            };
            start = taken;
            self.connections[id].stage = Stage::Frames;
            let mut bytes = answer.into_bytes();
            bytes.extend(websocket::frame(OPEN));
            self.send(id, &bytes);
        }
        while let Some((payload, taken)) = websocket::unmask(&mut input[start..]) {
            start += taken;
            if let Ok(text) = std::str::from_utf8(payload) {
                self.answer(id, Request::parse(text));
            }
        }
        if start < input.len()
            && let Some(connection) = self.connections.get_mut(id)
        {
            connection.input = input.split_off(start);
        }
    }

    fn answer(&mut self, id: usize, request: Request<'_>) {
        match request {
            Request::Connect => self.send(id, &websocket::frame(CONNECTED)),
            Request::Join { topic } => {
                self.rooms.entry(topic.into()).or_default().push(id);
                self.connections[id].rooms.push(topic.into());
                self.send(id, &websocket::frame(JOINED));
            }
            Request::Echo { payload } => self.send(id, &websocket::frame(&echo(payload))),
            Request::Publish { topic, payload } => {
                let frame = websocket::frame(&event(payload));
                let members = self.rooms.remove(topic).unwrap_or_default();
                for member in &members {
                    self.send(*member, &frame);
                }
                self.rooms.insert(topic.into(), members);
            }
            Request::Unknown => {}
        }
    }

    fn send(&mut self, id: usize, bytes: &[u8]) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        if connection.output.is_empty() && self.writes == Writes::Immediate {
            // A failure shows again when the connection is read.
            let written = connection.stream.write(bytes).unwrap_or(0);
            connection.output.extend(&bytes[written..]);
            return;
        }
        if connection.output.is_empty() {
            self.dirty.push(id);
        }
        connection.output.extend(bytes);
    }

    fn flush(&mut self, id: usize) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        if connection.output.is_empty() {
            return;
        }
        let written = connection.stream.write(&connection.output).unwrap_or(0);
        if written == connection.output.len() {
            // An idle connection keeps no buffer.
            connection.output = Vec::new();
        } else {
            connection.output.drain(..written);
        }
    }

    fn remove(&mut self, id: usize) {
        for room in self.connections.remove(id).rooms {
            if let Some(members) = self.rooms.get_mut(&room) {
                members.retain(|member| *member != id);
            }
        }
    }
}
