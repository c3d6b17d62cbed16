//! A reader that does not keep up.

use topicd::{
    datetime::Timestamp,
    store::{Append, Appended, Writer},
    token::Token,
    value::{Keys, parse_batch},
};

use crate::{server::Running, socket::Socket};

// Contract 31
#[tokio::test]
async fn a_reader_that_does_not_keep_up_is_cut_without_a_gap() {
    const WRITES: u64 = 1500;
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    socket.subscribe("/me/resources/a").await;
    let padding = "x".repeat(20_000);
    for number in 0..WRITES {
        let body = format!(r#"{{"values":[{{"key":"a","value":[{number},"{padding}"]}}]}}"#);
        let append = Append {
            writer: Writer::Device(Token::presented(&guest.thing).digest()),
            records: parse_batch(body.as_bytes(), &Keys::Own, Timestamp::now()).unwrap(),
            idempotency: None,
        };
        assert_eq!(server.store().append(append).await, Ok(Appended::Stored));
    }
    let mut next = 0;
    while let Some(packet) = socket.next_or_end().await {
        let start = format!(r#"2/v2,["/me/resources/a",[{{"key":"a","value":[{next},"#);
        if packet != "1/v2," {
            assert!(
                packet.starts_with(&start),
                "after {next}: {}",
                &packet[..60]
            );
            next += 1;
        }
    }
    assert!((1..WRITES).contains(&next), "{next}");
    let metrics = server.admin("GET", "/metrics", "").await.body;
    let reason = r#"topicd_sessions_closed_total{reason="slow_consumer"} 1"#;
    assert!(metrics.lines().any(|line| line == reason), "{metrics}");
    server.stop().await;
}
