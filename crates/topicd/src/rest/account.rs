//! `/v2/register`, `/v2/login`, `/v2/logout`, and `/v2` as a connectivity test.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Api,
    body::JsonOf,
    credentials::{LoggedIn, Peer},
    error::ApiError,
};
use crate::{auth::Login, token::Token};

#[derive(Deserialize)]
pub(super) struct Form {
    email: String,
    password: String,
    #[serde(default)]
    app: String,
}

impl Form {
    async fn into_login(self, api: &Api) -> Result<Login, ApiError> {
        let login = Login::typed(self.app, self.email, self.password);
        let login = login.ok_or_else(ApiError::malformed_login)?;
        if !api.accepts_app(&login.app).await? {
            return Err(ApiError::new(
                StatusCode::UNAUTHORIZED,
                "Invalid credentials",
            ));
        }
        Ok(login)
    }
}

pub(super) async fn register(
    State(api): State<Arc<Api>>,
    Peer(from): Peer,
    JsonOf(form): JsonOf<Form>,
) -> Result<impl IntoResponse, ApiError> {
    if !api.live.now().config.accounts.registration {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "registration is off"));
    }
    let login = form.into_login(&api).await?;
    let token = api.auth.register_from(login, from).await?;
    Ok((StatusCode::CREATED, Json(logged_in(&token))))
}

pub(super) async fn login(
    State(api): State<Arc<Api>>,
    Peer(from): Peer,
    JsonOf(form): JsonOf<Form>,
) -> Result<Json<Value>, ApiError> {
    let login = form.into_login(&api).await?;
    let token = api.auth.login(login, from).await?;
    Ok(Json(logged_in(&token)))
}

pub(super) async fn logout(
    State(api): State<Arc<Api>>,
    LoggedIn(session): LoggedIn,
) -> Result<Json<Value>, ApiError> {
    api.auth.logout(&session).await?;
    Ok(Json(json!({ "status": "success" })))
}

/// Clients ask this to see whether the server is there.
pub(super) async fn ping(LoggedIn(_): LoggedIn) -> Json<Value> {
    Json(json!({ "status": "success" }))
}

/// Users have no roles here; old clients read the lists all the same.
fn logged_in(token: &Token) -> Value {
    json!({
        "status": "success",
        "token": token.reveal(),
        "roles": { "resources": [], "things": [] },
    })
}
