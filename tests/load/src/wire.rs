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

/// The number at the front of a benchmark payload: `42["m","17:…"]`.
pub(crate) fn sequence(text: &[u8]) -> Option<u64> {
    let start = memchr_after(text, b"[\"m\",\"")?;
    let digits = text[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    digits
        .map(|digit| u64::from(digit - b'0'))
        .reduce(|number, digit| number * 10 + digit)
}

fn memchr_after(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len())
        .position(|window| window == what)
        .map(|at| at + what.len())
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
    fn the_number_is_found_in_an_event() {
        let event = format!(r#"42["m","{}"]"#, payload(1207, 64));
        assert_eq!(sequence(event.as_bytes()), Some(1207));
        assert_eq!(sequence(b"3"), None);
    }
}
