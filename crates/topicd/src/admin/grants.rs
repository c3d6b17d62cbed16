//! Tokens of things with one scope.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Admin;
use crate::{
    rest::{ApiError, JsonOf, Path},
    store::{Grant, GrantId, Granted, Scope},
    token::{ThingId, Token},
};

#[derive(Deserialize)]
pub(super) struct Wanted {
    scope: String,
}

pub(super) async fn create(
    State(admin): State<Arc<Admin>>,
    Path(id): Path<String>,
    JsonOf(wanted): JsonOf<Wanted>,
) -> Result<impl IntoResponse, ApiError> {
    let scope = Scope::named(&wanted.scope);
    let scope = scope.ok_or_else(|| ApiError::bad_request("scope must be read or write"))?;
    let (id, token) = (ThingId::named(&id), Token::generate()?);
    match admin.store.grant(id, token.digest(), scope).await? {
        Granted::Made(grant) => {
            let mut body = entry(&grant);
            body["status"] = "success".into();
            body["thingToken"] = token.reveal().into();
            Ok((StatusCode::CREATED, Json(body)))
        }
        Granted::UnknownThing => Err(unknown_thing()),
        Granted::TooMany => {
            let message = "the thing has too many grants";
            Err(ApiError::new(StatusCode::CONFLICT, message))
        }
    }
}

pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let grants = admin.store.grants(ThingId::named(&id)).await?;
    let grants = grants.ok_or_else(unknown_thing)?;
    let grants: Vec<_> = grants.iter().map(entry).collect();
    Ok(Json(json!({ "grants": grants })))
}

pub(super) async fn revoke(
    State(admin): State<Arc<Admin>>,
    Path((id, grant)): Path<(String, i64)>,
) -> Result<Json<Value>, ApiError> {
    let revoked = admin
        .store
        .revoke_grant(ThingId::named(&id), GrantId(grant));
    match revoked.await? {
        true => Ok(Json(
            json!({ "status": "success", "message": "grant revoked" }),
        )),
        false => Err(ApiError::not_found("no such grant")),
    }
}

fn entry(grant: &Grant) -> Value {
    json!({
        "grant": grant.id.0,
        "scope": grant.scope.as_str(),
        "created": grant.created.to_string(),
    })
}

fn unknown_thing() -> ApiError {
    ApiError::not_found("no such thing")
}
