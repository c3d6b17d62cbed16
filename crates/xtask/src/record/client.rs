//! The bytes of a client, read as HTTP requests and, behind an upgrade, as WebSocket frames.
//!
//! Reads what real clients send to our servers and nothing else: no trailers, no extensions.

use std::collections::BTreeMap;

use super::proxy::Chunk;

/// One thing that a client did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    Request(Request),
    /// A whole message on a WebSocket.
    Message {
        /// The target of the request that became this WebSocket.
        target: String,
        content: Content,
        bytes: Vec<u8>,
    },
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Text,
    Binary,
}

/// What the clients of these connections did, in order.
pub(super) fn actions(chunks: &[Chunk]) -> Vec<Action> {
    let mut streams = BTreeMap::<_, Stream>::new();
    let mut actions = Vec::new();
    for Chunk { connection, bytes } in chunks {
        let stream = streams.entry(connection).or_default();
        stream.rest.extend_from_slice(bytes);
        while let Some(action) = stream.next() {
            actions.extend(action);
        }
    }
    actions
}

/// One connection, from its first byte.
#[derive(Default)]
struct Stream {
    rest: Vec<u8>,
    /// The target of the WebSocket, once it is one.
    websocket: Option<String>,
    /// The fragments of a message that is not complete.
    fragments: Vec<u8>,
    content: Option<Content>,
}

impl Stream {
    /// The next request or frame, if it is complete; a frame may be no action.
    fn next(&mut self) -> Option<Option<Action>> {
        match self.websocket.clone() {
            None => self.request().map(|request| Some(Action::Request(request))),
            Some(target) => self.frame(target),
        }
    }

    fn request(&mut self) -> Option<Request> {
        let end = self.rest.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&self.rest[..end]).into_owned();
        let length =
            header(&head, "content-length").map_or(0, |length| length.parse().unwrap_or(0));
        let body = self.rest.get(end..end + length)?.to_vec();
        self.rest.drain(..end + length);
        let mut words = head.split(' ').map(str::to_owned);
        let request = Request {
            method: words.next()?,
            target: words.next()?,
            content_type: header(&head, "content-type").unwrap_or_default().into(),
            body,
        };
        if header(&head, "upgrade").is_some() {
            self.websocket = Some(request.target.clone());
        }
        Some(request)
    }

    fn frame(&mut self, target: String) -> Option<Option<Action>> {
        let (first, length) = (*self.rest.first()?, *self.rest.get(1)? & 0x7f);
        let extended = match length {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let long = self.rest.get(2..2 + extended)?;
        let long = long
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        let length = if extended == 0 { length.into() } else { long };
        let mask = 2 + extended;
        let end = mask + 4 + length;
        let masked = self.rest.get(mask + 4..end)?.iter().enumerate();
        let bytes: Vec<u8> = masked
            .map(|(at, byte)| byte ^ self.rest[mask + at % 4])
            .collect();
        self.rest.drain(..end);
        Some(self.message(first, &bytes, target))
    }

    /// Puts fragments together; control frames are none of a decoder's business.
    fn message(&mut self, first: u8, bytes: &[u8], target: String) -> Option<Action> {
        match first & 0x0f {
            0 => {}
            1 => self.content = Some(Content::Text),
            2 => self.content = Some(Content::Binary),
            _ => return None,
        }
        self.fragments.extend_from_slice(bytes);
        if first & 0x80 == 0 {
            return None;
        }
        Some(Action::Message {
            target,
            content: self.content.take()?,
            bytes: std::mem::take(&mut self.fragments),
        })
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut values = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
    values.next().map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(connections: &[(usize, &[u8])]) -> Vec<Action> {
        let chunks: Vec<_> = connections
            .iter()
            .map(|(connection, bytes)| Chunk {
                connection: *connection,
                bytes: bytes.to_vec(),
            })
            .collect();
        actions(&chunks)
    }

    fn request(method: &str, target: &str, body: &str) -> Action {
        Action::Request(Request {
            method: method.into(),
            target: target.into(),
            content_type: String::new(),
            body: body.into(),
        })
    }

    #[test]
    fn requests_of_several_connections_stay_in_order() {
        let found = read(&[
            (0, b"POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\n4he"),
            (1, b"GET /b HTTP/1.1\r\n\r\n"),
            (0, b"llGET /c HTTP/1.1\r\n\r\n"),
        ]);
        let expected = [
            request("GET", "/b", ""),
            request("POST", "/a", "4hell"),
            request("GET", "/c", ""),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn frames_behind_an_upgrade_are_unmasked_and_put_together() {
        let head = b"GET /w HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
        let ping = [0x89, 0x80, 0, 0, 0, 0];
        let found = read(&[
            (0, head),
            (0, &[0x01, 0x82, 1, 0, 1, 0, b'4' ^ 1]),
            (0, b"h"),
            (0, &ping),
            (0, &[0x80, 0x81, 0, 0, 0, 0, b'i']),
        ]);
        let message = Action::Message {
            target: "/w".into(),
            content: Content::Text,
            bytes: b"4hi".to_vec(),
        };
        assert_eq!(found, [request("GET", "/w", ""), message]);
    }
}
