//! Users and what they have: sessions, settings, tokens that only subscribe.

use crate::{client::raw, server::Running};

const INVALID_SESSION: &str = r#"{"status":"error","code":401,"message":"Invalid session token"}"#;

// Contract 34, 38, 40, 41, 42
#[tokio::test]
async fn register_log_in_and_out() {
    let server = Running::start().await;
    let body = r#"{"email":"anna@example.com","password":"secret","app":"a"}"#;
    let registered = server.call("POST", "/v2/register", "", body).await;
    assert_eq!(registered.status, 201);
    let token = registered.field("token");
    let expected = format!(
        r#"{{"status":"success","token":"{token}","roles":{{"resources":[],"things":[]}}}}"#
    );
    assert_eq!(registered.body, expected);
    assert_eq!(
        server.call("POST", "/v2/register", "", body).await.status,
        409
    );

    let login = server.call("POST", "/v2/login/", "", body).await;
    assert_eq!(login.status, 200);
    let second = login.field("token");
    assert_ne!(token, second);
    let success = r#"{"status":"success"}"#;
    server
        .call("GET", "/v2/", &token, "")
        .await
        .is(200, success);
    server
        .call("GET", "/v2", &format!("Bearer {second}"), "")
        .await
        .is(200, success);
    server
        .call("POST", "/v2/logout", &token, "")
        .await
        .is(200, success);
    server
        .call("GET", "/v2/", &token, "")
        .await
        .is(401, INVALID_SESSION);
    server
        .call("GET", "/v2/", &second, "")
        .await
        .is(200, success);
    server.stop().await;
}

// Contract 38, 41, 43
#[tokio::test]
async fn who_is_not_let_in() {
    let server = Running::configured(|config| config.accounts.apps = vec!["a".into()]).await;
    server.user("anna@example.com").await;
    let login = async |email: &str, password: &str, app: &str| {
        let body = format!(r#"{{"email":"{email}","password":"{password}","app":"{app}"}}"#);
        server.call("POST", "/v2/login", "", &body).await
    };
    let bad = r#"{"status":"error","code":401,"message":"Invalid credentials"}"#;
    login("anna@example.com", "wrong", "a").await.is(401, bad);
    login("ben@example.com", "secret", "a").await.is(401, bad);
    login("anna@example.com", "secret", "b").await.is(401, bad);
    for token in ["", "x", "Bearer x", "null"] {
        server
            .call("GET", "/v2/", token, "")
            .await
            .is(401, INVALID_SESSION);
    }
    server.stop().await;
}

// Contract 37
#[tokio::test]
async fn the_eleventh_guess_of_a_minute_is_sent_away() {
    let server = Running::start().await;
    server.user("anna@example.com").await;
    let guess = async |number: u32| {
        let body = format!(r#"{{"email":"{number}@example.com","password":"x","app":"a"}}"#);
        server.call("POST", "/v2/login", "", &body).await
    };
    // Hashes take long enough for a failure or two to be forgiven meanwhile.
    let mut answers = Vec::new();
    for number in 0..14 {
        answers.push(guess(number).await);
    }
    assert_eq!(answers[9].status, 401);
    let refused = answers.last().unwrap();
    assert_eq!(refused.status, 429);
    assert!(refused.head.contains("retry-after: "), "{}", refused.head);
    server.stop().await;
}

// Contract 40
#[tokio::test]
async fn registration_may_be_off() {
    let server = Running::configured(|config| config.accounts.registration = false).await;
    let body = r#"{"email":"anna@example.com","password":"secret","app":"a"}"#;
    assert_eq!(
        server.call("POST", "/v2/register", "", body).await.status,
        403
    );
    server.stop().await;
}

#[tokio::test]
async fn settings_are_no_form_whatever_curl_calls_them() {
    let server = Running::start().await;
    let (token, address) = (server.user("anna@example.com").await, server.address);
    let put = async |body: &str| {
        let length = body.len();
        let request = format!(
            "PUT /v2/me/settings HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Authorization: {token}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        raw(address, &request).await
    };
    put(r#"{"kept":1}"#).await.is(200, r#"{"kept":1}"#);
    for body in ["", "[]", r#""a=1""#, "1=2", "null", "garbage", "a=1"] {
        assert_eq!(put(body).await.status, 400, "{body}");
    }
    let kept = server.call("GET", "/v2/me/settings", &token, "").await;
    kept.is(200, r#"{"kept":1}"#);
    server.stop().await;
}

// Contract 44
#[tokio::test]
async fn settings_are_an_object_of_16_kib() {
    let server = Running::start().await;
    let token = server.user("anna@example.com").await;
    let settings =
        async |method: &str, body: &str| server.call(method, "/v2/me/settings", &token, body).await;
    settings("GET", "").await.is(200, "{}");
    settings("PUT", r#"{"b":1,"a":[2]}"#)
        .await
        .is(200, r#"{"b":1,"a":[2]}"#);
    settings("GET", "").await.is(200, r#"{"b":1,"a":[2]}"#);
    let numbers = r#"{"a":1.50,"n":12345678901234567890123}"#;
    settings("PUT", numbers).await.is(200, numbers);
    settings("GET", "").await.is(200, numbers);
    assert_eq!(settings("PUT", "[]").await.status, 400);
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(64), "]".repeat(64));
    assert_eq!(settings("PUT", &deep).await.status, 400);
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(16 * 1024));
    assert_eq!(settings("PUT", &large).await.status, 413);
    server.stop().await;
}

// Contract 68
#[tokio::test]
async fn a_subscribe_token_neither_reads_nor_writes() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let body = r#"{"topics":["/me/resources/t"],"expiresIn":60}"#;
    let answer = server
        .call("POST", "/v2/me/tokens", &guest.session, body)
        .await;
    assert_eq!(answer.status, 201);
    let narrow = answer.field("token");
    for path in ["/v2/", "/v2/me/things", "/v2/me/resources/t"] {
        assert_eq!(
            server.call("GET", path, &narrow, "").await.status,
            403,
            "{path}"
        );
    }
    let write = format!("/v2/me/resources/t/{}", guest.thing_id);
    let body = r#"{"values":[{"value":1}]}"#;
    let written = server.call("POST", &write, &narrow, body).await;
    assert_eq!(written.status, 403);
    for body in [
        r#"{"topics":[],"expiresIn":60}"#,
        r#"{"topics":["/x"],"expiresIn":60}"#,
    ] {
        let answer = server
            .call("POST", "/v2/me/tokens", &guest.session, body)
            .await;
        assert_eq!(answer.status, 400);
    }
    server.stop().await;
}
