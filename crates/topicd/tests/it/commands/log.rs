//! What a server writes into its log.

use std::fs;

use crate::{
    client::call,
    serving::{Serving, output},
    socket::Socket,
};

/// One line of JSON, or of text for people.
#[cfg(unix)]
#[tokio::test]
async fn the_log_is_json_or_text_as_the_settings_say() {
    for (format, is_json) in [("json", true), ("text", false), ("auto", true)] {
        let folder = tempfile::tempdir().unwrap();
        let server = Serving::start(folder.path(), |command| {
            command.env("TOPICD_LOG_FORMAT", format);
        });
        server.signal("-TERM");
        let (code, log) = server.ended().await;
        assert_eq!(code, Some(0));
        assert!(
            log.iter().any(|line| line.contains("the server ends")),
            "{log:?}"
        );
        for line in log {
            let parsed = serde_json::from_str::<serde_json::Value>(&line);
            assert_eq!(parsed.is_ok(), is_json, "{line}");
        }
    }
}

#[tokio::test]
async fn no_secret_is_in_the_log_at_any_level() {
    let folder = tempfile::tempdir().unwrap();
    output(
        folder.path(),
        &["user", "create", "a@b.example"],
        "canary-password",
    );
    let session = output(folder.path(), &["token", "create", "a@b.example"], "");
    let server = Serving::start(folder.path(), |command| {
        command.env("TOPICD_LOG", "trace");
    });
    let token = fs::read_to_string(folder.path().join("admin-token")).unwrap();
    let bearer = format!("Bearer {}", token.trim());
    let made = call(server.admin, "POST", "/admin/things", &bearer, "").await;
    let code = call(server.admin, "POST", "/admin/codes", &bearer, "").await;
    let (thing, code) = (made.field("thingToken"), code.field("activationCode"));
    let login = r#"{"email":"a@b.example","password":"canary-password"}"#;
    assert_eq!(
        call(server.address, "POST", "/v2/login", "", login)
            .await
            .status,
        200
    );
    let write = r#"{"values":[{"key":"a","value":1}]}"#;
    let path = format!("/v2/things/{thing}");
    assert_eq!(
        call(server.address, "POST", &path, "", write).await.status,
        201
    );
    let activation = format!(r#"{{"activationCode":"{code}"}}"#);
    assert_eq!(
        call(server.address, "POST", "/v2/things", "", &activation)
            .await
            .status,
        201
    );
    call(
        server.admin,
        "GET",
        "/metrics?token=canary-query",
        "Bearer canary-bearer",
        "",
    )
    .await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&session).await;
    socket.subscribe(&format!("/things/{thing}")).await;
    socket
        .emit("subscribe", r#"{"resource":"/things/canary-topic"}"#)
        .await;
    socket.next().await;
    socket
        .emit("authenticate", r#"{"sessionToken":"canary-session"}"#)
        .await;
    socket.next().await;
    server.signal("-TERM");
    let (exit_code, log) = server.ended().await;
    assert_eq!(exit_code, Some(0));
    let log = log.join("\n");
    assert!(log.contains("DEBUG"), "{log}");
    for secret in ["canary", token.trim(), &session, &thing, &code] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
