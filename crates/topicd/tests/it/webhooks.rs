//! Webhooks, at a receiver that does not always take them.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::server::Running;

const SECRET: &str = "the secret of this test";

/// One request of the server.
struct Notice {
    delivery: String,
    body: Value,
}

/// Takes the next request, checks who signed it, and answers.
async fn next(listener: &TcpListener, status: &str) -> Notice {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = String::new();
    let mut piece = [0; 4096];
    let (head, body) = loop {
        let count = stream.read(&mut piece).await.unwrap();
        request.push_str(std::str::from_utf8(&piece[..count]).unwrap());
        if let Some((head, body)) = request.split_once("\r\n\r\n")
            && body.len() == field(head, "content-length").parse::<usize>().unwrap()
        {
            break (head, body);
        }
    };
    assert!(head.starts_with("POST /told?x=1 HTTP/1.1\r\n"), "{head}");
    let (time, signature) = field(head, "topicd-signature").split_once(",v1=").unwrap();
    let time = time.strip_prefix("t=").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{time}.{body}").as_bytes());
    let expected = mac.finalize().into_bytes();
    let expected: String = expected.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(signature, expected);
    let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
    Notice {
        delivery: field(head, "topicd-delivery").to_owned(),
        body: serde_json::from_str(body).unwrap(),
    }
}

fn field<'a>(head: &'a str, name: &str) -> &'a str {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.find(|(other, _)| *other == name).unwrap().1
}

#[tokio::test]
async fn what_happens_is_told_signed_and_told_again_until_it_is_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let secrets = tempfile::tempdir().unwrap();
    let secret_file = secrets.path().join("webhook-secret");
    std::fs::write(&secret_file, format!("{SECRET}\n")).unwrap();
    let server = Running::configured(|config| {
        config.webhooks.url = format!("http://{address}/told?x=1");
        config.webhooks.secret_file = Some(secret_file);
    })
    .await;
    let guest = server.guest().await;
    server.write(&guest.thing, "a", "1.50").await;

    let refused = next(&listener, "500").await;
    assert_eq!(refused.body["event"], "thing.linked");
    assert_eq!(refused.body["thingId"], guest.thing_id);
    let again = next(&listener, "204").await;
    assert_eq!(again.delivery, refused.delivery);
    assert_eq!(again.body, refused.body);
    let written = next(&listener, "200").await;
    assert_ne!(written.delivery, again.delivery);
    assert_eq!(written.body["event"], "values.written");
    assert_eq!(written.body["thingId"], guest.thing_id);
    assert_eq!(written.body["values"][0]["value"].to_string(), "1.5");
    assert!(!written.body.to_string().contains(&guest.thing));
    // What the receiver calls wrong is not tried again.
    server.write(&guest.thing, "b", "2").await;
    let wrong = next(&listener, "400").await;
    server.write(&guest.thing, "c", "3").await;
    assert_ne!(next(&listener, "200").await.delivery, wrong.delivery);
}
