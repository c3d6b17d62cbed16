//! Puts a packet and its attachments together. They may come by different transports, so this
//! belongs to the session, not to a connection (SIO5 5.1).
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod budget;

use std::time::Instant;

use bytes::Bytes;

pub use self::budget::AttachmentBudget;
use self::budget::Share;
use crate::{Args, Body, Config, NamespaceName, PacketError, json};

/// The packet of one client whose attachments are still to come, if there is one.
#[derive(Debug, Default)]
pub struct Assembler(Option<Box<Waiting>>);

#[derive(Debug)]
struct Waiting {
    namespace: NamespaceName,
    body: Body,
    count: usize,
    attachments: Vec<Bytes>,
    bytes: usize,
    share: Share,
    deadline: Instant,
}

impl Assembler {
    /// True while attachments are outstanding: nothing else may come meanwhile.
    pub fn is_waiting(&self) -> bool {
        self.0.is_some()
    }

    /// When the attachments must be complete.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.as_ref().map(|waiting| waiting.deadline)
    }

    /// Forgets the packet and what came for it.
    pub fn clear(&mut self) {
        self.0 = None;
    }

    /// Starts to wait for `count` attachments. Nothing is allocated by that number.
    ///
    /// # Errors
    ///
    /// [`PacketError`] if the count is over the limit, a placeholder has none of them, or too much is
    /// under way on this server.
    pub(crate) fn begin(
        &mut self,
        now: Instant,
        namespace: NamespaceName,
        body: Body,
        count: usize,
        config: &Config,
    ) -> Result<(), PacketError> {
        if count > config.max_attachments {
            return Err(PacketError::AttachmentCount);
        }
        json::placeholders(list(&body), |number| {
            if number < count {
                Ok(())
            } else {
                Err(PacketError::Placeholder)
            }
        })?;
        let deadline = now.checked_add(config.attachment_timeout).unwrap_or(now);
        let mut share = Share::new(&config.attachment_budget);
        share.add(list(&body).len())?;
        let waiting = Waiting {
            namespace,
            body,
            count,
            attachments: Vec::new(),
            bytes: 0,
            share,
            deadline,
        };
        self.0 = Some(Box::new(waiting));
        Ok(())
    }

    /// Takes the next attachment; gives the packet with its attachments when it was the last.
    ///
    /// # Errors
    ///
    /// [`PacketError`] if none was due, they are too large or repeated too often, or too much is under
    /// way on this server.
    pub(crate) fn push(
        &mut self,
        attachment: Bytes,
        config: &Config,
    ) -> Result<Option<(NamespaceName, Body)>, PacketError> {
        let waiting = self.0.as_mut().ok_or(PacketError::StrayAttachment)?;
        waiting.bytes = waiting.bytes.saturating_add(attachment.len());
        if waiting.bytes > config.max_attachment_bytes {
            return Err(PacketError::AttachmentBytes);
        }
        waiting.share.add(attachment.len())?;
        waiting.attachments.push(attachment);
        if waiting.attachments.len() < waiting.count {
            return Ok(None);
        }
        let Some(whole) = self.0.take() else {
            return Ok(None);
        };
        bounded(list(&whole.body), &whole.attachments, whole.bytes)?;
        let body = whole.body.with_attachments(whole.attachments);
        Ok(Some((whole.namespace, body)))
    }
}

/// The arguments as they stand in the packet.
fn list(body: &Body) -> &str {
    body.args().map_or("", Args::list)
}

/// One attachment may be referred to many times, but a packet must not grow beyond twice its size.
fn bounded(list: &str, attachments: &[Bytes], received: usize) -> Result<(), PacketError> {
    let json = list.len();
    let most = json.saturating_add(received).saturating_mul(2);
    let mut expanded = json;
    json::placeholders(list, |number| {
        let size = attachments
            .get(number)
            .ok_or(PacketError::Placeholder)?
            .len();
        expanded = expanded.saturating_add(size);
        if expanded > most {
            Err(PacketError::Expansion)
        } else {
            Ok(())
        }
    })
}
