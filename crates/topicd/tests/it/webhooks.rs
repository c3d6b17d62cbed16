//! Webhooks, at a receiver that does not always take them.

use std::{fs, path::Path};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    authority::Authority,
    client::call,
    server::Running,
    serving::{Serving, output},
};

const SECRET: &str = "the secret of this test";

/// One request of the server.
struct Notice {
    delivery: String,
    body: Value,
}

/// Takes the next request, checks who signed it, and answers.
async fn next(listener: &TcpListener, status: &str) -> Notice {
    let (stream, _) = listener.accept().await.unwrap();
    take(stream, status).await
}

async fn take(mut stream: impl AsyncRead + AsyncWrite + Unpin, status: &str) -> Notice {
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

// Contract 67
#[tokio::test]
async fn what_happens_is_told_signed_and_told_again_until_it_is_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let secrets = tempfile::tempdir().unwrap();
    let secret_file = secrets.path().join("webhook-secret");
    fs::write(&secret_file, format!("{SECRET}\n")).unwrap();
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

#[tokio::test]
async fn linking_is_told_once_and_before_the_values_that_follow() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let secrets = tempfile::tempdir().unwrap();
    let secret_file = secrets.path().join("webhook-secret");
    fs::write(&secret_file, SECRET).unwrap();
    let server = Running::configured(|config| {
        config.webhooks.url = format!("http://{address}/told?x=1");
        config.webhooks.secret_file = Some(secret_file);
    })
    .await;
    let guest = server.guest().await;
    server.link(&guest.session, &guest.thing).await;
    server.write(&guest.thing, "a", "1").await;
    // Again, after it was undone.
    let unlink = format!("/v2/me/things/{}", guest.thing_id);
    server.call("DELETE", &unlink, &guest.session, "").await;
    server.link(&guest.session, &guest.thing).await;
    server.write(&guest.thing, "a", "2").await;
    for event in ["thing.linked", "values.written"].repeat(2) {
        assert_eq!(next(&listener, "200").await.body["event"], event);
    }
}

#[tokio::test]
async fn a_receiver_with_tls_is_told_if_its_authority_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let [secret, trusted] = ["secret", "authority.pem"].map(|name| folder.path().join(name));
    fs::write(&secret, SECRET).unwrap();
    let authority = Authority::new();
    let acceptor = authority.acceptor(folder.path());
    fs::write(&trusted, authority.pem()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = Running::configured(|config| {
        config.webhooks.url = format!("https://localhost:{port}/told?x=1");
        config.webhooks.secret_file = Some(secret);
        config.webhooks.authority = Some(trusted);
    })
    .await;
    let guest = server.guest().await;
    let (stream, _) = listener.accept().await.unwrap();
    let stream = acceptor.accept(stream).await.unwrap();
    let linked = take(stream, "200").await;
    assert_eq!(linked.body["thingId"], guest.thing_id);
}

#[tokio::test]
async fn a_receiver_of_another_authority_is_told_nothing_and_that_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let [secret, trusted, data] = ["secret", "authority.pem", "data"].map(|name| {
        let path = folder.path().join(name);
        path.to_str().unwrap().to_owned()
    });
    fs::write(&secret, SECRET).unwrap();
    // Of the same name, with another key.
    fs::write(&trusted, Authority::new().pem()).unwrap();
    let acceptor = Authority::new().acceptor(folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let made = output(data.as_ref(), &["thing", "create"], "");
    let (_, token) = made.rsplit_once('\t').unwrap();
    let mut server = Serving::start(data.as_ref(), |command| {
        command
            .env("TOPICD_WEBHOOKS_URL", format!("https://localhost:{port}/"))
            .env("TOPICD_WEBHOOKS_SECRET_FILE", secret)
            .env("TOPICD_WEBHOOKS_AUTHORITY", trusted);
    });
    let path = format!("/v2/things/{token}");
    let write = r#"{"values":[{"key":"a","value":1}]}"#;
    assert_eq!(
        call(server.address, "POST", &path, "", write).await.status,
        201
    );
    let (stream, _) = listener.accept().await.unwrap();
    let refused = acceptor.accept(stream).await.map(drop).unwrap_err();
    assert!(refused.to_string().contains("fatal alert"), "{refused}");
    let line = server.logged("is not trusted").await.pop().unwrap();
    assert!(line.contains("invalid peer certificate"), "{line}");

    let key = fs::read_to_string(Path::new(&data).join("admin-token")).unwrap();
    let key = format!("Bearer {}", key.trim());
    let counted = r#"topicd_webhooks_total{outcome="untrusted"} 1"#;
    // It is logged, and then counted: the first look may come between.
    for _ in 0..1000 {
        let metrics = call(server.admin, "GET", "/metrics", &key, "").await;
        if metrics.body.contains(counted) {
            return;
        }
    }
    panic!("it was not counted");
}
