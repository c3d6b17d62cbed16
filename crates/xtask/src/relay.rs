//! A line between clients and a server that can be cut, as a network is.
//!
//! `POST /cut` at its address ends all connections and refuses new ones, `POST /mend` lets new ones
//! through; everything else goes to the server as it comes.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

const DONE: &[u8] = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";

/// A running relay; it ends with all its connections when it is dropped.
pub(crate) struct Relay {
    address: SocketAddr,
    line: Arc<Line>,
}

struct Line {
    server: String,
    connections: Mutex<Connections>,
}

#[derive(Default)]
struct Connections {
    state: State,
    /// Both ends of each, to cut them.
    open: HashMap<SocketAddr, [TcpStream; 2]>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Up,
    Cut,
    Ended,
}

impl Relay {
    /// Starts one on a free port of the loopback.
    pub(crate) fn start(server: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let line = Arc::new(Line {
            server: server.into(),
            connections: Mutex::default(),
        });
        let shared = Arc::clone(&line);
        thread::spawn(move || accept(&listener, &shared));
        Ok(Self { address, line })
    }

    /// `http://127.0.0.1:PORT`, without a slash behind it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.line.switch_to(State::Ended);
        // Wakes the thread that accepts, so that it sees the end.
        let _ = TcpStream::connect(self.address);
    }
}

impl Line {
    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn switch_to(&self, state: State) {
        let mut connections = self.connections();
        connections.state = state;
        if state != State::Up {
            for (_, ends) in connections.open.drain() {
                end(&ends);
            }
        }
    }

    /// Serves one connection of a client to its end.
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let head = first_line(&mut client)?;
        if head.starts_with(b"POST /cut ") {
            self.switch_to(State::Cut);
            client.write_all(DONE)
        } else if head.starts_with(b"POST /mend ") {
            self.switch_to(State::Up);
            client.write_all(DONE)
        } else {
            self.pass_on(client, &head)
        }
    }

    fn pass_on(&self, client: TcpStream, head: &[u8]) -> io::Result<()> {
        let mut server = TcpStream::connect(&self.server)?;
        let name = client.peer_addr()?;
        let ends = [client.try_clone()?, server.try_clone()?];
        {
            let mut connections = self.connections();
            if connections.state != State::Up {
                return Ok(());
            }
            connections.open.insert(name, ends);
        }
        server.write_all(head)?;
        let (from_server, to_client) = (server.try_clone()?, client.try_clone()?);
        let back = thread::spawn(move || copy(from_server, to_client));
        copy(client, server);
        // The other direction ends as well, since `copy` ends both.
        let _ = back.join();
        self.connections().open.remove(&name);
        Ok(())
    }
}

fn accept(listener: &TcpListener, line: &Arc<Line>) {
    for client in listener.incoming() {
        if line.connections().state == State::Ended {
            return;
        }
        if let Ok(client) = client {
            let line = Arc::clone(line);
            thread::spawn(move || line.serve(client));
        }
    }
}

/// What has come once the first line has, which says what is asked for.
fn first_line(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    while !head.contains(&b'\n') {
        match client.read(&mut chunk)? {
            0 => break,
            length => head.extend_from_slice(&chunk[..length]),
        }
    }
    Ok(head)
}

/// Copies one direction; its end, however it comes, is the end of both.
fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    end(&[from, to]);
}

fn end(ends: &[TcpStream]) {
    for stream in ends {
        // One that is closed already is what we want.
        let _ = stream.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(address: SocketAddr, text: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // A connection that is cut may end with an error.
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    #[test]
    fn a_line_passes_is_cut_and_is_mended() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Relay::start(&server.local_addr().unwrap().to_string()).unwrap();
        thread::spawn(move || {
            for stream in server.incoming() {
                let mut stream = stream.unwrap();
                let mut line = [0; 2];
                // One that came while the line was cut says nothing.
                if stream.read_exact(&mut line).is_ok() {
                    stream.write_all(&line).unwrap();
                    // Held open, so that only a cut ends it.
                    thread::spawn(move || stream.read(&mut line));
                }
            }
        });

        let mut open = TcpStream::connect(relay.address).unwrap();
        let mut line = [0; 2];
        open.write_all(b"1\n").unwrap();
        open.read_exact(&mut line).unwrap();
        assert_eq!(line, *b"1\n");

        assert_eq!(ask(relay.address, "POST /cut HTTP/1.1\r\n\r\n"), DONE);
        assert!(matches!(open.read(&mut line), Ok(0) | Err(_)));
        assert_eq!(ask(relay.address, "2\n"), b"");

        assert_eq!(ask(relay.address, "POST /mend HTTP/1.1\r\n\r\n"), DONE);
        let mut again = TcpStream::connect(relay.address).unwrap();
        again.write_all(b"3\n").unwrap();
        again.read_exact(&mut line).unwrap();
        assert_eq!(line, *b"3\n");
    }
}
