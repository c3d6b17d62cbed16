//! Users, apps and tokens.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Admin, listing::Part};
use crate::{
    auth::Login,
    datetime::Timestamp,
    rest::{ApiError, JsonOf, Path, Query},
    store::{UserEntry, UserId},
    token::Token,
    topic::AllowedTopic,
};

/// Longest name of an app in bytes.
const MAX_APP: usize = 128;

/// A user, named as users name themselves.
#[derive(Deserialize)]
pub(super) struct Named {
    email: String,
    #[serde(default)]
    app: String,
}

#[derive(Deserialize)]
pub(super) struct WithPassword {
    #[serde(flatten)]
    user: Named,
    password: String,
}

#[derive(Deserialize)]
pub(super) struct App {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wanted {
    #[serde(flatten)]
    user: Named,
    /// None is a token for everything.
    topics: Option<Vec<String>>,
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct Presented {
    token: String,
}

impl Named {
    async fn find(&self, admin: &Admin) -> Result<UserId, ApiError> {
        let known = admin.store.credentials(&self.app, &self.email).await?;
        let known = known.ok_or_else(|| ApiError::not_found("no such user"))?;
        Ok(known.user)
    }
}

impl WithPassword {
    fn login(self) -> Result<Login, ApiError> {
        let login = Login::typed(self.user.app, self.user.email, self.password);
        login.ok_or_else(ApiError::malformed_login)
    }
}

pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    Query(part): Query<Part>,
) -> Result<Json<Value>, ApiError> {
    let users = admin
        .store
        .users(UserId(part.after()), part.limit())
        .await?;
    let users: Vec<_> = users.iter().map(entry).collect();
    Ok(Json(json!({ "users": users })))
}

fn entry(user: &UserEntry) -> Value {
    json!({
        "user": user.user.0,
        "email": user.email,
        "app": user.app,
        "created": user.created.to_string(),
        "sessions": user.sessions,
        "things": user.things,
    })
}

pub(super) async fn create(
    State(admin): State<Arc<Admin>>,
    JsonOf(new): JsonOf<WithPassword>,
) -> Result<impl IntoResponse, ApiError> {
    let session = admin.auth.register(new.login()?).await?;
    // Whoever makes an account for others must not stay logged in as them.
    if let Some(session) = admin.auth.session(&session).await? {
        admin.auth.logout(&session).await?;
    }
    Ok((StatusCode::CREATED, Json(success("created"))))
}

pub(super) async fn remove(
    State(admin): State<Arc<Admin>>,
    JsonOf(user): JsonOf<Named>,
) -> Result<Json<Value>, ApiError> {
    let user = user.find(&admin).await?;
    admin.store.remove_user(user).await?;
    Ok(Json(success("removed")))
}

pub(super) async fn set_password(
    State(admin): State<Arc<Admin>>,
    JsonOf(new): JsonOf<WithPassword>,
) -> Result<Json<Value>, ApiError> {
    let user = new.user.find(&admin).await?;
    let hash = admin.auth.hash(new.login()?.password).await?;
    admin.store.set_password(user, hash).await?;
    // Whoever knew the old one may have logged in with it.
    admin.store.end_sessions(user).await?;
    Ok(Json(success("changed")))
}

/// Logs a user out everywhere.
pub(super) async fn revoke(
    State(admin): State<Arc<Admin>>,
    JsonOf(user): JsonOf<Named>,
) -> Result<Json<Value>, ApiError> {
    let user = user.find(&admin).await?;
    let ended = admin.store.end_sessions(user).await?;
    Ok(Json(
        json!({ "status": "success", "message": "revoked", "sessions": ended }),
    ))
}

pub(super) async fn apps(State(admin): State<Arc<Admin>>) -> Result<Json<Value>, ApiError> {
    let made = admin.store.apps().await?;
    let configured = &admin.live.now().config.accounts.apps;
    Ok(Json(json!({ "apps": made, "configured": configured })))
}

pub(super) async fn create_app(
    State(admin): State<Arc<Admin>>,
    JsonOf(app): JsonOf<App>,
) -> Result<impl IntoResponse, ApiError> {
    let fits = (1..=MAX_APP).contains(&app.id.len()) && !app.id.contains(char::is_control);
    if !fits {
        return Err(ApiError::bad_request(
            "an app id has 1 to 128 bytes, none a control",
        ));
    }
    match admin.store.create_app(app.id).await? {
        true => Ok((StatusCode::CREATED, Json(success("created")))),
        false => Err(ApiError::new(
            StatusCode::CONFLICT,
            "the app is there already",
        )),
    }
}

pub(super) async fn remove_app(
    State(admin): State<Arc<Admin>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    match admin.store.remove_app(id).await? {
        true => Ok(Json(success("removed"))),
        false => Err(ApiError::not_found("no such app")),
    }
}

/// A session token without a login: for a page, a service, or somebody who has forgotten a password.
pub(super) async fn create_token(
    State(admin): State<Arc<Admin>>,
    JsonOf(wanted): JsonOf<Wanted>,
) -> Result<impl IntoResponse, ApiError> {
    let topics = wanted.topics.as_deref().map(AllowedTopic::parse_all);
    let malformed = |_| ApiError::bad_request("malformed topics");
    let topics = topics.transpose().map_err(malformed)?;
    let user = wanted.user.find(&admin).await?;
    let longest = admin.live.now().config.accounts.session_seconds();
    let seconds = wanted.expires_in.unwrap_or(longest);
    let expires = Timestamp::now().plus_seconds(seconds);
    let token = admin.auth.open_session(user, topics, expires);
    let token = token.await?;
    let body = json!({
        "status": "success",
        "token": token.reveal(),
        "expires": expires.to_string(),
    });
    Ok((StatusCode::CREATED, Json(body)))
}

/// Takes back a token, whichever it is. A thing whose own token was taken back gets another one,
/// which nobody knows.
pub(super) async fn revoke_token(
    State(admin): State<Arc<Admin>>,
    JsonOf(presented): JsonOf<Presented>,
) -> Result<Json<Value>, ApiError> {
    let digest = Token::presented(&presented.token).digest();
    if admin.store.session(digest).await?.is_some() {
        admin.store.end_session(digest).await?;
        return Ok(Json(success("session token revoked")));
    }
    let unknown = Token::generate()?.digest();
    if admin.store.revoke_thing_token(digest, unknown).await? {
        return Ok(Json(success("thing token revoked")));
    }
    Err(ApiError::not_found("no such token"))
}

fn success(message: &str) -> Value {
    json!({ "status": "success", "message": message })
}
