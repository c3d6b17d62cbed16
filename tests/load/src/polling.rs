//! One client that polls, over a connection for GETs and one for POSTs.

use std::io;

use crate::{Target, http::Http, wire::Revision};

/// A connected client of namespace `/` that never upgrades.
pub(crate) struct Poller {
    gets: Http,
    posts: Http,
    target: String,
    revision: Revision,
}

impl Poller {
    pub(crate) async fn open(target: &Target) -> io::Result<Self> {
        let mut poller = Self::handshake(target).await?;
        poller.join_root().await?;
        Ok(poller)
    }

    /// The Engine.IO handshake alone.
    pub(crate) async fn handshake(target: &Target) -> io::Result<Self> {
        let mut gets = Http::open(target.address).await?;
        let posts = Http::open(target.address).await?;
        let query = format!(
            "{}?EIO={}&transport=polling",
            target.path,
            target.eio.number()
        );
        let body = gets.get(&format!("{query}&b64=1")).await?;
        let text = String::from_utf8_lossy(&body);
        let sid = text
            .split(r#""sid":""#)
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let sid = sid.ok_or_else(|| io::Error::other(format!("no sid in {text:?}")))?;
        Ok(Self {
            gets,
            posts,
            target: format!("{query}&sid={sid}"),
            revision: target.eio,
        })
    }

    pub(crate) fn sid(&self) -> &str {
        self.target.rsplit('=').next().unwrap_or("")
    }

    pub(crate) async fn join_root(&mut self) -> io::Result<()> {
        if self.revision == Revision::V4 {
            self.send("40").await?;
        }
        self.expect("40").await
    }

    pub(crate) async fn join(&mut self, topic: &str) -> io::Result<()> {
        self.send(&format!(r#"420["join","{topic}"]"#)).await?;
        self.expect("430").await
    }

    /// Polls until a packet starts with `prefix`.
    pub(crate) async fn expect(&mut self, prefix: &str) -> io::Result<()> {
        let mut found = false;
        while !found {
            self.poll(&mut |text| found |= text.starts_with(prefix.as_bytes()))
                .await?;
        }
        Ok(())
    }

    /// One GET; its packets go to `on_text`, pings are answered.
    pub(crate) async fn poll(&mut self, on_text: &mut impl FnMut(&[u8])) -> io::Result<()> {
        let body = self.gets.get(&self.target).await?;
        let mut pinged = false;
        for packet in self.packets(&body) {
            pinged |= packet == b"2";
            on_text(packet);
        }
        if pinged { self.send("3").await } else { Ok(()) }
    }

    pub(crate) async fn send(&mut self, packet: &str) -> io::Result<()> {
        let body = match self.revision {
            Revision::V4 => packet.into(),
            Revision::V3 => format!("{}:{packet}", packet.encode_utf16().count()),
        };
        self.posts.post(&self.target, "", &body).await.map(drop)
    }

    /// Revision 3 payloads of this benchmark are ASCII, so lengths count bytes.
    fn packets<'a>(&self, body: &'a [u8]) -> Vec<&'a [u8]> {
        match self.revision {
            Revision::V4 => body.split(|byte| *byte == 0x1e).collect(),
            Revision::V3 => length_prefixed(body),
        }
    }
}

fn length_prefixed(mut body: &[u8]) -> Vec<&[u8]> {
    let mut packets = Vec::new();
    while let Some(colon) = body.iter().position(|byte| *byte == b':') {
        let length = std::str::from_utf8(&body[..colon])
            .ok()
            .and_then(|text| text.parse().ok());
        let Some(packet) = length.and_then(|length: usize| body.get(colon + 1..colon + 1 + length))
        else {
            break;
        };
        packets.push(packet);
        body = &body[colon + 1 + packet.len()..];
    }
    packets
}
