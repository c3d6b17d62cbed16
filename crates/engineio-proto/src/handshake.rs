//! The JSON of the open packet (EIO4 2.3).
//!
//! Writes only; how a session comes to be is told in `session`.

use std::time::Duration;

use serde::Serialize;

use crate::{Config, Packet, Sid, Transport};

/// What the open packet tells a client: exactly five keys, in this order. Clients of revision 3
/// expect no `maxPayload` and do not mind it.
///
/// ```
/// use engineio_proto::{Config, Handshake, Packet, Sid, Transport};
///
/// let sid = Sid::from_random([0; 15]);
/// let handshake = Handshake::new(&sid, Transport::Polling, &Config::default());
/// let json = concat!(
///     r#"{"sid":"AAAAAAAAAAAAAAAAAAAA","upgrades":["websocket"],"#,
///     r#""pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#,
/// );
/// assert_eq!(handshake.packet(), Packet::Open(json.into()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Handshake<'a> {
    sid: &'a str,
    upgrades: &'static [&'static str],
    #[serde(serialize_with = "milliseconds")]
    ping_interval: Duration,
    #[serde(serialize_with = "milliseconds")]
    ping_timeout: Duration,
    max_payload: usize,
}

impl<'a> Handshake<'a> {
    /// What a session that begins on `transport` is told.
    pub fn new(sid: &'a Sid, transport: Transport, config: &Config) -> Self {
        Self {
            sid: sid.as_str(),
            upgrades: match transport {
                Transport::Polling if config.may_upgrade() => UPGRADES,
                Transport::Polling | Transport::WebSocket => &[],
            },
            ping_interval: config.ping_interval,
            ping_timeout: config.ping_timeout,
            max_payload: config.limits.max_payload,
        }
    }

    /// The open packet.
    pub fn packet(&self) -> Packet {
        let json = serde_json::to_string(self).expect("strings and numbers only");
        Packet::Open(json.into())
    }
}

/// Whole milliseconds; clients set timers with them.
fn milliseconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

const UPGRADES: &[&str] = &[Transport::WebSocket.as_str()];
