//! WebSocket frames as a server writes them: final, unmasked, never fragmented (RFC 6455 5.2).
//!
//! Only heads are made here; control frames and everything that a peer sends belong elsewhere.

use bytes::{BufMut, BytesMut};

/// The two opcodes of data frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opcode {
    Text = 1,
    Binary = 2,
}

/// The most bytes that a frame's head takes.
pub(crate) const MAX_HEAD: usize = 10;

/// Writes the head of a frame whose payload is `len` bytes, in the shortest form.
pub(crate) fn put_head(out: &mut BytesMut, opcode: Opcode, len: usize) {
    out.put_u8(FINAL | opcode as u8);
    if let Ok(len @ 0..=125) = u8::try_from(len) {
        out.put_u8(len);
    } else if let Ok(len) = u16::try_from(len) {
        out.put_u8(LENGTH_IN_2_BYTES);
        out.put_u16(len);
    } else {
        out.put_u8(LENGTH_IN_8_BYTES);
        out.put_u64(len as u64);
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
            let mut out = BytesMut::new();
            put_head(&mut out, Opcode::Text, len);
            assert_eq!(out, head, "{len}");
        }
    }
}
