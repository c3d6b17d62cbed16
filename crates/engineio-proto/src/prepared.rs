//! A message that is encoded once and sent to many sessions.
//!
//! The whole entry is laid out as WebSocket frames; the packets that a poll needs are slices of
//! them. Owns no queue and no policy.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::{Data, Packet, Text, Version, websocket_frame::MAX_HEAD};

/// One message with the attachments that must follow it without anything in between: the unit of
/// every queue and policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    head: Data,
    attachments: Vec<Bytes>,
}

impl Entry {
    /// A text with the binary messages that belong to it.
    pub fn with_attachments(head: Text, attachments: Vec<Bytes>) -> Self {
        Self {
            head: Data::Text(head),
            attachments,
        }
    }

    /// The first message.
    pub fn head(&self) -> &Data {
        &self.head
    }

    /// The binary messages that follow it.
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    fn packets(&self) -> impl Iterator<Item = Packet> {
        let attachments = self.attachments.iter().cloned().map(Packet::message);
        std::iter::once(Packet::Message(self.head.clone())).chain(attachments)
    }

    fn is_text_only(&self) -> bool {
        matches!(self.head, Data::Text(_)) && self.attachments.is_empty()
    }

    /// The entry as frames, one behind the other.
    fn frames(&self, version: Version) -> Bytes {
        let contents: usize = self.packets().map(|packet| packet.bytes().len()).sum();
        let heads = (MAX_HEAD + 1) * (1 + self.attachments.len());
        let mut out = BytesMut::with_capacity(contents + heads);
        self.packets()
            .for_each(|packet| packet.put_websocket_frame(version, &mut out));
        out.freeze()
    }
}

impl<T: Into<Data>> From<T> for Entry {
    fn from(head: T) -> Self {
        Self {
            head: head.into(),
            attachments: Vec::new(),
        }
    }
}

/// An entry in the form that all sessions share: cloning it counts a reference and copies nothing.
///
/// Text takes the same frame in both revisions. An entry with bytes in it is laid out twice,
/// because revision 3 puts a type byte in front of them.
///
/// ```
/// use engineio_proto::{Prepared, Text, Version};
///
/// let message = Prepared::new(Text::from("hi"));
/// assert_eq!(message.frames(Version::V4).as_ref(), b"\x81\x034hi");
/// ```
#[derive(Debug, Clone)]
pub struct Prepared(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    entry: Entry,
    v4: Bytes,
    v3: Bytes,
    has_separator: bool,
}

impl Prepared {
    /// Encodes an entry.
    pub fn new(entry: impl Into<Entry>) -> Self {
        let entry = entry.into();
        let v4 = entry.frames(Version::V4);
        let v3 = if entry.is_text_only() {
            v4.clone()
        } else {
            entry.frames(Version::V3)
        };
        let has_separator = matches!(&entry.head, Data::Text(text) if text.has_separator());
        Self(Arc::new(Inner {
            entry,
            v4,
            v3,
            has_separator,
        }))
    }

    /// The WebSocket frames of the whole entry, unmasked, one behind the other.
    pub fn frames(&self, version: Version) -> &Bytes {
        match version {
            Version::V3 => &self.0.v3,
            Version::V4 => &self.0.v4,
        }
    }

    /// The packets, for a poll.
    pub fn packets(&self) -> impl Iterator<Item = Packet> {
        self.0.entry.packets()
    }

    /// Number of packets: the message and its attachments.
    pub fn packet_count(&self) -> usize {
        1 + self.0.entry.attachments.len()
    }

    /// Size in bytes, as queues count it: the frames of revision 4.
    #[allow(
        clippy::len_without_is_empty,
        reason = "an entry has at least a frame's head"
    )]
    pub fn len(&self) -> usize {
        self.0.v4.len()
    }

    /// True if its text has a raw U+001E, which tears it apart in revision 4's payloads: a session
    /// that polls must refuse it ([`SendError::Separator`](crate::SendError::Separator)). JSON
    /// never has one.
    pub fn has_separator(&self) -> bool {
        self.0.has_separator
    }
}
