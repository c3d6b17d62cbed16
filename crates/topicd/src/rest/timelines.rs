//! Answers with stored values: one JSON text, read page by page.
//!
//! A hundred values may be a hundred megabytes. What fits into one page is answered at once, with
//! its length; of more there is never more than a page in memory, and the next one is read when the
//! reader has taken it.

use std::{sync::Arc, vec};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use http::header;

use super::{Api, error::ApiError, things::unknown_resource};
use crate::{
    read_budget::Share,
    store::{ThingRow, Window},
    topic::Key,
    value::Record,
};

/// Bytes of text after which a page ends.
const PAGE: usize = 256 * 1024;
/// Memory that a page may take while it is made: one value of any size fits.
const MAX_PAGE: usize = 2 * 1024 * 1024;

/// Timelines, and the JSON around them.
pub(super) struct Timelines {
    pub(super) open: &'static str,
    pub(super) sections: Vec<Section>,
    pub(super) close: &'static str,
    /// What is asked for of each.
    pub(super) window: Window,
}

/// One timeline, and the JSON around it.
pub(super) struct Section {
    pub(super) head: String,
    pub(super) thing: ThingRow,
    pub(super) key: Key,
    pub(super) tail: &'static str,
}

/// What has been read and what is left.
struct Pages {
    api: Arc<Api>,
    window: Window,
    sections: vec::IntoIter<Section>,
    close: &'static str,
    progress: Progress,
}

enum Progress {
    /// Before everything, with what is written first.
    Start(&'static str),
    /// Between two sections, with what comes before the next.
    Between(&'static str),
    /// In a section, with what is left of it and what comes before its next value.
    Within(Section, Window, &'static str),
    Over,
}

/// A page and its share of the memory, which is given back when the page has been sent.
struct Page {
    text: String,
    _share: Share,
}

impl Timelines {
    /// A single one.
    pub(super) fn one(thing: ThingRow, key: Key, window: Window) -> Self {
        let section = Section {
            head: String::new(),
            thing,
            key,
            tail: "",
        };
        Self {
            open: "",
            sections: vec![section],
            close: "",
            window,
        }
    }

    /// Reads the first page, and the others while they are sent.
    ///
    /// # Errors
    ///
    /// 404 if a resource is unknown, 503 if too much is being read.
    pub(super) async fn answer(self, api: Arc<Api>) -> Result<Response, ApiError> {
        let mut pages = Pages {
            api,
            window: self.window,
            sections: self.sections.into_iter(),
            close: self.close,
            progress: Progress::Start(self.open),
        };
        let first = pages.next().await?;
        let body = match pages.progress {
            Progress::Over => Body::from(first),
            _ => Body::from_stream(stream::unfold(Some((Some(first), pages)), following)),
        };
        Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
    }
}

/// The page that is there already or the next one. An error breaks the connection off: the status
/// is long gone.
async fn following(
    state: Option<(Option<Bytes>, Pages)>,
) -> Option<(Result<Bytes, ApiError>, Option<(Option<Bytes>, Pages)>)> {
    let (ready, mut pages) = state?;
    if let Some(page) = ready {
        return Some((Ok(page), Some((None, pages))));
    }
    if let Progress::Over = pages.progress {
        return None;
    }
    match pages.next().await {
        Ok(page) => Some((Ok(page), Some((None, pages)))),
        Err(error) => Some((Err(error), None)),
    }
}

impl Pages {
    async fn next(&mut self) -> Result<Bytes, ApiError> {
        let mut share = self.api.reads.share(MAX_PAGE).await?;
        let mut text = String::new();
        while text.len() < PAGE {
            match std::mem::replace(&mut self.progress, Progress::Over) {
                Progress::Start(open) => {
                    text.push_str(open);
                    self.progress = Progress::Between("");
                }
                Progress::Between(separator) => self.enter(separator, &mut text),
                Progress::Within(section, window, separator) => {
                    self.read(section, window, separator, &mut text).await?;
                }
                Progress::Over => break,
            }
        }
        share.shrink_to(text.capacity());
        let page = Page {
            text,
            _share: share,
        };
        Ok(Bytes::from_owner(page))
    }

    fn enter(&mut self, separator: &'static str, text: &mut String) {
        self.progress = match self.sections.next() {
            Some(section) => {
                text.push_str(separator);
                text.push_str(&section.head);
                Progress::Within(section, self.window.clone(), "[")
            }
            None => {
                text.push_str(self.close);
                Progress::Over
            }
        };
    }

    async fn read(
        &mut self,
        section: Section,
        window: Window,
        mut separator: &'static str,
        text: &mut String,
    ) -> Result<(), ApiError> {
        let (thing, key) = (section.thing, section.key.clone());
        let read = self.api.store.timeline(thing, key, window).await?;
        let page = read.ok_or_else(unknown_resource)?;
        for record in &page.records {
            push(separator, record, text);
            separator = ",";
        }
        self.progress = if let Some(rest) = page.rest {
            Progress::Within(section, rest, separator)
        } else {
            text.push_str(if separator == "[" { "[]" } else { "]" });
            text.push_str(section.tail);
            Progress::Between(",")
        };
        Ok(())
    }
}

fn push(separator: &str, record: &Record, text: &mut String) {
    text.push_str(separator);
    record.write_element(None, None, text);
}

impl AsRef<[u8]> for Page {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}
