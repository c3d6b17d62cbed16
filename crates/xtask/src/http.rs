//! The few HTTP requests that steps make themselves, one connection each.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

use crate::job::Error;

/// The status and the JSON of an answer.
pub(crate) fn request(
    address: &str,
    method: &str,
    path: &str,
    body: &str,
) -> Result<(u16, Value), Error> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len(),
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    parse(&answer)
}

fn parse(answer: &str) -> Result<(u16, Value), Error> {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or("an answer without a head")?;
    let status = head
        .split(' ')
        .nth(1)
        .ok_or("an answer without a status")?
        .parse()?;
    Ok((status, serde_json::from_str(body)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;

    #[test]
    fn an_answer_is_a_status_and_json() {
        let answer = "HTTP/1.1 201 Created\r\ncontent-length: 9\r\n\r\n{\"ok\": 1}";
        assert_eq!(parse(answer).unwrap(), (201, json!({ "ok": 1 })));
        assert!(parse("HTTP/1.1 201").is_err());
    }
}
