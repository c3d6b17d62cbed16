//! A message that is encoded once and sent to many sessions.
//!
//! The whole entry is laid out as WebSocket frames; the packets that a poll needs are slices of
//! them. Owns no queue and no policy.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::{Data, Packet, Text, Version, packet::binary_message, websocket_frame::DataFrame};

/// One message with the attachments that must follow it without anything in between: the unit of
/// every queue and policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    head: Data,
    attachments: Vec<Bytes>,
    compressible: Compressible,
}

/// Whether an HTTP answer that carries a message may be compressed.
///
/// What a secret and a peer's words are compressed together with tells of the secret by its length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compressible {
    /// It may, if the driver compresses answers.
    #[default]
    Yes,
    /// It stays as it is, with everything else that is in it.
    No,
}

impl Entry {
    /// A text with the binary messages that belong to it.
    pub fn with_attachments(head: Text, attachments: Vec<Bytes>) -> Self {
        Self {
            head: Data::Text(head),
            attachments,
            compressible: Compressible::Yes,
        }
    }

    /// The same, with a say in the compression of answers.
    #[must_use]
    pub fn with_compressible(mut self, compressible: Compressible) -> Self {
        self.compressible = compressible;
        self
    }

    /// The first message.
    pub fn head(&self) -> &Data {
        &self.head
    }

    /// The binary messages that follow it.
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// Whether an HTTP answer with it may be compressed.
    pub fn compressible(&self) -> Compressible {
        self.compressible
    }

    fn packets(&self) -> impl Iterator<Item = Packet> {
        let attachments = self.attachments.iter().cloned().map(Packet::message);
        std::iter::once(Packet::Message(self.head.clone())).chain(attachments)
    }

    fn is_text_only(&self) -> bool {
        matches!(self.head, Data::Text(_)) && self.attachments.is_empty()
    }

    fn frames(&self, version: Version) -> impl Iterator<Item = DataFrame<'_>> {
        let attachments = self.attachments.iter();
        let attachments = attachments.map(move |bytes| binary_message(bytes, version));
        std::iter::once(self.head.message_frame(version)).chain(attachments)
    }

    /// The entry as frames, one behind the other.
    fn lay_out(&self, version: Version) -> Bytes {
        let len = self.frames(version).map(|frame| frame.len()).sum();
        let mut out = BytesMut::with_capacity(len);
        self.frames(version).for_each(|frame| frame.put(&mut out));
        out.freeze()
    }

    /// The same entry as slices of its frames, so that its bytes are kept once.
    fn within(&self, laid_out: &Bytes, version: Version) -> Self {
        let mut end = 0;
        let mut contents = self.frames(version).map(|frame| {
            end += frame.len();
            laid_out.slice(end - frame.content.len()..end)
        });
        let head = contents.next().unwrap_or_default();
        let head = match self.head {
            Data::Text(_) => Data::Text(Text::from_encoder(head)),
            Data::Binary(_) => Data::Binary(head),
        };
        Self {
            head,
            attachments: contents.collect(),
            compressible: self.compressible,
        }
    }
}

impl<T: Into<Data>> From<T> for Entry {
    fn from(head: T) -> Self {
        Self {
            head: head.into(),
            attachments: Vec::new(),
            compressible: Compressible::Yes,
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
    contents: Contents,
    compressible: Compressible,
    has_separator: bool,
    v4: Bytes,
    /// None if they are the same.
    v3: Option<Bytes>,
}

/// What the packets are made of. Most messages are never asked for them: only polls are.
#[derive(Debug)]
enum Contents {
    /// A text alone, which is the end of its frame: so many bytes.
    Text(usize),
    Entry(Entry),
}

impl Prepared {
    /// Encodes an entry.
    pub fn new(entry: impl Into<Entry>) -> Self {
        let entry = entry.into();
        let compressible = entry.compressible;
        let has_separator = matches!(&entry.head, Data::Text(text) if text.has_separator());
        let v4 = entry.lay_out(Version::V4);
        let (contents, v3) = if entry.is_text_only() {
            (Contents::Text(entry.head.len()), None)
        } else {
            let v3 = entry.lay_out(Version::V3);
            (Contents::Entry(entry.within(&v4, Version::V4)), Some(v3))
        };
        Self(Arc::new(Inner {
            contents,
            compressible,
            has_separator,
            v4,
            v3,
        }))
    }

    /// The WebSocket frames of the whole entry, unmasked, one behind the other.
    pub fn frames(&self, version: Version) -> &Bytes {
        match (version, &self.0.v3) {
            (Version::V3, Some(v3)) => v3,
            _ => &self.0.v4,
        }
    }

    /// The same message with base64 in text frames for its bytes; text is shared as it is.
    pub(crate) fn in_base64(&self) -> Self {
        let Contents::Entry(entry) = &self.0.contents else {
            return self.clone();
        };
        let frames = |version| {
            let mut out = BytesMut::new();
            let packets = entry.packets();
            packets.for_each(|packet| packet.put_base64_frame(version, &mut out));
            out.freeze()
        };
        Self(Arc::new(Inner {
            contents: Contents::Entry(entry.clone()),
            compressible: self.0.compressible,
            has_separator: self.0.has_separator,
            v4: frames(Version::V4),
            v3: Some(frames(Version::V3)),
        }))
    }

    /// The packets, for a poll.
    pub fn packets(&self) -> impl Iterator<Item = Packet> {
        let (text, entry) = match &self.0.contents {
            Contents::Text(len) => (Some(self.text(*len)), None),
            Contents::Entry(entry) => (None, Some(entry)),
        };
        text.into_iter()
            .chain(entry.into_iter().flat_map(Entry::packets))
    }

    fn text(&self, len: usize) -> Packet {
        let frame = &self.0.v4;
        let text = frame.slice(frame.len() - len..);
        Packet::message(Text::from_encoder(text))
    }

    /// Number of packets: the message and its attachments.
    pub fn packet_count(&self) -> usize {
        match &self.0.contents {
            Contents::Text(_) => 1,
            Contents::Entry(entry) => 1 + entry.attachments.len(),
        }
    }

    /// Size in bytes, as queues count it: the frames of revision 4. Those of revision 3 take one
    /// byte more for each binary packet, and base64 a third more.
    #[allow(
        clippy::len_without_is_empty,
        reason = "an entry has at least a frame's head"
    )]
    pub fn len(&self) -> usize {
        self.0.v4.len()
    }

