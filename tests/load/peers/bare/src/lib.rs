//! The bytes of the benchmark application and nothing else: no sessions, no pings, no JSON.
//!
//! What the bare servers share. They are bounds, not peers: a server that keeps the protocols cannot
//! do less than they do.
#![forbid(unsafe_code)]

pub mod websocket;

/// What a client asks for. The generator writes each in exactly one way, so slicing is enough.
pub enum Request<'a> {
    Connect,
    Join { topic: &'a str },
    Echo { payload: &'a str },
    Publish { topic: &'a str, payload: &'a str },
    Unknown,
}

impl<'a> Request<'a> {
    pub fn parse(text: &'a str) -> Self {
        let between = |start: &str, end: &str| text.strip_prefix(start)?.strip_suffix(end);
        if text == "40" {
            return Self::Connect;
        }
        if let Some(rest) = between(r#"42["publish",""#, r#""]"#) {
            return match rest.split_once(r#"",""#) {
                Some((topic, payload)) => Self::Publish { topic, payload },
                None => Self::Unknown,
            };
        }
        if let Some(payload) = between(r#"427["echo",""#, r#""]"#) {
            return Self::Echo { payload };
        }
        match between(r#"420["join",""#, r#""]"#) {
            Some(topic) => Self::Join { topic },
            None => Self::Unknown,
        }
    }
}

/// What a client hears first.
pub const OPEN: &str = r#"0{"sid":"bare","upgrades":[],"pingInterval":300000,"pingTimeout":20000,"maxPayload":1000000}"#;
pub const CONNECTED: &str = r#"40{"sid":"bare"}"#;
pub const JOINED: &str = "430[]";

pub fn echo(payload: &str) -> String {
    format!(r#"437["{payload}"]"#)
}

pub fn event(payload: &str) -> String {
    format!(r#"42["m","{payload}"]"#)
}
