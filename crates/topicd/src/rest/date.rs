//! `/v2/utils/date`: the server's clock for devices that have none.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Api, error::ApiError, params::Query, things};
use crate::datetime::Timestamp;

#[derive(Deserialize)]
pub(super) struct DateQuery {
    #[serde(rename = "thingToken", default)]
    thing_token: String,
    format: Option<String>,
}

pub(super) async fn date(
    State(api): State<Arc<Api>>,
    Query(query): Query<DateQuery>,
) -> Result<Json<Value>, ApiError> {
    things::thing(&api, &query.thing_token).await?;
    let now = Timestamp::now();
    let value = match query.format.as_deref() {
        None | Some("" | "UTC") => json!(now.to_string()),
        Some("unix_timestamp") => json!(now.millis() / 1000),
        Some(_) => return Err(ApiError::bad_request("format is UTC or unix_timestamp")),
    };
    Ok(Json(json!([{ "key": "date", "value": value }])))
}
