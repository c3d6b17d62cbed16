//! What admins are told, in the shapes that the user interface reads.

use engineio::proto::{Sid, Transport};
use http::{HeaderMap, header};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Access, Mode, aliases::Aliases, journal::Subject, timestamp::Timestamp};
use crate::{Handshake, Room, socket::SocketCore};

/// The event `config`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Config {
    supported_features: Vec<Feature>,
}

/// What the user interface may show and offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Feature {
    Emit,
    Join,
    Leave,
    Disconnect,
    /// The same for many sockets.
    #[serde(rename = "MJOIN")]
    JoinMany,
    #[serde(rename = "MLEAVE")]
    LeaveMany,
    #[serde(rename = "MDISCONNECT")]
    DisconnectMany,
    AggregatedEvents,
    AllEvents,
}

/// What is to be told of a socket, and may outlive it.
pub(super) struct Portrait {
    subject: Subject,
    sid: Sid,
    transport: Transport,
    handshake: Handshake,
}

/// A socket, in `all_sockets` and `socket_connected`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SocketRecord {
    id: String,
    client_id: String,
    transport: &'static str,
    nsp: String,
    data: Map<String, Value>,
    handshake: HandshakeRecord,
    rooms: Vec<String>,
}

/// What changed about a socket, in `socket_updated`.
#[derive(Serialize)]
pub(super) struct SocketChange<'a> {
    pub(super) id: &'a str,
    pub(super) nsp: &'a str,
    pub(super) transport: &'static str,
}

#[derive(Serialize)]
struct HandshakeRecord {
    address: String,
    headers: Map<String, Value>,
    query: Map<String, Value>,
    issued: u64,
    secure: bool,
    time: Timestamp,
    url: String,
    xdomain: bool,
}

impl Config {
    pub(super) fn new(access: Access, mode: Mode) -> Self {
        let mut supported_features = Vec::new();
        if access == Access::Commands {
            supported_features.extend(COMMANDS);
        }
        supported_features.push(Feature::AggregatedEvents);
        if mode == Mode::Development {
            supported_features.push(Feature::AllEvents);
        }
        Self { supported_features }
    }
}

impl Portrait {
    /// None of a socket whose session has ended.
    pub(super) fn of(socket: &SocketCore) -> Option<Self> {
        let client = socket.client().ok()?;
        Some(Self {
            subject: Subject::of(socket),
            sid: client.session().sid().clone(),
            transport: client.session().transport(),
            handshake: socket.handshake().clone(),
        })
    }

    /// What it keeps of the handshake.
    pub(super) fn bytes(&self) -> usize {
        let headers = self.handshake.headers().iter();
        let headers = headers.map(|(name, value)| name.as_str().len() + value.len());
        self.handshake.query().len() + headers.sum::<usize>()
    }

    pub(super) fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The record of a socket that is in these rooms, and as always in the one of its id.
    pub(super) fn record(&self, aliases: &Aliases, rooms: &[Room]) -> SocketRecord {
        let id = aliases.socket(&self.subject.socket).into_owned();
        let rooms = rooms.iter().map(|room| room.as_str().to_owned());
        SocketRecord {
            client_id: aliases.client(&self.sid),
            transport: self.transport.as_str(),
            nsp: self.subject.namespace.as_str().into(),
            data: Map::new(),
            handshake: HandshakeRecord::of(&self.handshake),
            rooms: std::iter::once(id.clone()).chain(rooms).collect(),
            id,
        }
    }
}

impl HandshakeRecord {
    fn of(handshake: &Handshake) -> Self {
        let query = query(handshake.query());
        let headers = handshake.headers();
        let issued = Timestamp::from(handshake.issued());
        Self {
            address: address(handshake),
            headers: shown(headers),
            url: url(handshake.path(), &query),
            query,
            issued: issued.millis(),
            secure: handshake.is_secure(),
            time: issued,
            xdomain: headers.contains_key(header::ORIGIN),
        }
    }
}

/// Of the peer, or what proxies that the server trusts say; what a client says of itself is shown among
/// its headers alone.
fn address(handshake: &Handshake) -> String {
    let peer = handshake.peer().map(|peer| peer.ip().to_canonical());
    peer.map_or_else(String::new, |address| address.to_string())
}

fn shown(headers: &HeaderMap) -> Map<String, Value> {
    let secrets = [
        header::AUTHORIZATION,
        header::COOKIE,
        header::PROXY_AUTHORIZATION,
    ];
    let headers = headers.iter().map(|(name, value)| {
        let text = if secrets.contains(name) {
            HIDDEN.into()
        } else {
            String::from_utf8_lossy(value.as_bytes())
        };
        (name.as_str().to_owned(), Value::from(text))
    });
    headers.collect()
}

/// What belongs to the protocol is shown; anything else may be a secret of the client's.
fn query(query: &str) -> Map<String, Value> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let open = ["EIO", "transport", "t", "b64", "j"].contains(&name);
        (name.into(), Value::from(if open { value } else { HIDDEN }))
    });
    pairs.collect()
}

fn url(path: &str, query: &Map<String, Value>) -> String {
    let pairs = query.iter();
    let pairs = pairs.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or("")));
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}

const COMMANDS: [Feature; 7] = [
    Feature::Emit,
    Feature::Join,
    Feature::Leave,
    Feature::Disconnect,
    Feature::JoinMany,
    Feature::LeaveMany,
    Feature::DisconnectMany,
];

/// What stands for a secret.
const HIDDEN: &str = "(hidden)";

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_features_are_named_as_the_interface_knows_them() {
        let features = |access, mode| {
            let config = Config::new(access, mode);
            serde_json::to_string(&config.supported_features).unwrap()
        };
        assert_eq!(
            features(Access::Commands, Mode::Development),
            r#"["EMIT","JOIN","LEAVE","DISCONNECT","MJOIN","MLEAVE","MDISCONNECT","AGGREGATED_EVENTS","ALL_EVENTS"]"#
        );
        assert_eq!(
            features(Access::ReadOnly, Mode::Production),
            r#"["AGGREGATED_EVENTS"]"#
        );
    }

    #[test]
    fn secrets_of_clients_are_hidden() {
        let query = query("EIO=3&transport=polling&token=secret&x");
        let url = url("/socket.io/", &query);
        assert!(
            !url.contains("secret") && url.contains("token=(hidden)"),
            "{url}"
        );
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("sid=secret"));
        headers.insert(header::HOST, HeaderValue::from_static("example.org"));
        let shown = shown(&headers);
        assert_eq!(
            (&shown["cookie"], &shown["host"]),
            (&HIDDEN.into(), &"example.org".into())
        );
    }
}
