//! A TCP proxy on the loopback that keeps what clients send, in the order in which it arrived.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Some bytes of one connection.
pub(super) struct Chunk {
    /// Counts the connections.
    pub(super) connection: usize,
    pub(super) bytes: Vec<u8>,
}

type Chunks = Arc<Mutex<Vec<Chunk>>>;

/// A running proxy.
pub(super) struct Proxy {
    address: SocketAddr,
    chunks: Chunks,
    stopped: Arc<AtomicBool>,
}

impl Proxy {
    pub(super) fn start(server: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let proxy = Self {
            address: listener.local_addr()?,
            chunks: Chunks::default(),
            stopped: Arc::default(),
        };
        let (chunks, stopped) = (Arc::clone(&proxy.chunks), Arc::clone(&proxy.stopped));
        let server = server.to_owned();
        thread::spawn(move || {
            for (connection, near) in listener.incoming().enumerate() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                // A connection that fails is the client's affair, who says so.
                let _ = near.and_then(|near| serve(connection, near, &server, &chunks));
            }
        });
        Ok(proxy)
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it and returns what clients have sent.
    pub(super) fn stop(self) -> Vec<Chunk> {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees it.
        let _ = TcpStream::connect(self.address);
        std::mem::take(&mut *self.chunks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Passes bytes on in both directions, each in a thread of its own.
fn serve(connection: usize, near: TcpStream, server: &str, chunks: &Chunks) -> io::Result<()> {
    let far = TcpStream::connect(server)?;
    // As much as its own connection the client's would otherwise wait for acknowledgements.
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (near_end, far_end) = (near.try_clone()?, far.try_clone()?);
    let chunks = Arc::clone(chunks);
    thread::spawn(move || {
        pass(near, far, |bytes| {
            let bytes = bytes.to_vec();
            let mut chunks = chunks.lock().unwrap_or_else(PoisonError::into_inner);
            chunks.push(Chunk { connection, bytes });
        })
    });
    thread::spawn(move || pass(far_end, near_end, |_| {}));
    Ok(())
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut seen: impl FnMut(&[u8])) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        seen(&buffer[..read]);
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
