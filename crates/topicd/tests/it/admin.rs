//! The operator's listener: health, metrics, the admin API.

use serde_json::{Value, json};

use crate::{
    client::{Answer, call},
    server::Running,
    socket::{Socket, answer},
};

const INVALID_TOKEN: &str =
    r#"2/v2,["authenticate",{"status":"error","code":401,"message":"Invalid session token"}]"#;

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// The figure of a series, by its whole name with labels.
fn figure(metrics: &Answer, series: &str) -> f64 {
    let line = metrics
        .body
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    let line = line.unwrap_or_else(|| panic!("no {series} in {}", metrics.body));
    line.parse().unwrap()
}

// Contract 67
#[tokio::test]
async fn health_needs_no_token_and_all_else_does() {
    let server = Running::start().await;
    for (path, body) in [
        ("/healthz", r#"{"status":"alive"}"#),
        ("/readyz", r#"{"status":"ready"}"#),
    ] {
        call(server.admin, "GET", path, "", "").await.is(200, body);
    }
    let token = std::fs::read_to_string(server.folder().join("admin-token")).unwrap();
    let token = token.trim();
    for path in [
        "/metrics",
        "/admin/users",
        "/admin/connections",
        "/admin/nowhere",
    ] {
        let in_url = format!("{path}?token={token}");
        for (path, authorization) in [
            (path, String::new()),
            (path, "Bearer wrong".into()),
            (path, token.to_owned()),
            (path, format!("Basic {token}")),
            (&in_url, String::new()),
        ] {
            let refused = call(server.admin, "GET", path, &authorization, "").await;
            let expected = if path.starts_with("/admin/nowhere") {
                404
            } else {
                401
            };
            assert_eq!(refused.status, expected, "{path} {authorization:?}");
        }
    }
    assert_eq!(server.admin("GET", "/metrics", "").await.status, 200);
    // Clients do not reach it, and a user's session is none of the operator's.
    let guest = server.guest().await;
    assert_eq!(server.call("GET", "/metrics", "", "").await.status, 404);
    assert_eq!(server.call("GET", "/admin/users", "", "").await.status, 404);
    let session = format!("Bearer {}", guest.session);
    assert_eq!(
        call(server.admin, "GET", "/metrics", &session, "")
            .await
            .status,
        401
    );
}

// Contract 67
#[tokio::test]
async fn users_are_made_listed_and_logged_out() {
    let server = Running::configured(|config| config.accounts.registration = false).await;
    let anna = r#"{"email":"anna@example.com","app":"a","password":"first"}"#;
    assert_eq!(server.admin("POST", "/admin/users", anna).await.status, 201);
    assert_eq!(server.admin("POST", "/admin/users", anna).await.status, 409);
    let session = server
        .call("POST", "/v2/login", "", anna)
        .await
        .field("token");
    let users = server.admin("GET", "/admin/users", "").await.json();
    assert_eq!(users["users"][0]["email"], "anna@example.com");
    assert_eq!(users["users"][0]["sessions"], 1);

    let mut socket = Socket::open(server.address).await;
    socket.log_in(&session).await;
    socket.subscribe("/me/resources/a").await;
    let named = r#"{"email":"anna@example.com","app":"a"}"#;
    let revoked = server.admin("POST", "/admin/users/revoke", named).await;
    assert_eq!(revoked.json()["sessions"], 1);
    socket.expect(INVALID_TOKEN).await;
    assert_eq!(server.call("GET", "/v2", &session, "").await.status, 401);

    let other = anna.replace("first", "second");
    let changed = server.admin("POST", "/admin/users/password", &other).await;
    assert_eq!(changed.status, 200);
    let login = async |body: &str| server.call("POST", "/v2/login", "", body).await.status;
    assert_eq!(login(anna).await, 401);
    assert_eq!(login(&other).await, 200);

    let remove = async || {
        let removed = server.admin("POST", "/admin/users/remove", named).await;
        removed.status
    };
    assert_eq!(remove().await, 200);
    assert_eq!(login(&other).await, 401);
    assert_eq!(remove().await, 404);
}

#[tokio::test]
async fn no_account_is_made_that_nobody_can_log_in_to() {
    let server = Running::start().await;
    let malformed = r#"{"status":"error","code":400,"message":"malformed email or password"}"#;
    let anna = json!({ "email": "anna@example.com", "password": "secret" }).to_string();
    let made = server.admin("POST", "/admin/users", &anna).await;
    assert_eq!(made.status, 201);
    let long = "x".repeat(1025);
    for (email, password) in [
        ("", "x"),
        ("a\n@b", "x"),
        (&long, "x"),
        ("a@b", ""),
        ("a@b", &long),
    ] {
        let body = json!({ "email": email, "password": password }).to_string();
        let refused = server.admin("POST", "/admin/users", &body).await;
        refused.is(400, malformed);
    }
    for password in ["", &long] {
        let body = json!({ "email": "anna@example.com", "password": password }).to_string();
        let refused = server.admin("POST", "/admin/users/password", &body).await;
        refused.is(400, malformed);
    }
    let login = server.call("POST", "/v2/login", "", &anna).await;
    assert_eq!(login.status, 200);
}

// Contract 43, 67
#[tokio::test]
async fn apps_that_the_operator_makes_are_the_only_ones() {
    let server = Running::start().await;
    let register = async |email: &str, app: &str| {
        let body = json!({ "email": email, "password": "x", "app": app }).to_string();
        server.call("POST", "/v2/register", "", &body).await.status
    };
    assert_eq!(register("a@b.example", "any").await, 201);
    let made = server
        .admin("POST", "/admin/apps", r#"{"id":"mine"}"#)
        .await;
    assert_eq!(made.status, 201);
    assert_eq!(register("c@b.example", "any").await, 401);
    assert_eq!(register("c@b.example", "mine").await, 201);
    let apps = server.admin("GET", "/admin/apps", "").await.json();
    assert_eq!(apps["apps"], json!(["mine"]));
    assert_eq!(
        server.admin("DELETE", "/admin/apps/mine", "").await.status,
        200
    );
    assert_eq!(
        server.admin("DELETE", "/admin/apps/mine", "").await.status,
        404
    );
    assert_eq!(register("e@b.example", "any").await, 201);
}

// Contract 67
#[tokio::test]
async fn a_code_that_the_operator_makes_activates_one_thing() {
    let server = Running::start().await;
    let made = server.admin("POST", "/admin/codes", "").await;
    let body = json!({ "activationCode": made.field("activationCode") }).to_string();
    assert_eq!(
        server.call("POST", "/v2/things", "", &body).await.status,
        201
    );
    assert_eq!(
        server.call("POST", "/v2/things", "", &body).await.status,
        403
    );
}

// Contract 67
#[tokio::test]
async fn a_thing_token_that_is_taken_back_holds_no_more() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let topic = format!("/things/{}", guest.thing);
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    socket.subscribe(&topic).await;
    socket.subscribe("/me/resources/a").await;
    let path = format!("/admin/things/{}/token", guest.thing_id);
    let token = server.admin("POST", &path, "").await.field("thingToken");
    socket
        .expect(&answer("unsubscribe", "unsubscribed", &topic))
        .await;
    let write = r#"{"values":[{"key":"a","value":1}]}"#;
    let old = format!("/v2/things/{}", guest.thing);
    assert_eq!(server.call("POST", &old, "", write).await.status, 404);
    // The user stays the owner, and the device goes on with its new token.
    server.write(&token, "a", "2").await;
    assert_eq!(socket.values("/me/resources/a").await[0]["value"], 2);

    let body = json!({ "token": token }).to_string();
    let revoked = server.admin("POST", "/admin/tokens/revoke", &body).await;
    revoked.is(
        200,
        r#"{"status":"success","message":"thing token revoked"}"#,
    );
    let path = format!("/v2/things/{token}");
    assert_eq!(server.call("POST", &path, "", write).await.status, 404);
    let again = server.admin("POST", "/admin/tokens/revoke", &body).await;
    assert_eq!(again.status, 404);
}

#[tokio::test]
async fn a_narrow_token_is_made_and_taken_back() {
    let server = Running::start().await;
    server.guest().await;
    let wanted = json!({
        "email": "anna@example.com", "app": "a", "topics": ["/me/resources/a"], "expiresIn": 60,
    });
    let made = server
        .admin("POST", "/admin/tokens", &wanted.to_string())
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let token = made.field("token");
    assert_eq!(
        server.call("GET", "/v2/me/things", &token, "").await.status,
        403
    );
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&token).await;
    socket.subscribe("/me/resources/a").await;
    let body = json!({ "token": token }).to_string();
    let revoked = server.admin("POST", "/admin/tokens/revoke", &body).await;
    assert_eq!(revoked.status, 200);
    socket.expect(INVALID_TOKEN).await;
}

// Contract 67
#[tokio::test]
async fn who_is_connected_is_listed_without_tokens_and_can_be_closed() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    socket.subscribe(&format!("/things/{}", guest.thing)).await;
    socket.subscribe("/me/resources/a").await;
    let listed = server.admin("GET", "/admin/connections", "").await;
    let connection = &listed.json()["connections"][0];
    assert_eq!(connection["revision"], 4);
    assert_eq!(connection["transport"], "websocket");
    assert_eq!(connection["subscriptions"], 2);
    assert_eq!(connection["queuedBytes"], 0);
    assert_eq!(connection["address"], "127.0.0.1");
    let topics = server.admin("GET", "/admin/topics", "").await;
    let topics = topics.json();
    assert_eq!(topics["open"], 2);
    let named: Vec<_> = topics["topics"].as_array().unwrap().iter().collect();
    assert!(named.iter().any(|topic| topic["thingId"] == guest.thing_id));
    assert!(
        named
            .iter()
            .any(|topic| topic["topic"] == "/me/resources/a")
    );
    for text in [listed.body.clone(), topics.to_string()] {
        assert!(!text.contains(&guest.thing), "{text}");
        assert!(!text.contains(&guest.session), "{text}");
    }
    let body = json!({ "user": connection["user"] }).to_string();
    let closed = server.admin("POST", "/admin/disconnect", &body).await;
    closed.is(200, r#"{"status":"success","closed":1}"#);
    socket.expect("1/v2,").await;
    assert_eq!(socket.next_or_end().await, None);
    let again = server.admin("POST", "/admin/disconnect", &body).await;
    assert_eq!(again.status, 404);
    let neither = server.admin("POST", "/admin/disconnect", "{}").await;
    assert_eq!(neither.status, 400);
}

// Contract 24, 67
#[tokio::test]
async fn metrics_count_what_happens() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    socket.subscribe("/me/resources/a").await;
    server.write(&guest.thing, "a", "1").await;
    socket.values("/me/resources/a").await;
    socket.emit("no such event", "1").await;
    socket.subscribe("/me/resources/a").await;
    let path = format!("/v2/things/{}", guest.thing);
    server.call("POST", &path, "", "{").await;
    let long = format!("/{}", "x".repeat(9000));
    assert_eq!(server.call("GET", &long, "", "").await.status, 414);
    server
        .call("GET", "/socket.io/?EIO=9&transport=polling", "", "")
        .await;
    let mut lost = Socket::session(server.address, 4).await;
    lost.send("0/v1,").await;
    lost.expect(r#"4/v1,{"message":"Invalid namespace"}"#).await;
    lost.send("2[").await;
    while lost.next_or_end().await.is_some() {}
    let metrics = server.admin("GET", "/metrics", "").await;
    assert!(
        metrics
            .head
            .contains("content-type: application/openmetrics-text")
    );
    let of = |series: &str| figure(&metrics, series);
    assert_eq!(
        of(r#"topicd_sessions{revision="4",transport="websocket"}"#),
        1.0
    );
    assert_eq!(
        of(r#"topicd_sessions{revision="3",transport="polling"}"#),
        0.0
    );
    assert_eq!(of(r#"topicd_subscriptions{topic="resource"}"#), 1.0);
    assert_eq!(of("topicd_values_written_total"), 1.0);
    assert_eq!(of("topicd_write_seconds_count"), 1.0);
    assert_eq!(of("topicd_fan_out_seconds_count"), 1.0);
    assert_eq!(of(r#"topicd_deliveries_total{outcome="queued"}"#), 1.0);
    assert_eq!(of(r#"topicd_rest_answers_total{status="400"}"#), 1.0);
    assert_eq!(of(r#"topicd_rest_answers_total{status="414"}"#), 1.0);
    assert_eq!(
        of(r#"topicd_refusals_total{reason="unsupported_version"}"#),
        1.0
    );
    assert_eq!(of("topicd_unknown_events_total"), 1.0);
    let unknown = r#"topicd_socket_refusals_total{reason="unknown_namespace"}"#;
    assert_eq!(of(unknown), 1.0);
    assert_eq!(
        of(r#"topicd_violations_total{reason="not_connected"}"#),
        1.0
    );
    assert_eq!(of("topicd_queue_bytes"), 0.0);
    assert!(of("topicd_store_bytes") > 0.0);
}

#[tokio::test]
async fn no_client_can_add_a_series() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let series = |metrics: &Answer| {
        let lines = metrics.body.lines().filter(|line| !line.starts_with('#'));
        let mut names: Vec<_> = lines.filter_map(|line| line.rsplit_once(' ')).collect();
        names.sort_unstable();
        names
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    let noise = async |round: u32| {
        let mut socket = Socket::open(server.address).await;
        socket.log_in(&guest.session).await;
        for number in 0..100 {
            let name = format!("k{round}x{number}");
            server.call("GET", &format!("/{name}?{name}"), "", "").await;
            server.write(&guest.thing, &name, "1").await;
            socket.subscribe(&format!("/me/resources/{name}")).await;
            socket.emit(&name, "1").await;
        }
    };
    noise(0).await;
    let before = series(&server.admin("GET", "/metrics", "").await);
    noise(1).await;
    let after = series(&server.admin("GET", "/metrics", "").await);
    assert_eq!(before, after);
}

#[tokio::test]
async fn the_operator_follows_a_thing_and_a_resource() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let server = Running::start().await;
    let guest = server.guest().await;
    let token = std::fs::read_to_string(server.folder().join("admin-token")).unwrap();
    for query in [
        format!("thing={}", guest.thing_id),
        "key=a&email=anna%40example.com&app=a".to_owned(),
    ] {
        let mut stream = tokio::net::TcpStream::connect(server.admin).await.unwrap();
        let token = token.trim();
        let request = format!(
            "GET /admin/tail?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut read = String::new();
        let mut piece = [0; 1024];
        while !read.contains("subscribed") {
            let count = stream.read(&mut piece).await.unwrap();
            read.push_str(std::str::from_utf8(&piece[..count]).unwrap());
        }
        server.write(&guest.thing, "a", r#""followed""#).await;
        while !read.contains("followed") {
            let count = stream.read(&mut piece).await.unwrap();
            assert!(count > 0, "{read}");
            read.push_str(std::str::from_utf8(&piece[..count]).unwrap());
        }
    }
}
