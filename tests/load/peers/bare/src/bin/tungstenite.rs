//! A broadcaster as everybody writes it first: tokio-tungstenite, a task and a channel per connection.
#![forbid(unsafe_code)]

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex},
};

use bare_peer::{CONNECTED, JOINED, OPEN, Request, echo, event};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};
use tokio_tungstenite::{
    WebSocketStream, accept_async_with_config,
    tungstenite::{Error, Message, Utf8Bytes, protocol::WebSocketConfig},
};

/// The senders of each room's members.
type Rooms = Arc<Mutex<HashMap<String, Vec<UnboundedSender<Utf8Bytes>>>>>;

#[tokio::main]
async fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "0".into());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/socket.io/", listener.local_addr()?);
    let rooms = Rooms::default();
    loop {
        let (stream, _) = listener.accept().await?;
        let rooms = Arc::clone(&rooms);
        // A connection that fails is the generator's to notice.
        tokio::spawn(async move { serve(stream, rooms).await.ok() });
    }
}

async fn serve(stream: TcpStream, rooms: Rooms) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(4096);
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    socket.send(OPEN.into()).await?;
    let (sender, mut receiver) = unbounded_channel();
    loop {
        // Deliveries first: a wake-up for one must not try to read.
        tokio::select! {
            biased;
            delivery = receiver.recv() => deliver(&mut socket, delivery, &mut receiver).await?,
            message = socket.next() => match message {
                Some(message) => {
                    let text = message?;
                    let answer = answer(Request::parse(text.to_text()?), &rooms, &sender);
                    if let Some(answer) = answer {
                        socket.send(Message::text(answer)).await?;
                    }
                }
                None => return Ok(()),
            },
        }
    }
}

/// Writes one delivery and those that wait behind it, with one flush.
async fn deliver(
    socket: &mut WebSocketStream<TcpStream>,
    mut next: Option<Utf8Bytes>,
    receiver: &mut UnboundedReceiver<Utf8Bytes>,
) -> Result<(), Error> {
    while let Some(text) = next {
        socket.feed(Message::Text(text)).await?;
        next = receiver.try_recv().ok();
    }
    socket.flush().await
}

fn answer(
    request: Request<'_>,
    rooms: &Rooms,
    sender: &UnboundedSender<Utf8Bytes>,
) -> Option<String> {
    match request {
        Request::Connect => Some(CONNECTED.into()),
        Request::Echo { payload } => Some(echo(payload)),
        Request::Join { topic } => {
            let mut rooms = rooms.lock().ok()?;
            rooms.entry(topic.into()).or_default().push(sender.clone());
            Some(JOINED.into())
        }
        Request::Publish { topic, payload } => {
            let text = Utf8Bytes::from(event(payload));
            let mut rooms = rooms.lock().ok()?;
            let members = rooms.get_mut(topic)?;
            members.retain(|member| member.send(text.clone()).is_ok());
            None
        }
        Request::Unknown => None,
    }
}
