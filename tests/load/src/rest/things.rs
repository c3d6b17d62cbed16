//! Things made from activation codes and linked to the user who listens.

use std::{fs, io};

use serde::Deserialize;

use super::Options;
use crate::http::Http;

/// One device.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Thing {
    #[serde(rename = "thingToken")]
    pub(super) token: String,
    #[serde(rename = "thingId")]
    pub(super) id: String,
}

pub(super) async fn activate(options: &Options) -> io::Result<Vec<Thing>> {
    let codes = fs::read_to_string(&options.codes)?;
    let mut http = Http::open(options.target.address).await?;
    let mut things = Vec::new();
    for code in codes.lines() {
        let body = format!(r#"{{"activationCode":"{code}"}}"#);
        let answer = http.post("/v2/things", JSON, &body).await?;
        let thing: Thing = serde_json::from_slice(&answer)?;
        let headers = format!("{JSON}Authorization: {}\r\n", options.session);
        let link = format!(r#"{{"thingToken":"{}"}}"#, thing.token);
        http.post("/v2/me/things", &headers, &link).await?;
        things.push(thing);
    }
    if things.len() < options.writers {
        return Err(io::Error::other("fewer things than writers"));
    }
    Ok(things)
}

const JSON: &str = "Content-Type: application/json\r\n";