    /// Whether an HTTP answer with it may be compressed.
    pub fn compressible(&self) -> Compressible {
        self.0.compressible
    }

    /// True if its text has a raw U+001E, which tears it apart in revision 4's payloads: a session
    /// that polls must refuse it ([`SendError::Separator`](crate::SendError::Separator)). JSON
    /// never has one.
    pub fn has_separator(&self) -> bool {
        self.0.has_separator
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attachments() -> Vec<Bytes> {
        vec![Bytes::from_static(&[1, 2, 3]), Bytes::new()]
    }

    #[test]
    fn text_takes_one_frame_for_both_revisions() {
        let message = Prepared::new(Text::from("2[\"a\"]"));
        assert_eq!(
            message.frames(Version::V4).as_ref(),
            b"\x81\x0742[\"a\"]".as_ref()
        );
        assert_eq!(
            message.frames(Version::V3).as_ptr(),
            message.frames(Version::V4).as_ptr()
        );
        assert_eq!((message.len(), message.packet_count()), (9, 1));
    }

    #[test]
    fn a_say_in_compression_stays_with_the_message() {
        let entry = Entry::with_attachments("52-[]".into(), attachments());
        assert_eq!(entry.compressible(), Compressible::Yes);
        let message = Prepared::new(entry.with_compressible(Compressible::No));
        assert_eq!(message.compressible(), Compressible::No);
    }

    #[test]
    fn attachments_follow_their_head() {
        let message = Prepared::new(Entry::with_attachments("52-[]".into(), attachments()));
        let v4 = b"\x81\x06452-[]\x82\x03\x01\x02\x03\x82\x00";
        let v3 = b"\x81\x06452-[]\x82\x04\x04\x01\x02\x03\x82\x01\x04";
        assert_eq!(message.frames(Version::V4).as_ref(), v4.as_ref());
        assert_eq!(message.frames(Version::V3).as_ref(), v3.as_ref());
        assert_eq!(message.packet_count(), 3);
    }

    #[test]
    fn base64_takes_text_frames_and_leaves_text_alone() {
        let entry = Entry::with_attachments("52-[]".into(), attachments());
        let message = Prepared::new(entry).in_base64();
        let v4 = b"\x81\x06452-[]\x81\x05bAQID\x81\x01b";
        let v3 = b"\x81\x06452-[]\x81\x06b4AQID\x81\x02b4";
        assert_eq!(message.frames(Version::V4).as_ref(), v4.as_ref());
        assert_eq!(message.frames(Version::V3).as_ref(), v3.as_ref());
        assert_eq!((message.len(), message.packet_count()), (v4.len(), 3));
        let text = Prepared::new(Text::from("hi"));
        let same = text.in_base64();
        assert_eq!(
            same.frames(Version::V3).as_ptr(),
            text.frames(Version::V3).as_ptr()
        );
    }

    #[test]
    fn packets_are_slices_of_the_frames() {
        let message = Prepared::new(Entry::with_attachments("52-[]".into(), attachments()));
        let contents: Vec<_> = message.packets().collect();
        let expected = attachments().into_iter().map(Packet::message);
        let expected: Vec<_> = [Packet::message(Text::from("52-[]"))]
            .into_iter()
            .chain(expected)
            .collect();
        assert_eq!(contents, expected);
        let frames = message.frames(Version::V4);
        assert!(contents.iter().all(|packet| {
            packet.bytes().is_empty() || frames.as_ptr_range().contains(&packet.bytes().as_ptr())
        }));
    }

    #[test]
    fn long_message_takes_the_long_head() {
        let message = Prepared::new(Bytes::from(vec![7; 70_000]));
        let frames = message.frames(Version::V3);
        assert_eq!(frames[..11], [0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x71, 4]);
        assert_eq!(frames.len(), 70_011);
    }

    #[test]
    fn separator_is_noticed() {
        assert!(Prepared::new(Text::from("a\u{1e}b")).has_separator());
        assert!(!Prepared::new(Text::from("ab")).has_separator());
        assert!(!Prepared::new(Bytes::from_static(b"\x1e")).has_separator());
    }
}
