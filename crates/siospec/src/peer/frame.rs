//! WebSocket frames (RFC 6455 5.2), right and wrong.

/// Masking key of all our frames; any value is legal.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// One frame as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) fin: bool,
    /// The three reserved bits.
    pub(crate) rsv: u8,
    pub(crate) opcode: u8,
    mask: Option<[u8; 4]>,
    /// The length announced, when it is not the payload's.
    declared: Option<u64>,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) const CONTINUATION: u8 = 0;
    pub(crate) const TEXT: u8 = 1;
    pub(crate) const BINARY: u8 = 2;
    pub(crate) const CLOSE: u8 = 8;
    pub(crate) const PING: u8 = 9;
    pub(crate) const PONG: u8 = 10;

    /// A final, masked frame.
    pub(crate) fn new(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        let payload = payload.into();
        Self {
            fin: true,
            rsv: 0,
            opcode,
            mask: Some(MASK),
            declared: None,
            payload,
        }
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::new(Self::TEXT, text)
    }

    pub(crate) fn close(code: u16) -> Self {
        Self::new(Self::CLOSE, code.to_be_bytes())
    }

    /// The same frame with more of the message to follow.
    pub(crate) fn unfinished(self) -> Self {
        Self { fin: false, ..self }
    }

    pub(crate) fn unmasked(self) -> Self {
        Self { mask: None, ..self }
    }

    pub(crate) fn reserved(self, rsv: u8) -> Self {
        Self { rsv, ..self }
    }

    /// The same frame with a length that is not true.
    pub(crate) fn declaring(self, length: u64) -> Self {
        Self {
            declared: Some(length),
            ..self
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mask_bit = if self.mask.is_some() { 0x80 } else { 0 };
        let mut bytes = vec![u8::from(self.fin) << 7 | self.rsv << 4 | self.opcode];
        let length = self.declared.unwrap_or(self.payload.len() as u64);
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ ..=125), _) => bytes.push(mask_bit | short),
            (_, Ok(medium)) => {
                bytes.push(mask_bit | 126);
                bytes.extend(medium.to_be_bytes());
            }
            _ => {
                bytes.push(mask_bit | 127);
                bytes.extend(length.to_be_bytes());
            }
        }
        bytes.extend(self.mask.iter().flatten());
        bytes.extend(masked(&self.payload, self.mask));
        bytes
    }

    /// The frame at the start of `bytes` and its length; `None` while it is incomplete.
    pub(crate) fn decode(bytes: &[u8]) -> Option<(Self, usize)> {
        let (&first, &second) = (bytes.first()?, bytes.get(1)?);
        let (length, mut at) = match second & 0x7f {
            126 => (
                u64::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
                4,
            ),
            127 => (u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?), 10),
            short => (u64::from(short), 2),
        };
        let mut mask = None;
        if second & 0x80 != 0 {
            mask = Some(*bytes.get(at..)?.first_chunk()?);
            at += 4;
        }
        let end = at.checked_add(usize::try_from(length).ok()?)?;
        let payload = masked(bytes.get(at..end)?, mask);
        let (fin, rsv, opcode) = (first & 0x80 != 0, first >> 4 & 7, first & 0xf);
        Some((
            Self {
                fin,
                rsv,
                opcode,
                mask,
                declared: None,
                payload,
            },
            end,
        ))
    }

    /// Why a server must not send this frame outside an extension (RFC 6455 5.1, 5.2, 5.5).
    pub(super) fn violation(&self) -> Option<&'static str> {
        let control = self.opcode >= Self::CLOSE;
        match self.opcode {
            _ if self.mask.is_some() => Some("a masked frame from the server"),
            _ if self.rsv != 0 => Some("a frame with reserved bits"),
            3..=7 | 11.. => Some("a frame with an unknown opcode"),
            _ if control && (!self.fin || self.payload.len() > 125) => Some("a bad control frame"),
            _ => None,
        }
    }
}

fn masked(payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let Some(mask) = mask else {
        return payload.to_vec();
    };
    payload
        .iter()
        .zip(mask.iter().cycle())
        .map(|(byte, key)| byte ^ key)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(frame: &Frame) -> usize {
        let bytes = frame.encode();
        for length in 0..bytes.len() {
            assert_eq!(Frame::decode(&bytes[..length]), None, "{length} bytes");
        }
        assert_eq!(Frame::decode(&bytes), Some((frame.clone(), bytes.len())));
        bytes.len()
    }

    #[test]
    fn the_example_of_the_rfc() {
        let bytes = [
            0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
        ];
        assert_eq!(Frame::text("Hello").encode(), bytes);
        let unmasked = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
        assert_eq!(Frame::text("Hello").unmasked().encode(), unmasked);
    }

    #[test]
    fn lengths_take_the_shortest_form() {
        assert_eq!(
            round_trip(&Frame::new(Frame::BINARY, [7; 125])),
            2 + 4 + 125
        );
        assert_eq!(
            round_trip(&Frame::new(Frame::BINARY, [7; 126])),
            4 + 4 + 126
        );
        assert_eq!(
            round_trip(&Frame::new(Frame::BINARY, vec![7; 70_000])),
            10 + 4 + 70_000
        );
    }

    #[test]
    fn wrong_frames_are_possible() {
        let frame = Frame::text("x").unfinished().reserved(4).unmasked();
        assert_eq!(frame.encode(), [0x41, 1, b'x']);
        let lying = Frame::new(Frame::BINARY, []).unmasked().declaring(1 << 62);
        assert_eq!(lying.encode(), [0x82, 127, 0x40, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn illegal_frames_of_a_server_are_noticed() {
        assert_eq!(Frame::text("x").unmasked().violation(), None);
        assert!(Frame::text("x").violation().is_some());
        assert!(
            Frame::text("x")
                .unmasked()
                .reserved(4)
                .violation()
                .is_some()
        );
        assert!(Frame::new(11, []).unmasked().violation().is_some());
        assert!(
            Frame::new(Frame::PING, [])
                .unmasked()
                .unfinished()
                .violation()
                .is_some()
        );
    }
}
