//! The device side: `/v2/things/…`. The token in the path is the credential.

use std::{sync::Arc, time::Instant};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Api,
    body::{JsonOf, JsonText},
    credentials::{Device, Peer},
    error::ApiError,
    params::{Path, Query},
    timelines::{Section, Timelines},
    window::WindowQuery,
};
use crate::{
    datetime::Timestamp,
    store::{Append, Appended, NewThing, Right, Thing, Writer},
    token::{Digest, ThingId, Token},
    topic::Key,
    value::{self, Keys},
};

/// Longest `Idempotency-Key` in bytes.
const MAX_IDEMPOTENCY_KEY: usize = 255;
/// Longest `productId` in bytes.
const MAX_PRODUCT: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Activation {
    activation_code: String,
    product_id: Option<String>,
}

pub(super) async fn activate(
    State(api): State<Arc<Api>>,
    Peer(from): Peer,
    JsonOf(activation): JsonOf<Activation>,
) -> Result<impl IntoResponse, ApiError> {
    let product = activation.product_id;
    if product
        .as_ref()
        .is_some_and(|product| product.len() > MAX_PRODUCT)
    {
        return Err(ApiError::bad_request("productId is too long"));
    }
    let (token, id) = (Token::generate()?, ThingId::generate()?);
    let thing = NewThing {
        id: id.clone(),
        token: token.digest(),
        product,
    };
    api.auth.may_try(from)?;
    let code = Token::presented(&activation.activation_code);
    if !api.store.activate(code.digest(), thing).await? {
        api.auth.failed(from);
        let message = "Invalid activation code";
        return Err(ApiError::new(StatusCode::FORBIDDEN, message));
    }
    let body = json!({
        "status": "created",
        "message": "thing activated",
        "thingToken": token.reveal(),
        "thingId": id.as_str(),
    });
    Ok((StatusCode::CREATED, Json(body)))
}

pub(super) async fn write(
    State(api): State<Arc<Api>>,
    Device(token): Device,
    headers: HeaderMap,
    JsonText(body): JsonText,
) -> Result<Response, ApiError> {
    append(&api, Writer::Device(token), &Keys::Own, &headers, &body).await
}

/// Stores a batch and answers when it has been pushed.
pub(super) async fn append(
    api: &Api,
    writer: Writer,
    keys: &Keys,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, ApiError> {
    let begun = Instant::now();
    let records = value::parse_batch(body, keys, Timestamp::now())?;
    let values = records.len();
    let count = f64::from(u32::try_from(records.len()).unwrap_or(u32::MAX));
    api.writes.take(&rate_key(&writer), count, Instant::now())?;
    let append = Append {
        writer,
        records,
        idempotency: idempotency_key(headers)?,
    };
    match api.store.append(append).await? {
        stored @ (Appended::Stored | Appended::Repeated) => {
            if stored == Appended::Stored {
                api.metrics.written(values, begun.elapsed());
            }
            let body = json!({ "status": "success", "message": "created" });
            Ok((StatusCode::CREATED, Json(body)).into_response())
        }
        Appended::UnknownThing => Err(unknown_thing()),
    }
}

/// Who shares a rate: all that comes with one token, or goes to one thing by its owners.
fn rate_key(writer: &Writer) -> Digest {
    match writer {
        Writer::Device(token) | Writer::OwnerByToken(_, token) => *token,
        Writer::Owner(_, thing) => Token::presented(thing.as_str()).digest(),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<Digest>, ApiError> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    match key.to_str() {
        Ok(key) if (1..=MAX_IDEMPOTENCY_KEY).contains(&key.len()) => {
            Ok(Some(Token::presented(key).digest()))
        }
        _ => Err(ApiError::bad_request("malformed Idempotency-Key")),
    }
}

pub(super) async fn timeline(
    State(api): State<Arc<Api>>,
    Path((token, key)): Path<(String, String)>,
    Query(query): Query<WindowQuery>,
) -> Result<Response, ApiError> {
    let thing = thing(&api, &token).await?;
    let key = Key::parse(&key).ok_or_else(unknown_resource)?;
    let timeline = Timelines::one(thing.row, key, query.window()?);
    timeline.answer(api).await
}

pub(super) async fn resources(
    State(api): State<Arc<Api>>,
    Path(token): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let thing = thing(&api, &token).await?;
    let keys = api.store.resources(thing.row).await?;
    let names: Vec<_> = keys.iter().map(Key::as_str).collect();
    Ok(Json(json!({ "status": "success", "resources": names })))
}

pub(super) async fn all_resources(
    State(api): State<Arc<Api>>,
    Path(token): Path<String>,
    Query(query): Query<WindowQuery>,
) -> Result<Response, ApiError> {
    let thing = thing(&api, &token).await?;
    let window = query.window()?;
    let section = |key: Key| Section {
        head: format!(r#"{{"key":"{}","values":"#, key.as_str()),
        thing: thing.row,
        key,
        tail: "}",
    };
    let keys = api.store.resources(thing.row).await?;
    let timelines = Timelines {
        open: "[",
        sections: keys.into_iter().map(section).collect(),
        close: "]",
        window,
    };
    timelines.answer(api).await
}

/// The thing of a token in a path that may read it. Nothing tells an unknown token from a revoked one
/// or from one that only writes.
pub(super) async fn thing(api: &Api, token: &str) -> Result<Thing, ApiError> {
    let token = Token::presented(token).digest();
    let thing = api.store.thing(token, Right::READ).await?;
    thing.ok_or_else(unknown_thing)
}

pub(super) fn unknown_thing() -> ApiError {
    ApiError::not_found("thing not found")
}

pub(super) fn unknown_resource() -> ApiError {
    ApiError::not_found("resource not found")
}

/// JSON that is text already, so that values stay as they were written.
pub(super) fn json_text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}
