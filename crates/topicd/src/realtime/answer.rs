//! The objects that clients of `/v2` are answered with.

use serde_json::{Value, json, value::RawValue};
use socketio::{ArgError, Args, IntoArgs};

use crate::{
    read_budget::Exhausted,
    store::{Replay, StoreError},
    topic::Topic,
    value,
};

pub(super) fn logged_in() -> Value {
    json!({ "status": "success" })
}

pub(super) fn done(message: &str, topic: &str) -> Value {
    json!({ "status": "success", "message": message, "resource": topic })
}

/// For who has asked for stored values: the newest number, and whether all of them are there.
pub(super) fn subscribed(topic: &str, replay: Option<&Replay>) -> Value {
    let mut object = done("subscribed", topic);
    if let Some(replay) = replay {
        object["seq"] = replay.seq.0.into();
        object["epoch"] = replay.epoch.to_string().into();
        object["recovered"] = replay.is_complete.into();
    }
    object
}

pub(super) fn invalid_token() -> Value {
    refused(401, "Invalid session token", None)
}

pub(super) fn refused(code: u16, message: &str, topic: Option<&str>) -> Value {
    let object = json!({ "status": "error", "code": code, "message": message });
    match topic {
        Some(topic) => with_resource(object, topic),
        None => object,
    }
}

pub(super) fn too_many(message: &str, topic: &str, seconds: u64) -> Value {
    let mut object = refused(429, message, Some(topic));
    object["retryAfter"] = seconds.into();
    object
}

pub(super) fn unavailable(error: &StoreError) -> Value {
    tracing::error!(%error, "a client could not be admitted");
    refused(503, "the server is busy", None)
}

pub(super) fn exhausted(_: Exhausted, topic: &str) -> Value {
    let mut object = refused(503, "too many values are being read", Some(topic));
    object["retryAfter"] = 1.into();
    object
}

/// What was asked for is echoed, but not more of it than any topic has: a refusal must not be
/// as large as what is refused.
pub(super) fn with_resource(mut object: Value, topic: &str) -> Value {
    object["resource"] = topic
        .get(..topic.floor_char_boundary(Topic::MAX_LEN))
        .into();
    object
}

/// A JSON array that we have written as the argument of an event. It may be nested two deeper than
/// what clients may send, as the values in it may be nested as deep as that.
pub(super) fn array(elements: &str) -> Result<Args, ArgError> {
    let encode = |error: serde_json::Error| ArgError::Encode {
        message: error.to_string(),
    };
    let raw: &RawValue = serde_json::from_str(elements).map_err(encode)?;
    (raw,).into_args()
}

/// Stored values as the argument of one event.
pub(super) fn stored(replay: &Replay, show_thing: bool) -> Result<Args, ArgError> {
    let numbered = replay.values.iter().map(|value| {
        let thing = show_thing.then_some(&value.thing);
        (&value.record, thing, value.seq)
    });
    array(&value::numbered_elements(numbered))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_is_no_longer_than_a_topic() {
        let long = "é".repeat(200);
        let echo = refused(400, "malformed topic", Some(&long));
        assert_eq!(echo["resource"].as_str().unwrap().len(), Topic::MAX_LEN);
        let odd = format!("a{long}");
        let echo = refused(400, "malformed topic", Some(&odd));
        assert_eq!(echo["resource"].as_str().unwrap().len(), Topic::MAX_LEN - 1);
    }
}
