//! `/admin/tail`: the live values of a thing, or of one resource of a user, as an HTTP stream.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use serde::Deserialize;

use super::Admin;
use crate::{
    hub::Channel,
    rest::{ApiError, Query, live_values},
    token::ThingId,
    topic::Key,
};

/// Either a thing, or a user and a key.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Wanted {
    thing: Option<String>,
    email: Option<String>,
    app: String,
    key: Option<String>,
}

pub(super) async fn tail(
    State(admin): State<Arc<Admin>>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let channel = wanted.channel(&admin).await?;
    Ok(live_values(admin.hub.listen(channel, None)?))
}

impl Wanted {
    async fn channel(self, admin: &Admin) -> Result<Channel, ApiError> {
        match (self.thing, self.email, self.key) {
            (Some(thing), None, None) => {
                let thing = admin.store.thing_named(ThingId::named(&thing)).await?;
                let thing = thing.ok_or_else(|| ApiError::not_found("no such thing"))?;
                Ok(Channel::Thing(thing.row))
            }
            (None, Some(email), Some(key)) => {
                let known = admin.store.credentials(&self.app, &email).await?;
                let known = known.ok_or_else(|| ApiError::not_found("no such user"))?;
                let key = Key::parse(&key);
                let key = key.ok_or_else(|| ApiError::bad_request("malformed key"))?;
                Ok(Channel::Resource(known.user, key))
            }
            _ => Err(ApiError::bad_request(
                "a thing, or a user's email and a key",
            )),
        }
    }
}
