//! A session of Engine.IO in memory, by polling: requests, payloads as text, and heartbeats.

use std::{collections::VecDeque, fmt, pin::pin, time::Duration};

use bytes::{Bytes, BytesMut};
use engineio::{
    EngineService,
    proto::{Data, Packet, Text, Version},
};
use http::{Method, Request, header::HOST};
use http_body_util::{BodyExt, Full};
use tokio::time::timeout;

use crate::Server;

/// The client's side of one session.
pub(super) struct Polling {
    service: EngineService,
    version: Version,
    target: String,
    sid: String,
    ping_interval: Duration,
    received: VecDeque<Packet>,
}

impl Polling {
    /// Opens a session. None if the server takes none.
    pub(super) async fn open(server: &Server, version: Version) -> Option<Self> {
        let mut polling = Self {
            service: server.service().mounted(),
            version,
            target: match version {
                Version::V4 => "/?EIO=4&transport=polling".into(),
                // Text is the same for both, and `b64` asks for it.
                Version::V3 => "/?EIO=3&transport=polling&b64=1".into(),
            },
            sid: String::new(),
            ping_interval: Duration::MAX,
            received: VecDeque::new(),
        };
        polling.poll().await?;
        let Some(Packet::Open(open)) = polling.received.pop_front() else {
            return None;
        };
        let open: serde_json::Value = serde_json::from_str(&open).ok()?;
        polling.sid = open["sid"].as_str()?.to_owned();
        polling.ping_interval = Duration::from_millis(open["pingInterval"].as_u64()?);
        polling.target += &format!("&sid={}", polling.sid);
        Some(polling)
    }

    pub(super) fn sid(&self) -> &str {
        &self.sid
    }

    /// Sends messages in one payload. A session that has ended takes none.
    pub(super) async fn send(&self, messages: impl IntoIterator<Item = Data>) {
        let packets = messages.into_iter().map(Packet::Message);
        self.post(&packets.collect::<Vec<_>>()).await;
    }

    pub(super) async fn close(&self) {
        self.post(&[Packet::Close]).await;
    }

    /// The next message; none once the session has ended.
    pub(super) async fn message(&mut self) -> Option<Data> {
        loop {
            let Some(packet) = self.received.pop_front() else {
                self.poll().await?;
                continue;
            };
            match packet {
                Packet::Message(data) => return Some(data),
                Packet::Close => return None,
                Packet::Ping(data) => self.post(&[Packet::Pong(data)]).await,
                _ => {}
            }
        }
    }

    async fn poll(&mut self) -> Option<()> {
        let payload = {
            let mut answer = pin!(self.request(Method::GET, String::new()));
            loop {
                match timeout(self.ping_interval, &mut answer).await {
                    Ok(payload) => break payload?,
                    // In revision 3 it is the client that asks.
                    Err(_) if self.version == Version::V3 => {
                        self.post(&[Packet::Ping(Text::default())]).await;
                    }
                    Err(_) => {}
                }
            }
        };
        self.received.extend(read(self.version, &payload));
        Some(())
    }

    async fn post(&self, packets: &[Packet]) {
        let payload = write(self.version, packets);
        self.request(Method::POST, payload).await;
    }

    /// The body of the answer; none if it is a refusal.
    async fn request(&self, method: Method, body: String) -> Option<String> {
        let request = Request::builder()
            .method(method)
            .uri(&self.target)
            .header(HOST, "localhost")
            .body(Full::new(Bytes::from(body)))
            .expect("method and target are valid");
        let answer = self.service.answer(request).await;
        let succeeded = answer.status().is_success();
        let body = answer.into_body().collect().await;
        let body = body.unwrap_or_else(|never| match never {}).to_bytes();
        succeeded.then(|| String::from_utf8_lossy(&body).into_owned())
    }
}

/// The text form of one packet.
pub(super) fn text(version: Version, packet: &Packet) -> String {
    let mut out = BytesMut::new();
    packet.encode_text(version, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn write(version: Version, packets: &[Packet]) -> String {
    let packets = packets.iter().map(|packet| text(version, packet));
    match version {
        Version::V4 => packets.collect::<Vec<_>>().join(SEPARATOR),
        Version::V3 => packets.fold(String::new(), |payload, packet| {
            format!("{payload}{}:{packet}", packet.encode_utf16().count())
        }),
    }
}

/// The packets of a payload. The server's own are right, as the tests of that level show.
fn read(version: Version, payload: &str) -> Vec<Packet> {
    let parts = match version {
        Version::V4 => payload.split(SEPARATOR).collect(),
        Version::V3 => by_length(payload),
    };
    parts
        .into_iter()
        .map(|part| Packet::decode_text(version, part.into()).expect("the server sends packets"))
        .collect()
}

/// Parts behind their lengths in UTF-16 code units (EIO3 3.1).
fn by_length(mut payload: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = payload.split_once(':') {
        let mut left: usize = length.parse().expect("a length in front of each packet");
        let end = rest.find(|character: char| {
            let over = left == 0;
            left = left.saturating_sub(character.len_utf16());
            over
        });
        let (part, rest) = rest.split_at(end.unwrap_or(rest.len()));
        parts.push(part);
        payload = rest;
    }
    parts
}

/// Between the packets of revision 4 (EIO4 2.8).
const SEPARATOR: &str = "\u{1e}";

impl fmt::Debug for Polling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Polling").field(&self.target).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let packets = [
            Packet::message(Text::from("2[\"20,5 °C – 😀:\"]")),
            Packet::message(Bytes::from_static(b"\x01\x02\x03")),
            Packet::Ping(Text::default()),
        ];
        for version in [Version::V3, Version::V4] {
            assert_eq!(read(version, &write(version, &packets)), packets);
        }
    }
}
