//! Base64 as Engine.IO uses it: the standard alphabet, padded when written, and when read either
//! padded as it should be or not at all (EIO4 2.8).
//!
//! Node's decoder skips what it does not know. That hides damage, so here everything else is an
//! error.

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD},
};
use bytes::{Bytes, BytesMut};

use crate::PacketError;

/// Decodes the whole text.
pub(super) fn decode(text: &str) -> Result<Bytes, PacketError> {
    let engine = if text.ends_with('=') {
        &BASE64_STANDARD
    } else {
        &BASE64_STANDARD_NO_PAD
    };
    engine
        .decode(text)
        .map(Bytes::from)
        .map_err(|_| PacketError::Base64)
}

/// Appends the padded form.
pub(super) fn encode(bytes: &[u8], out: &mut BytesMut) {
    let start = out.len();
    let len = base64::encoded_len(bytes.len(), true).unwrap_or_default();
    out.resize(start.saturating_add(len), 0);
    let target = out.get_mut(start..).unwrap_or_default();
    let written = BASE64_STANDARD.encode_slice(bytes, target);
    debug_assert_eq!(written, Ok(len), "the target has the encoded length");
}
