//! WebSocket frames as a server writes them: final, unmasked, never fragmented (RFC 6455 5.2).
//!
//! Control frames and everything that a peer sends belong elsewhere.

use bytes::{BufMut, BytesMut};

/// The two opcodes of data frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opcode {
    Text = 1,
    Binary = 2,
}

/// A frame whose payload is the content of a packet, behind the byte of its type if it has one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DataFrame<'a> {
    pub(crate) opcode: Opcode,
    pub(crate) kind: Option<u8>,
    pub(crate) content: &'a [u8],
}

impl DataFrame<'_> {
    /// Bytes of the whole frame.
    pub(crate) fn len(&self) -> usize {
        let payload = self.payload_len();
        let head = match payload {
            0..=125 => 2,
            126..=0xffff => 4,
            _ => 10,
        };
        head + payload
    }

    /// Appends the whole frame.
    pub(crate) fn put(&self, out: &mut BytesMut) {
        put_head(out, self.opcode, self.payload_len());
        if let Some(kind) = self.kind {
            out.put_u8(kind);
        }
        out.put_slice(self.content);
    }

    fn payload_len(&self) -> usize {
        self.content.len() + usize::from(self.kind.is_some())
    }
}

/// Writes the head of a frame whose payload is `len` bytes, in the shortest form.
fn put_head(out: &mut BytesMut, opcode: Opcode, len: usize) {
    out.put_u8(FINAL | opcode as u8);
    match len {
        0..=125 => out.put_u8(len as u8),
        126..=0xffff => {
            out.put_u8(LENGTH_IN_2_BYTES);
            out.put_u16(len as u16);
        }
        _ => {
            out.put_u8(LENGTH_IN_8_BYTES);
            out.put_u64(len as u64);
        }
    }
}

const FINAL: u8 = 0x80;
const LENGTH_IN_2_BYTES: u8 = 126;
const LENGTH_IN_8_BYTES: u8 = 127;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_takes_the_shortest_form() {
        for (len, head) in [
            (0, &[0x81, 0][..]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (65_535, &[0x81, 126, 0xff, 0xff]),
            (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let content = vec![0; len];
            let frame = DataFrame {
                opcode: Opcode::Text,
                kind: None,
                content: &content,
            };
            let mut out = BytesMut::new();
            frame.put(&mut out);
            assert_eq!(out[..head.len()], *head, "{len}");
            assert_eq!(out.len(), frame.len(), "{len}");
            assert_eq!(out.len(), head.len() + len);
        }
    }
}
