//! Activation codes and things.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use http::StatusCode;
use serde_json::{Value, json};

use super::{Admin, listing::Part};
use crate::{
    rest::{ApiError, Path, Query},
    store::{NewThing, ThingEntry, ThingRow},
    token::{ThingId, Token},
};

pub(super) async fn create_code(
    State(admin): State<Arc<Admin>>,
) -> Result<impl IntoResponse, ApiError> {
    let code = Token::generate()?;
    admin.store.create_code(code.digest()).await?;
    let body = json!({ "status": "success", "activationCode": code.reveal() });
    Ok((StatusCode::CREATED, Json(body)))
}

pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Query(part): Query<Part>,
) -> Result<Json<Value>, ApiError> {
    let after = ThingRow(part.after());
    let things = admin.store.things(after, part.limit()).await?;
    let things: Vec<_> = things.iter().map(entry).collect();
    Ok(Json(json!({ "things": things })))
}

fn entry(entry: &ThingEntry) -> Value {
    json!({
        "thing": entry.thing.row.0,
        "thingId": entry.thing.id.as_str(),
        "product": entry.product,
        "created": entry.created.to_string(),
        "owners": entry.owners,
    })
}

/// Makes a code and uses it, as a device would.
pub(super) async fn create(State(admin): State<Arc<Admin>>) -> Result<impl IntoResponse, ApiError> {
    let (code, token, id) = (Token::generate()?, Token::generate()?, ThingId::generate()?);
    let thing = NewThing {
        id: id.clone(),
        token: token.digest(),
        product: None,
    };
    admin.store.create_code(code.digest()).await?;
    admin.store.activate(code.digest(), thing).await?;
    Ok((StatusCode::CREATED, Json(secret(&id, &token))))
}

/// The device gets another token; the old one holds no more.
pub(super) async fn replace_token(
    State(admin): State<Arc<Admin>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let (id, token) = (ThingId::named(&id), Token::generate()?);
    replace(&admin, &id, &token).await?;
    Ok(Json(secret(&id, &token)))
}

/// As [`replace_token`], but nobody learns the new one.
pub(super) async fn revoke(
    State(admin): State<Arc<Admin>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    replace(&admin, &ThingId::named(&id), &Token::generate()?).await?;
    Ok(Json(
        json!({ "status": "success", "message": "thing token revoked" }),
    ))
}

async fn replace(admin: &Admin, id: &ThingId, token: &Token) -> Result<(), ApiError> {
    let replaced = admin.store.replace_thing_token(id.clone(), token.digest());
    match replaced.await? {
        true => Ok(()),
        false => Err(ApiError::not_found("no such thing")),
    }
}

fn secret(id: &ThingId, token: &Token) -> Value {
    json!({
        "status": "success",
        "thingId": id.as_str(),
        "thingToken": token.reveal(),
    })
}
