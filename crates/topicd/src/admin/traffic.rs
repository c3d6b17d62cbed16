//! Who is connected, what they get, and who does not keep up.

use std::{cmp::Reverse, sync::Arc};

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Admin, listing::Part};
use crate::{
    hub::{Audience, Channel},
    realtime::{Connection, Whom},
    rest::{ApiError, JsonOf, Query},
    store::UserId,
};

/// Exactly one of them.
#[derive(Deserialize)]
pub(super) struct Meant {
    socket: Option<String>,
    user: Option<i64>,
}

/// The slowest first: those for whom most is waiting.
pub(super) async fn connections(
    State(admin): State<Arc<Admin>>,
    Query(part): Query<Part>,
) -> Json<Value> {
    let mut connections = admin.realtime.connections();
    let open = connections.len();
    connections.sort_by_key(|connection| Reverse(connection.queued_bytes));
    let listed: Vec<_> = part.of(connections).iter().map(connection).collect();
    Json(json!({ "open": open, "connections": listed }))
}

fn connection(connection: &Connection) -> Value {
    json!({
        "socket": connection.id,
        "user": connection.user.map(|user| user.0),
        "revision": connection.revision,
        "transport": connection.transport,
        "address": connection.peer.map(|peer| peer.ip().to_string()),
        "subscriptions": connection.subscriptions,
        "queuedBytes": connection.queued_bytes,
    })
}

/// The most popular first. A thing's topic has its token in it, so the thing's id stands for it.
pub(super) async fn topics(
    State(admin): State<Arc<Admin>>,
    Query(part): Query<Part>,
) -> Result<Json<Value>, ApiError> {
    let mut audiences = admin.hub.audiences();
    let topics = audiences.len();
    audiences.sort_by_key(|audience| Reverse(audience.sockets + audience.streams));
    let mut listed = Vec::new();
    for audience in part.of(audiences) {
        listed.push(topic(&admin, &audience).await?);
    }
    Ok(Json(json!({ "open": topics, "topics": listed })))
}

async fn topic(admin: &Admin, audience: &Audience) -> Result<Value, ApiError> {
    let mut entry = match &audience.channel {
        Channel::Thing(thing) => {
            let id = admin.store.thing_id(*thing).await?;
            json!({ "thingId": id.as_ref().map(|id| id.as_str()) })
        }
        Channel::Resource(user, key) => {
            let topic = format!("/me/resources/{}", key.as_str());
            json!({ "topic": topic, "user": user.0 })
        }
    };
    entry["sockets"] = audience.sockets.into();
    entry["streams"] = audience.streams.into();
    Ok(entry)
}

pub(super) async fn disconnect(
    State(admin): State<Arc<Admin>>,
    JsonOf(meant): JsonOf<Meant>,
) -> Result<Json<Value>, ApiError> {
    let whom = match (meant.socket, meant.user) {
        (Some(socket), None) => Whom::Socket(socket),
        (None, Some(user)) => Whom::User(UserId(user)),
        _ => return Err(ApiError::bad_request("either a socket or a user is needed")),
    };
    match admin.realtime.disconnect(&whom) {
        0 => Err(ApiError::not_found("nobody like that is connected")),
        closed => Ok(Json(json!({ "status": "success", "closed": closed }))),
    }
}
