//! As much of RFC 6455 as the generator speaks.

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// One unmasked text frame.
pub fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match text.len() {
        short @ 0..126 => frame.push(short as u8),
        middle @ 126..0x1_0000 => {
            frame.push(126);
            frame.extend((middle as u16).to_be_bytes());
        }
        long => {
            frame.push(127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend(text.as_bytes());
    frame
}

/// Unmasks a client's frame at the front of a buffer. Its payload and the bytes it takes, if it is
/// complete.
pub fn unmask(buffer: &mut [u8]) -> Option<(&[u8], usize)> {
    let (head, length) = match buffer.get(1)? & 0x7f {
        126 => (4, u16::from_be_bytes(buffer.get(2..4)?.try_into().ok()?) as usize),
        127 => (10, u64::from_be_bytes(buffer.get(2..10)?.try_into().ok()?) as usize),
        short => (2, usize::from(short)),
    };
    let mask: [u8; 4] = buffer.get(head..head + 4)?.try_into().ok()?;
    let end = head + 4 + length;
    let payload = buffer.get_mut(head + 4..end)?;
    for (byte, key) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
    Some((payload, end))
}

/// The answer to a complete request head at the front of a buffer, and the bytes that head takes.
pub fn upgrade(buffer: &[u8]) -> Option<(String, usize)> {
    let end = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&buffer[..end]).ok()?;
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim())
    });
    let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    Some((answer, end))
}
