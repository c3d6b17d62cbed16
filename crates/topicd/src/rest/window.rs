//! Which part of a timeline a query asks for: `limit`, `startDate`, `endDate`.

use std::num::{IntErrorKind, ParseIntError};

use serde::Deserialize;

use super::error::ApiError;
use crate::{datetime::Timestamp, store::Window};

/// Most records of one answer.
const MAX_LIMIT: u32 = 100;

/// The query as it comes.
#[derive(Deserialize, Default, Debug)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct WindowQuery {
    limit: Option<String>,
    start_date: Option<String>,
    end_date: Option<String>,
}

impl WindowQuery {
    /// Defaults are one record and all time; a larger limit is the largest.
    pub(crate) fn window(&self) -> Result<Window, ApiError> {
        let limit = match self.limit.as_deref() {
            None | Some("") => 1,
            Some(text) => text
                .parse()
                .or_else(|error: ParseIntError| match error.kind() {
                    IntErrorKind::PosOverflow => Ok(MAX_LIMIT),
                    _ => Err(ApiError::bad_request("malformed limit")),
                })?,
        };
        let start = instant(self.start_date.as_deref(), Timestamp::EPOCH)?;
        let end = instant(self.end_date.as_deref(), Timestamp::MAX)?;
        Ok(Window {
            limit: limit.clamp(1, MAX_LIMIT),
            range: start..=end,
            before: None,
        })
    }
}

fn instant(text: Option<&str>, default: Timestamp) -> Result<Timestamp, ApiError> {
    match text {
        None | Some("") => Ok(default),
        Some("NOW()") => Ok(Timestamp::now()),
        Some(text) => {
            let malformed = || ApiError::bad_request("malformed startDate or endDate");
            Timestamp::parse(text).ok_or_else(malformed)
        }
    }
}
