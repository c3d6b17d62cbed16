//! Several packets as the body of one HTTP request or answer: which encoding a session uses, and
//! the way into each of them.
//!
//! An encoding is chosen once, at the handshake, and is never guessed from a body. Encoders take a
//! batch that the caller has cut to its byte budget; decoders take a whole body, which the driver
//! has bounded, and share its bytes.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod jsonp;
mod legacy_text;
mod v3_binary;
mod v3_text;
mod v4;

#[cfg(test)]
mod tests;

use bytes::Bytes;

pub use self::{jsonp::JsonpIndex, legacy_text::LegacyText};
use crate::{
    Compressible, Config, Data, Packet, PayloadError, PostContent, Text, Version,
    request::BinaryXhr,
};

/// The `Content-Type` of a poll's answer (EIO4 2.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentType {
    /// `text/plain; charset=UTF-8`
    Text,
    /// `application/octet-stream`
    OctetStream,
    /// `text/javascript; charset=UTF-8`, to be sent with `X-Content-Type-Options: nosniff`
    JavaScript,
}

impl ContentType {
    /// The header's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=UTF-8",
            Self::OctetStream => "application/octet-stream",
            Self::JavaScript => "text/javascript; charset=UTF-8",
        }
    }
}

/// The body of a poll's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// What the body is.
    pub content_type: ContentType,
    /// The body.
    pub body: Bytes,
    /// Whether HTTP may compress it.
    pub compressible: Compressible,
}

/// What was read from a body: every packet before the first bad one, and what was wrong with that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedPayload {
    /// The packets, in order. They are to be delivered even if an error follows (EIO4 2.7).
    pub packets: Vec<Packet>,
    /// Why reading stopped, if it did; the session is to be closed.
    pub error: Option<PayloadError>,
}

/// How one session's payloads look, fixed by its handshake (EIO4 2.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollEncoding {
    form: Form,
    rules: TextRules,
    jsonp: Option<JsonpIndex>,
}

/// The three encodings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    V4,
    V3Text,
    V3Binary(Framing),
}

/// When a client with binary XHR gets binary framing instead of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    WhenNeeded,
    Always,
}

/// Whether the rules for socket.io 1.x clients hold (EIO3 3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextRules {
    Plain,
    Legacy,
}

impl PollEncoding {
    /// The encoding that a handshake asks for.
    pub(crate) fn choose(
        version: Version,
        binary_xhr: BinaryXhr,
        framing: Framing,
        jsonp: Option<JsonpIndex>,
        config: &Config,
    ) -> Self {
        let rules = if config.legacy_text {
            TextRules::Legacy
        } else {
            TextRules::Plain
        };
        let form = match (version, binary_xhr) {
            (Version::V4, _) => Form::V4,
            // A script cannot carry bytes (EIO3 3.4).
            (Version::V3, BinaryXhr::Available) if jsonp.is_none() => match rules {
                TextRules::Legacy => Form::V3Binary(framing),
                TextRules::Plain => Form::V3Binary(Framing::WhenNeeded),
            },
            (Version::V3, _) => Form::V3Text,
        };
        Self { form, rules, jsonp }
    }

    /// Writes a batch of packets as one body.
    ///
    /// Total: every batch has a form. A text message with a raw U+001E would be torn apart by
    /// revision 4's separator; senders refuse it ([`Prepared::has_separator`]), and should one get
    /// here it goes out as one binary message with the same bytes.
    ///
    /// [`Prepared::has_separator`]: crate::Prepared::has_separator
    pub fn encode(&self, packets: &[Packet]) -> Payload {
        let (content_type, body) = match self.form {
            Form::V4 => (ContentType::Text, v4::encode(packets)),
            Form::V3Binary(framing) if self.rules.need_binary(framing, packets) => {
                return Payload {
                    content_type: ContentType::OctetStream,
                    body: v3_binary::encode(packets),
                    compressible: Compressible::Yes,
                };
            }
            Form::V3Text | Form::V3Binary(_) => (ContentType::Text, v3_text::encode(packets)),
        };
        match &self.jsonp {
            None => Payload {
                content_type,
                body: body.into_bytes(),
                compressible: Compressible::Yes,
            },
            Some(index) => Payload {
                content_type: ContentType::JavaScript,
                body: jsonp::encode(index, &body),
                compressible: Compressible::Yes,
            },
        }
    }

