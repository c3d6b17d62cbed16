//! The user side: `/v2/me/…`. What a user reads is what their linked things have.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Number, Value, json, value::RawValue};

use super::{
    Api,
    body::{JsonOf, JsonText, SentJson, malformed},
    credentials::{LoggedIn, Peer},
    error::ApiError,
    params::{Path, Query},
    stream::{self, StreamQuery},
    things::{self, json_text, unknown_resource, unknown_thing},
    timelines::{Section, Timelines},
    window::WindowQuery,
};
use crate::{
    datetime::Timestamp,
    store::{Session, Thing, Writer},
    token::{ThingId, Token},
    topic::{AllowedTopic, Key},
    value::{self, Keys},
};

/// Longest settings in bytes.
const MAX_SETTINGS: usize = 16 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LinkRequest {
    thing_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenRequest {
    topics: Vec<String>,
    #[serde(deserialize_with = "seconds")]
    expires_in: u64,
}

pub(super) async fn link(
    State(api): State<Arc<Api>>,
    LoggedIn(session): LoggedIn,
    JsonOf(request): JsonOf<LinkRequest>,
) -> Result<Json<Value>, ApiError> {
    let token = Token::presented(&request.thing_token).digest();
    let thing = api.store.link(session.user, token).await?;
    let thing = thing.ok_or_else(unknown_thing)?;
    let body = json!({ "status": "success", "message": "linked", "thingId": thing.as_str() });
    Ok(Json(body))
}

pub(super) async fn unlink(
    State(api): State<Arc<Api>>,
    LoggedIn(session): LoggedIn,
    Path(thing): Path<String>,
) -> Result<Json<Value>, ApiError> {
    match api
        .store
        .unlink(session.user, ThingId::named(&thing))
        .await?
    {
        true => Ok(Json(json!({ "status": "success", "message": "unlinked" }))),
        false => Err(unknown_thing()),
    }
}

pub(super) async fn things(
    State(api): State<Arc<Api>>,
    LoggedIn(session): LoggedIn,
) -> Result<Json<Value>, ApiError> {
    let things = api.store.linked_things(session.user).await?;
    let named = |thing: &Thing| json!({ "_id": thing.id.as_str() });
    Ok(Json(things.iter().map(named).collect()))
}

pub(super) async fn resources(
    State(api): State<Arc<Api>>,
    LoggedIn(session): LoggedIn,
) -> Result<Json<Value>, ApiError> {
    let mut names: BTreeMap<Key, Vec<ThingId>> = BTreeMap::new();
    for thing in api.store.linked_things(session.user).await? {
        for key in api.store.resources(thing.row).await? {
            names.entry(key).or_default().push(thing.id.clone());
        }
    }
    let resource = |(key, things): (&Key, &Vec<ThingId>)| {
        let things: Vec<_> = things.iter().map(ThingId::as_str).collect();
        json!({ "name": key.as_str(), "things": things })
    };
    Ok(Json(names.iter().map(resource).collect()))
}

/// A map from the thing to its timeline, or the live stream of them all.
pub(super) async fn timelines(
    State(api): State<Arc<Api>>,
    LoggedIn(session): LoggedIn,
    Peer(from): Peer,
    Path(key): Path<String>,
    Query(live): Query<StreamQuery>,
    Query(query): Query<WindowQuery>,
) -> Result<Response, ApiError> {
    let key = Key::parse(&key).ok_or_else(unknown_resource)?;
    if live.asks() {
        return stream::resource(&api, &session, from, key, &live).await;
    }
    let window = query.window()?;
    let things = api.store.things_with(session.user, key.clone()).await?;
    if things.is_empty() {
        return Err(unknown_resource());
    }
    let section = |thing: Thing| Section {
        head: format!(r#""{}":"#, thing.id.as_str()),
        thing: thing.row,
        key: key.clone(),
        tail: "",
    };
    let timelines = Timelines {
        open: "{",
        sections: things.into_iter().map(section).collect(),
        close: "}",
        window,
    };
    timelines.answer(api).await
}

pub(super) async fn timeline(
    State(api): State<Arc<Api>>,
    LoggedIn(session): LoggedIn,
    Path((key, thing)): Path<(String, String)>,
    Query(query): Query<WindowQuery>,
) -> Result<Response, ApiError> {
    let key = Key::parse(&key).ok_or_else(unknown_resource)?;
    let things = api.store.linked_things(session.user).await?;
    let owned = things.into_iter().find(|owned| owned.id.as_str() == thing);
    let owned = owned.ok_or_else(unknown_thing)?;
    let timeline = Timelines::one(owned.row, key, query.window()?);
    timeline.answer(api).await
}

/// Writes to a thing by its owner. A token in the place of the name is taken if it is linked.
pub(super) async fn write(
    State(api): State<Arc<Api>>,
    LoggedIn(session): LoggedIn,
    Path((key, thing)): Path<(String, String)>,
    headers: HeaderMap,
    JsonText(body): JsonText,
) -> Result<Response, ApiError> {
    let malformed = || ApiError::bad_request("malformed key");
    let keys = Keys::Given(Key::parse(&key).ok_or_else(malformed)?);
    let writer = owner(&api, &session, &thing).await?;
    things::append(&api, writer, &keys, &headers, &body).await
}

async fn owner(api: &Api, session: &Session, thing: &str) -> Result<Writer, ApiError> {
    let things = api.store.linked_things(session.user).await?;
    let named = ThingId::named(thing);
    if things.iter().any(|owned| owned.id == named) {
        return Ok(Writer::Owner(session.user, named));
    }
    let token = Token::presented(thing).digest();
    Ok(Writer::OwnerByToken(session.user, token))
}

pub(super) async fn settings(
    State(api): State<Arc<Api>>,
    LoggedIn(session): LoggedIn,
) -> Result<Response, ApiError> {
    Ok(json_text(api.store.settings(session.user).await?))
}

pub(super) async fn set_settings(
    State(api): State<Arc<Api>>,
    LoggedIn(session): LoggedIn,
    SentJson(body): SentJson,
) -> Result<Response, ApiError> {
    let text = settings_text(&body)?;
    api.store.set_settings(session.user, text.clone()).await?;
    Ok(json_text(text))
}

/// The object as it was sent: reading it into numbers would change some of them.
fn settings_text(body: &[u8]) -> Result<String, ApiError> {
    if body.len() > MAX_SETTINGS {
        let message = format!("settings of more than {MAX_SETTINGS} bytes");
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    let text = serde_json::from_slice::<&RawValue>(body)
        .map_err(malformed)?
        .get();
    if text.starts_with('{') && value::is_shallow(text) {
        Ok(text.to_owned())
    } else {
        Err(ApiError::bad_request(
            "settings must be an object, not nested too deep",
        ))
    }
}

/// Makes a token that subscribes to some topics and does nothing else.
pub(super) async fn create_token(
    State(api): State<Arc<Api>>,
    LoggedIn(session): LoggedIn,
    JsonOf(request): JsonOf<TokenRequest>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let malformed = || ApiError::bad_request("malformed topics or expiresIn");
    let topics = AllowedTopic::parse_all(&request.topics).map_err(|_| malformed())?;
    if request.expires_in == 0 {
        return Err(malformed());
    }
    let expires = Timestamp::now()
        .plus_seconds(request.expires_in)
        .min(session.ends);
    let token = api
        .auth
        .open_session(session.user, Some(topics), expires)
        .await?;
    let body = json!({
        "status": "success",
        "token": token.reveal(),
        "expires": expires.to_string(),
    });
    Ok((StatusCode::CREATED, Json(body)))
}

/// serde's own message would name a type of ours.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let seconds = Number::deserialize(deserializer)?.as_u64();
    seconds.ok_or_else(|| D::Error::custom("expiresIn must be a whole number of seconds"))
}
