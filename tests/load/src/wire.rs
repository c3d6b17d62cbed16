//! The bytes that a client writes and the frames that it reads, without any library: the generator
//! must cost less than the servers it loads.

use clap::ValueEnum;

/// Engine.IO revision of the clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Revision {
    #[value(name = "3")]
    V3,
    #[value(name = "4")]
    V4,
}

impl Revision {
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::V3 => 3,
            Self::V4 => 4,
        }
    }
}

/// A masked text frame; the mask is zero, so the text stands as it is.
pub(crate) fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match text.len() {
        short @ 0..126 => frame.push(0x80 | short as u8),
        middle @ 126..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend((middle as u16).to_be_bytes());
        }
        long => {
            frame.push(0x80 | 127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

/// A server's frame at the front of a buffer: its text and the bytes it takes, if it is complete.
pub(crate) fn parse_frame(buffer: &[u8]) -> Option<(&[u8], usize)> {
    let (head, length) = match *buffer.get(1)? {
        126 => (
            4,
            u16::from_be_bytes(buffer.get(2..4)?.try_into().ok()?) as usize,
        ),
        127 => (
            10,
            u64::from_be_bytes(buffer.get(2..10)?.try_into().ok()?) as usize,
        ),
        short => (2, usize::from(short)),
    };
    let end = head + length;
    Some((buffer.get(head..end)?, end))
}

/// The payload of a delivery, `42["m","…"]`; other texts have none.
pub(crate) fn delivered(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(br#"42["m",""#)?.strip_suffix(br#""]"#)
}

/// The number that [`payload`] of this size was made from, if it is such a payload to the last byte.
pub(crate) fn number(payload: &[u8], size: usize) -> Option<u64> {
    let colon = payload.iter().position(|byte| *byte == b':')?;
    let (digits, padding) = payload.split_at(colon);
    let whole = payload.len() == size.max(colon + 1);
    if !whole || padding[1..].iter().any(|byte| *byte != b'x') {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A payload of `size` bytes that starts with a number.
pub(crate) fn payload(number: u64, size: usize) -> String {
    let mut text = format!("{number}:");
    text.extend(std::iter::repeat_n('x', size.saturating_sub(text.len())));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_length_are_read_back() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let text = "y".repeat(length);
            let client = frame(&text);
            let head = client.len() - length - 4;
            let mut server = client[..head].to_vec();
            server[1] &= 0x7f;
            server.extend(text.as_bytes());
            assert_eq!(parse_frame(&server), Some((text.as_bytes(), server.len())));
            assert_eq!(parse_frame(&server[..server.len() - 1]), None);
        }
    }

    #[test]
    fn a_delivery_is_read_to_its_last_byte() {
        let event = format!(r#"42["m","{}"]"#, payload(1207, 64));
        let received = delivered(event.as_bytes()).unwrap();
        assert_eq!(number(received, 64), Some(1207));
        assert_eq!(number(received, 65), None);
        assert_eq!(number(&received[..63], 64), None);
        assert_eq!(
            number(payload(1207, 64).replace("xx", "xy").as_bytes(), 64),
            None
        );
        assert_eq!(delivered(b"3"), None);
    }
}