    /// Reads a POST's body. `legacy` is what is known of this client's text and belongs to the
    /// session. Reads at most `max_packets` packets ([`Limits::max_payload_packets`]); time and
    /// memory are linear in the body. No message keeps more memory alive than twice
    /// its size, or a KiB.
    ///
    /// [`Limits::max_payload_packets`]: crate::Limits::max_payload_packets
    pub fn decode(
        &self,
        content: PostContent,
        body: Bytes,
        legacy: &mut LegacyText,
        max_packets: usize,
    ) -> DecodedPayload {
        let len = body.len();
        let mut decoded = self.decode_slices(content, body, legacy, max_packets);
        decoded
            .packets
            .iter_mut()
            .for_each(|packet| packet.let_go(len));
        decoded
    }

    /// The packets as slices of the body, where they are.
    fn decode_slices(
        &self,
        content: PostContent,
        body: Bytes,
        legacy: &mut LegacyText,
        max_packets: usize,
    ) -> DecodedPayload {
        let text = match (content, self.form) {
            (PostContent::OctetStream, Form::V4) => {
                return DecodedPayload::failed(PayloadError::BinaryFraming);
            }
            (PostContent::OctetStream, _) => return v3_binary::decode(&body, max_packets),
            (PostContent::Text, _) if self.jsonp.is_some() => match jsonp::decode(&body) {
                Ok(Some(text)) => text,
                Ok(None) => return DecodedPayload::empty(),
                Err(error) => return DecodedPayload::failed(error),
            },
            (PostContent::Text, _) => match Text::from_utf8(body) {
                Ok(text) => text,
                Err(_) => return DecodedPayload::failed(PayloadError::Utf8),
            },
        };
        self.decode_text(&text, legacy, max_packets)
    }

    /// True if JSON must go out in ASCII, every other character as `\uXXXX`: revision 3 over text
    /// payloads, whose 1.x clients decode UTF-8 twice (EIO3 3.6 rule 2). It does not hold on a
    /// WebSocket.
    pub fn needs_ascii_json(&self) -> bool {
        self.rules == TextRules::Legacy && self.form == Form::V3Text
    }

    fn decode_text(
        &self,
        text: &Text,
        legacy: &mut LegacyText,
        max_packets: usize,
    ) -> DecodedPayload {
        match (self.form, self.rules) {
            (Form::V4, _) => v4::decode(text, max_packets),
            (_, TextRules::Plain) => v3_text::decode(text, max_packets),
            (_, TextRules::Legacy) => {
                let decoded = v3_text::decode(text, max_packets);
                legacy.correct(text, decoded)
            }
        }
    }
}

impl TextRules {
    /// EIO3 3.6 rule 1; without the rules only bytes need it (EIO3 3.3).
    fn need_binary(self, framing: Framing, packets: &[Packet]) -> bool {
        framing == Framing::Always
            || packets.iter().any(|packet| match packet {
                Packet::Message(Data::Binary(_)) => true,
                _ => self == Self::Legacy && !packet.bytes().is_ascii(),
            })
    }
}

impl DecodedPayload {
    fn empty() -> Self {
        Self {
            packets: Vec::new(),
            error: None,
        }
    }

    fn failed(error: PayloadError) -> Self {
        Self {
            packets: Vec::new(),
            error: Some(error),
        }
    }

    /// Collects packets until the first error or the limit.
    fn collect(
        packets: impl Iterator<Item = Result<Packet, PayloadError>>,
        max_packets: usize,
    ) -> Self {
        let mut decoded = Self::empty();
        for packet in packets {
            match packet {
                Ok(_) if decoded.packets.len() >= max_packets => {
                    decoded.error = Some(PayloadError::TooManyPackets);
                    break;
                }
                Ok(packet) => decoded.packets.push(packet),
                Err(error) => {
                    decoded.error = Some(error);
                    break;
                }
            }
        }
        decoded
    }
}
