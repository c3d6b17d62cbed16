//! What clients did, as seeds: which target an input belongs to, and which inputs say the same.
//!
//! A seed is named after the client that sent it first. Session ids and tokens are replaced by as many
//! other letters, so that a seed says nothing of the run that made it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use super::{
    client::{Action, Content, Request, actions},
    proxy::Chunk,
};

/// Seeds by target and name.
#[derive(Default)]
pub(super) struct Seeds {
    files: BTreeMap<(&'static str, String), Vec<u8>>,
    /// What is there already, by target.
    known: BTreeSet<(&'static str, Vec<u8>)>,
}

impl Seeds {
    /// Adds what one run of a client sent.
    pub(super) fn add(&mut self, client: &str, chunks: &[Chunk], secrets: &[String]) {
        let actions = actions(chunks);
        let mut sessions = BTreeMap::<_, Vec<u8>>::new();
        for action in &actions {
            if let Some((target, input)) = input(action) {
                self.insert(target, client, hide(&input, secrets));
            }
            let query = Query::of(action.target());
            if let Action::Request(request) = action {
                self.insert("request", client, query.without_sid().into_bytes());
                let kind = (query.get("sid").is_none(), request.method.as_str());
                if kind == (true, "GET") {
                    continue;
                }
            }
            // A session that is born by WebSocket has no sid in its target.
            let session = sessions
                .entry(query.get("sid").unwrap_or_default().to_owned())
                .or_insert_with(|| vec![query.birth()]);
            session.extend(steps(action));
        }
        for (_, mut session) in sessions {
            session.truncate(LONGEST_SESSION);
            self.insert("session", client, session);
        }
    }

    /// Replaces the recorded seeds below `corpus`; returns how many there are.
    pub(super) fn write(self, corpus: &Path) -> io::Result<usize> {
        for target in TARGETS {
            for file in fs::read_dir(corpus.join(target))? {
                let path = file?.path();
                if path.to_string_lossy().contains('_') && is_recorded(&path) {
                    fs::remove_file(path)?;
                }
            }
        }
        for ((target, name), seed) in &self.files {
            fs::write(corpus.join(target).join(name), seed)?;
        }
        Ok(self.files.len())
    }

    fn insert(&mut self, target: &'static str, client: &str, seed: Vec<u8>) {
        if seed.is_empty() || seed.len() > LONGEST {
            return;
        }
        if !self.known.insert((target, sense(target, &seed))) {
            return;
        }
        let names = self
            .files
            .keys()
            .filter(|(of, name)| *of == target && name.starts_with(client));
        let number = names.count() + 1;
        if number <= MOST {
            self.files
                .insert((target, format!("{client}_{number}")), seed);
        }
    }
}

/// The query of a target.
struct Query(Vec<(String, String)>);

impl Query {
    fn of(target: &str) -> Self {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Self(
            pairs
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn without_sid(&self) -> String {
        let pairs = self.0.iter().map(|(key, value)| match key.as_str() {
            "sid" => format!("sid={}", "A".repeat(20)),
            _ => format!("{key}={value}"),
        });
        pairs.collect::<Vec<_>>().join("&")
    }

    fn is_v4(&self) -> bool {
        self.get("EIO") == Some("4")
    }

    /// The first byte of a session's seed: revision and transport.
    fn birth(&self) -> u8 {
        let websocket = self.get("sid").is_none() && self.get("transport") == Some("websocket");
        u8::from(!self.is_v4()) | u8::from(websocket) << 1
    }
}

impl Action {
    fn target(&self) -> &str {
        match self {
            Self::Request(request) => &request.target,
            Self::Message { target, .. } => target,
        }
    }
}

/// The decoder that reads this, if one does, and what it reads.
fn input(action: &Action) -> Option<(&'static str, Vec<u8>)> {
    match action {
        Action::Message { bytes, .. } => Some(("packet", bytes.clone())),
        Action::Request(request) if request.method == "POST" => {
            let target = match (
                Query::of(&request.target).is_v4(),
                &request.content_type[..],
            ) {
                (true, _) => "payload_v4",
                (false, "application/octet-stream") => "payload_v3_binary",
                (false, _) => "payload_v3_text",
            };
            Some((target, request.body.clone()))
        }
        Action::Request(_) => None,
    }
}

/// The inputs of the session's target that are most like this: see `input` there. A message is
/// answered by another, as the servers do.
fn steps(action: &Action) -> Vec<u8> {
    let said = match action {
        Action::Request(Request { method, target, .. }) if method == "GET" => {
            let websocket = target.contains("transport=websocket");
            return vec![if websocket { 9 } else { 0 }, 0];
        }
        Action::Request(request) => [5, packet(first_packet(request))],
        Action::Message {
            content: Content::Binary,
            ..
        } => [10, 230],
        Action::Message { bytes, .. } => [10, packet(bytes)],
    };
    let answer: &[u8] = if said[1] == MESSAGE { &[13, 0] } else { &[] };
    [&said, answer].concat()
}

/// Where the session's target has a packet of this kind among its texts.
fn packet(packet: &[u8]) -> u8 {
    match packet {
        [b'4' | b'b' | 4, ..] => MESSAGE,
        [b'3', ..] => 1,
        b"2probe" => 2,
        [b'5', ..] => 3,
        [b'2', ..] => 11,
        [b'1', ..] => 13,
        _ => 14,
    }
}

/// Behind the length of revision 3, if there is one.
fn first_packet(request: &Request) -> &[u8] {
    let body = &request.body[..];
    let behind = |mark| {
        body.iter()
            .position(|byte| *byte == mark)
            .map(|at| &body[at + 1..])
    };
    match Query::of(&request.target).is_v4() {
        true => body.split(|byte| *byte == 0x1e).next().unwrap_or_default(),
        false if body.first().is_some_and(|kind| *kind < 2) => behind(0xff).unwrap_or_default(),
        false => behind(b':').unwrap_or_default(),
    }
}

/// Of queries that differ by their cache buster only, one is enough for each form of it.
fn sense(target: &str, seed: &[u8]) -> Vec<u8> {
    if target != "request" {
        return seed.to_vec();
    }
    let query = String::from_utf8_lossy(seed);
    let pairs = query.split('&').map(|pair| match pair.strip_prefix("t=") {
        Some(time)
            if time
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-') =>
        {
            "t=1-1"
        }
        Some(_) => "t=a",
        None => pair,
    });
    pairs.collect::<Vec<_>>().join("&").into_bytes()
}

fn hide(input: &[u8], secrets: &[String]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(input) else {
        return input.to_vec();
    };
    let hidden = secrets.iter().fold(text.to_owned(), |text, secret| {
        text.replace(secret, &"x".repeat(secret.len()))
    });
    hidden.into_bytes()
}

/// Clients end in a version and a number; what people wrote has neither.
fn is_recorded(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let client = name.split('_').next().unwrap_or_default();
    client.contains("-client-") || client.starts_with("python-")
}

/// The argument that stands for a message.
const MESSAGE: u8 = 0;
const TARGETS: [&str; 6] = [
    "packet",
    "payload_v3_binary",
    "payload_v3_text",
    "payload_v4",
    "request",
    "session",
];
/// Bytes of a seed. The tests run every prefix of every seed.
const LONGEST: usize = 1024;
const LONGEST_SESSION: usize = 256;
/// Seeds of one run for one target.
const MOST: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(bytes: &[u8]) -> BTreeMap<(&'static str, String), Vec<u8>> {
        let mut seeds = Seeds::default();
        let chunk = Chunk {
            connection: 0,
            bytes: bytes.to_vec(),
        };
        seeds.add("client-1_polling", &[chunk], &["secret".into()]);
        seeds.files
    }

    #[test]
    fn a_session_becomes_seeds_of_all_that_it_touched() {
        let found = seeds(
            b"GET /engine.io/?EIO=4&transport=polling&t=a1 HTTP/1.1\r\n\r\n\
              GET /engine.io/?EIO=4&transport=polling&t=a2&sid=S HTTP/1.1\r\n\r\n\
              POST /engine.io/?EIO=4&transport=polling&t=a3&sid=S HTTP/1.1\r\n\
              Content-Length: 7\r\n\r\n4secret\
              GET /engine.io/?EIO=4&transport=websocket&sid=S HTTP/1.1\r\nUpgrade: websocket\r\n\r\n\
              \x81\x86\0\0\0\x002probe\x81\x81\0\0\0\x005",
        );
        let seed = |target, number| found[&(target, format!("client-1_polling_{number}"))].clone();
        assert_eq!(seed("request", 1), b"EIO=4&transport=polling&t=a1");
        assert_eq!(
            seed("request", 2),
            format!("EIO=4&transport=polling&t=a2&sid={}", "A".repeat(20)).as_bytes()
        );
        assert_eq!(seed("payload_v4", 1), b"4xxxxxx");
        assert_eq!(seed("packet", 1), b"2probe");
        assert_eq!(
            seed("session", 1),
            [0, 0, 0, 5, 0, 13, 0, 9, 0, 10, 2, 10, 3]
        );
        assert_eq!(found.len(), 7);
    }
}
