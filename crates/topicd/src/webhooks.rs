//! Tells another server what happens here: values written, things linked.
//!
//! One task posts what is queued, in order, again and again for a while if it fails. The queue is
//! bounded: a receiver that is slow or gone costs what it misses, and nobody else anything.

use std::{
    fs,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Uri;
use serde_json::value::RawValue;
use sha2::Sha256;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::{
    config::{ConfigError, WebhooksConfig},
    datetime::Timestamp,
    metrics::{Metrics, Told},
    store::{Publication, UserId},
    token::{ThingId, Token},
    value,
};

mod delivery;
mod tls;

use tls::Tls;

/// What may wait, in documents.
const MAX_WAITING: usize = 1024;
/// What may wait, in kibibytes.
const MAX_WAITING_KIB: usize = 8 * 1024;

/// The way into the queue. Cheap to clone; with no receiver in the settings it does nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Webhooks(Option<Queue>);

#[derive(Clone, Debug)]
struct Queue {
    waiting: mpsc::Sender<Notice>,
    room: Arc<Semaphore>,
    metrics: Metrics,
}

/// One document that waits.
#[derive(Debug)]
struct Notice {
    id: String,
    body: Bytes,
    _room: OwnedSemaphorePermit,
}

/// Where notices go, and what signs them.
#[derive(Clone)]
struct Receiver {
    url: Uri,
    secret: Token,
    /// If its address says https.
    tls: Option<Tls>,
}

impl Webhooks {
    /// Starts the task, if the settings name a receiver. Must be called in a runtime.
    ///
    /// # Errors
    ///
    /// The receiver's address or the secret cannot be used.
    pub(crate) fn start(config: &WebhooksConfig, metrics: &Metrics) -> Result<Self, ConfigError> {
        let Some(receiver) = Receiver::of(config)? else {
            return Ok(Self(None));
        };
        let (queue, notices) = Queue::new(metrics);
        tokio::spawn(delivery::run(receiver, notices, metrics.clone()));
        Ok(Self(Some(queue)))
    }

    /// Values are on disk and have been pushed.
    pub(crate) fn written(&self, publication: &Publication) {
        let Some(queue) = &self.0 else {
            return;
        };
        let thing = &publication.thing.id;
        let values = value::elements(&publication.records, None);
        queue.offer(|id, time| {
            let thing = thing.as_str();
            format!(
                r#"{{"event":"values.written","id":"{id}","time":"{time}","thingId":"{thing}","values":{values}}}"#
            )
        });
    }

    /// A user has become an owner of a thing.
    pub(crate) fn linked(&self, user: UserId, thing: &ThingId) {
        let Some(queue) = &self.0 else {
            return;
        };
        queue.offer(|id, time| {
            let (user, thing) = (user.0, thing.as_str());
            format!(
                r#"{{"event":"thing.linked","id":"{id}","time":"{time}","thingId":"{thing}","user":{user}}}"#
            )
        });
    }
}

impl Queue {
    fn new(metrics: &Metrics) -> (Self, mpsc::Receiver<Notice>) {
        let (waiting, notices) = mpsc::channel(MAX_WAITING);
        let queue = Self {
            waiting,
            room: Arc::new(Semaphore::new(MAX_WAITING_KIB)),
            metrics: metrics.clone(),
        };
        (queue, notices)
    }

    /// Queues a document, or counts it as missed. Never waits.
    fn offer(&self, document: impl FnOnce(&str, Timestamp) -> String) {
        if self.try_offer(document).is_none() {
            self.metrics.told(Told::Missed);
        }
    }

    fn try_offer(&self, document: impl FnOnce(&str, Timestamp) -> String) -> Option<()> {
        let id = Token::generate().ok()?.reveal().to_owned();
        let body = document(&id, Timestamp::now());
        debug_assert!(serde_json::from_str::<&RawValue>(&body).is_ok());
        let kib = u32::try_from(body.len() / 1024 + 1).ok()?;
        let room = Arc::clone(&self.room).try_acquire_many_owned(kib).ok()?;
        let notice = Notice {
            id,
            body: body.into(),
            _room: room,
        };
        self.waiting.try_send(notice).ok()
    }
}

impl Receiver {
    fn of(config: &WebhooksConfig) -> Result<Option<Self>, ConfigError> {
        let Some(url) = config.receiver()? else {
            return Ok(None);
        };
        let path = config.secret_file.as_ref();
        let path = path.ok_or_else(|| {
            ConfigError("webhooks.url needs webhooks.secret_file, which signs what is told".into())
        })?;
        let secret = fs::read_to_string(path).map_err(|error| {
            let path = path.display();
            ConfigError(format!("webhooks.secret_file: cannot read {path}: {error}"))
        })?;
        let secret = Token::presented(secret.trim());
        let tls = match url.scheme_str() {
            Some("https") => Some(Tls::new(host(&url), config.authority.as_deref())?),
            _ => None,
        };
        Ok(Some(Self { url, secret, tls }))
    }

    fn port(&self) -> u16 {
        let default = if self.tls.is_some() { 443 } else { 80 };
        self.url.port_u16().unwrap_or(default)
    }

    /// `t=SECONDS,v1=HEX`: the HMAC-SHA-256 of `SECONDS.BODY`, so that an old one cannot be sent
    /// again as a new one.
    fn signature(&self, body: &[u8]) -> String {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = since.map_or(0, |since| since.as_secs());
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.secret.reveal().as_bytes()) else {
            // A key of any length will do for this MAC.
            return String::new();
        };
        mac.update(format!("{seconds}.").as_bytes());
        mac.update(body);
        let mac = mac.finalize().into_bytes();
        let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("t={seconds},v1={hex}")
    }
}

/// Without the brackets of an IPv6 address.
fn host(url: &Uri) -> &str {
    url.host().unwrap_or_default().trim_matches(['[', ']'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_is_missed_and_nobody_waits() {
        let (queue, mut notices) = Queue::new(&Metrics::new());
        for _ in 0..MAX_WAITING {
            assert!(queue.try_offer(|_, _| "1".into()).is_some());
        }
        assert!(queue.try_offer(|_, _| "1".into()).is_none());
        drop(notices.recv().await);
        assert!(queue.try_offer(|_, _| "1".into()).is_some());
    }

    #[tokio::test]
    async fn large_documents_are_bounded_in_bytes() {
        let (queue, mut notices) = Queue::new(&Metrics::new());
        let large = || format!("\"{}\"", "x".repeat(1024 * 1024));
        let mut taken = 0;
        while queue.try_offer(|_, _| large()).is_some() {
            taken += 1;
        }
        assert!((6..=8).contains(&taken), "{taken}");
        drop(notices.recv().await);
        assert!(queue.try_offer(|_, _| large()).is_some());
    }
}
