//! What went over the wire during one case, in order and with times.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Instant;

/// Bytes of one line that are kept; enough for every head and all but the largest bodies.
const SHOWN: usize = 400;

/// The growing record of one case; clones write to the same record.
#[derive(Clone, Debug)]
pub(crate) struct Transcript {
    started: Instant,
    lines: Rc<RefCell<Vec<Line>>>,
}

impl Transcript {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            lines: Rc::default(),
        }
    }

    /// Records that `connection` carried `bytes`.
    pub(crate) fn record(&self, connection: usize, direction: Direction, bytes: &[u8]) {
        self.note(connection, direction, printable(bytes));
    }

    /// Records something that is not plain bytes, such as a WebSocket frame or an end of stream.
    pub(crate) fn note(&self, connection: usize, direction: Direction, text: impl Into<String>) {
        let milliseconds = self.started.elapsed().as_millis();
        let line = Line {
            milliseconds,
            connection,
            direction,
            text: text.into(),
        };
        self.lines.borrow_mut().push(line);
    }

    pub(crate) fn into_lines(self) -> Vec<Line> {
        self.lines.take()
    }

    pub(crate) fn milliseconds(&self) -> u128 {
        self.started.elapsed().as_millis()
    }
}

/// One thing that happened on one connection.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Since the start of the case.
    pub(crate) milliseconds: u128,
    /// Number of the TCP connection within the case.
    pub(crate) connection: usize,
    pub(crate) direction: Direction,
    pub(crate) text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.direction {
            Direction::Sent => '>',
            Direction::Received => '<',
        };
        let Self {
            milliseconds,
            connection,
            text,
            ..
        } = self;
        write!(f, "{milliseconds:>5} ms  #{connection} {sign} {text}")
    }
}

/// Seen from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Sent,
    Received,
}

/// Bytes as readable text: UTF-8 stays, the record separator is `␞`, other control characters and
/// stray bytes are escaped, long input is cut.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let shown = bytes.get(..SHOWN).unwrap_or(bytes);
    let mut text = String::new();
    for chunk in shown.utf8_chunks() {
        chunk
            .valid()
            .chars()
            .for_each(|c| push_printable(&mut text, c));
        chunk
            .invalid()
            .iter()
            .for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    if bytes.len() > SHOWN {
        text.push_str(&format!("… ({} bytes)", bytes.len()));
    }
    text
}

fn push_printable(text: &mut String, character: char) {
    match character {
        '\u{1e}' => text.push('␞'),
        '\r' => text.push_str("\\r"),
        '\n' => text.push_str("\\n"),
        c if c.is_control() => text.extend(c.escape_unicode()),
        c => text.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_and_stray_bytes_are_readable() {
        assert_eq!(printable(b"4a\x1e4b\r\n\xff\x00"), "4a␞4b\\r\\n\\xff\\u{0}");
    }

    #[test]
    fn long_input_is_cut_and_says_so() {
        let text = printable(&[b'a'; 1000]);
        assert!(text.ends_with("… (1000 bytes)"), "{text}");
        assert!(text.len() < 450);
    }
}
