//! The REST API, as requests and answers.

use serde_json::Value;

use crate::{client::raw, server::Running};

const INVALID_SESSION: &str = r#"{"status":"error","code":401,"message":"Invalid session token"}"#;

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
async fn a_code_activates_one_thing() {
    let server = Running::start().await;
    let body = format!(r#"{{"activationCode":"{}"}}"#, server.code().await);
    let answer = server.call("POST", "/v2/things/", "", &body).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.field("thingToken").len(), 43);
    assert_eq!(answer.field("thingId").len(), 43);
    assert!(
        answer
            .body
            .starts_with(r#"{"status":"created","message":"thing activated","#)
    );
    let again = server.call("POST", "/v2/things", "", &body).await;
    again.is(
        403,
        r#"{"status":"error","code":403,"message":"Invalid activation code"}"#,
    );
    server.stop().await;
}

#[tokio::test]
async fn write_and_read_of_a_device() {
    let server = Running::start().await;
    let (thing, id) = server.thing().await;
    let path = format!("/v2/things/{thing}");
    let body = r#"{"values":[
        {"key":"t","value":"21.5","datetime":"20151028121856"},
        {"key":"t","value":22,"datetime":"2015-10-28T12:18:57.799Z"},
        {"key":"u","value":{"on": true}}]}"#;
    assert_eq!(server.call("POST", &path, "", body).await.status, 201);
    let read = async |rest: &str| server.call("GET", &format!("{path}{rest}"), "", "").await;
    let newest = r#"{"key":"t","value":22,"datetime":"2015-10-28T12:18:57.799Z"}"#;
    let oldest = r#"{"key":"t","value":"21.5","datetime":"2015-10-28T12:18:56.000Z"}"#;
    read("/resources/t").await.is(200, &format!("[{newest}]"));
    read("/resources/t/?limit=2")
        .await
        .is(200, &format!("[{newest},{oldest}]"));
    // The way clients page: the last datetime without its punctuation.
    read("/resources/t?limit=9&endDate=20151028121856000")
        .await
        .is(200, &format!("[{oldest}]"));
    read("/resources/t?limit=9&startDate=20151028121857")
        .await
        .is(200, &format!("[{newest}]"));
    read("/resources/t?").await.is(200, &format!("[{newest}]"));
    read("/resources")
        .await
        .is(200, r#"{"status":"success","resources":["t","u"]}"#);
    let all = read("/all_resources?limit=1").await;
    assert!(all.body.starts_with(&format!(
        r#"[{{"key":"t","values":[{newest}]}},{{"key":"u","#
    )));
    assert_eq!(read("/resources/v").await.status, 404);
    assert_eq!(read("/resources/t?limit=x").await.status, 400);
    // A name is no token.
    assert_eq!(
        server
            .call("GET", &format!("/v2/things/{id}/resources"), "", "")
            .await
            .status,
        404
    );
    server.stop().await;
}

#[tokio::test]
async fn a_batch_with_one_bad_value_stores_nothing() {
    let server = Running::start().await;
    let (thing, _) = server.thing().await;
    let path = format!("/v2/things/{thing}");
    let body = r#"{"values":[{"key":"t","value":1},{"key":"a b","value":2}]}"#;
    let malformed = r#"{"status":"error","code":400,"message":"malformed key"}"#;
    server
        .call("POST", &path, "", body)
        .await
        .is(400, malformed);
    assert_eq!(
        server
            .call("GET", &format!("{path}/resources/t"), "", "")
            .await
            .status,
        404
    );
    assert_eq!(server.call("POST", &path, "", "{").await.status, 400);
    let unknown = "/v2/things/0000000000000000000000000000000000000000000";
    let body = r#"{"values":[{"key":"t","value":1}]}"#;
    assert_eq!(server.call("POST", unknown, "", body).await.status, 404);
    let large = format!(
        r#"{{"values":[{{"key":"t","value":"{}"}}]}}"#,
        "x".repeat(1024 * 1024)
    );
    assert_eq!(server.call("POST", &path, "", &large).await.status, 413);
    server.stop().await;
}

#[tokio::test]
async fn the_user_reads_and_writes_linked_things() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let (token, id, thing) = (&guest.session, &guest.thing_id, &guest.thing);
    let body = format!(r#"{{"thingToken":"{thing}"}}"#);
    let linked = format!(r#"{{"status":"success","message":"linked","thingId":"{id}"}}"#);
    server
        .call("POST", "/v2/me/things", token, &body)
        .await
        .is(200, &linked);
    let things = format!(r#"[{{"_id":"{id}"}}]"#);
    server
        .call("GET", "/v2/me/things", token, "")
        .await
        .is(200, &things);

    let body = r#"{"values":[{"value":"ON","datetime":"20200101000000"}]}"#;
    for name in [id, thing] {
        let path = format!("/v2/me/resources/turn/{name}");
        assert_eq!(server.call("POST", &path, token, body).await.status, 201);
    }
    let element = r#"{"key":"turn","value":"ON","datetime":"2020-01-01T00:00:00.000Z"}"#;
    let path = format!("/v2/me/resources/turn/{id}?limit=2");
    let list = format!("[{element},{element}]");
    server.call("GET", &path, token, "").await.is(200, &list);
    let map = format!(r#"{{"{id}":[{element}]}}"#);
    server
        .call("GET", "/v2/me/resources/turn", token, "")
        .await
        .is(200, &map);
    let resources = format!(r#"[{{"name":"turn","things":["{id}"]}}]"#);
    server
        .call("GET", "/v2/me/resources", token, "")
        .await
        .is(200, &resources);

    let stranger = server.user("ben@example.com").await;
    assert_eq!(
        server
            .call("GET", "/v2/me/resources/turn", &stranger, "")
            .await
            .status,
        404
    );
    let path = format!("/v2/me/resources/turn/{id}");
    assert_eq!(server.call("GET", &path, &stranger, "").await.status, 404);
    assert_eq!(
        server.call("POST", &path, &stranger, body).await.status,
        404
    );
    let path = format!("/v2/me/resources/turn/{thing}");
    assert_eq!(
        server.call("POST", &path, &stranger, body).await.status,
        404
    );

    let path = format!("/v2/me/things/{id}");
    let unlinked = r#"{"status":"success","message":"unlinked"}"#;
    server
        .call("DELETE", &path, token, "")
        .await
        .is(200, unlinked);
    assert_eq!(server.call("DELETE", &path, token, "").await.status, 404);
    server
        .call("GET", "/v2/me/things", token, "")
        .await
        .is(200, "[]");
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

#[tokio::test]
async fn a_repeated_write_with_a_key_is_stored_once() {
    let server = Running::start().await;
    let (thing, _) = server.thing().await;
    let body = r#"{"values":[{"key":"t","value":1}]}"#;
    let request = format!(
        "POST /v2/things/{thing} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
         Idempotency-Key: once\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    for _ in 0..2 {
        let answer = raw(server.address, &request).await;
        answer.is(201, r#"{"status":"success","message":"created"}"#);
    }
    let path = format!("/v2/things/{thing}/resources/t?limit=9");
    let values = server.call("GET", &path, "", "").await.body;
    let values: Vec<Value> = serde_json::from_str(&values).unwrap();
    assert_eq!(values.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn old_clients_are_understood() {
    let server = Running::start().await;
    let (thing, _) = server.thing().await;
    let address = server.address;
    let created = r#"{"status":"success","message":"created"}"#;
    // Line feeds alone, and one more behind the body.
    let body = r#"{"values":[{"key":"t","value":"1"}]}"#;
    let length = body.len();
    let bare = format!(
        "POST /v2//things/{thing}/ HTTP/1.1\nHost: h\nConnection: close\n\
         Content-Length: {length}\n\n{body}\n"
    );
    raw(address, &bare).await.is(201, created);
    // No type, in chunks.
    let chunked = format!(
        "POST /v2/things/{thing} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
    );
    raw(address, &chunked).await.is(201, created);
    // A form with brackets.
    let form = "values[0][key]=LED&values[0][value]=ON";
    let form = format!(
        "POST /v2/things/{thing} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    );
    raw(address, &form).await.is(201, created);
    let path = format!("/v2/things/{thing}/resources/LED");
    let values = server.call("GET", &path, "", "").await.body;
    assert!(
        values.starts_with(r#"[{"key":"LED","value":"ON","datetime":""#),
        "{values}"
    );
    let binary = format!(
        "POST /v2/things/{thing} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
         Content-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
    );
    assert_eq!(raw(address, &binary).await.status, 415);
    server.stop().await;
}

#[tokio::test]
async fn paths_and_methods_that_are_not_here() {
    let server = Running::start().await;
    let not_found = r#"{"status":"error","code":404,"message":"not found"}"#;
    server
        .call("GET", "/v2/nothing", "", "")
        .await
        .is(404, not_found);
    server
        .call("PUT", "/v2/me", "", "")
        .await
        .is(404, not_found);
    server.call("GET", "/", "", "").await.is(404, not_found);
    server
        .call("GET", "/dev.json", "", "")
        .await
        .is(404, not_found);
    assert_eq!(server.call("GET", "/v1/things", "", "").await.status, 410);
    assert_eq!(server.call("GET", "/v2/login", "", "").await.status, 405);
    let two_hosts = "GET /v2 HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n";
    assert_eq!(raw(server.address, two_hosts).await.status, 400);
    let no_host = "GET /v2 HTTP/1.1\r\nConnection: close\r\n\r\n";
    assert_eq!(raw(server.address, no_host).await.status, 400);
    let long = format!("/v2/{}", "x".repeat(9000));
    assert_eq!(server.call("GET", &long, "", "").await.status, 414);
    server.stop().await;
}

#[tokio::test]
async fn the_console_is_there_if_the_settings_say_so() {
    let server = Running::configured(|config| config.console = true).await;
    let page = server.call("GET", "/", "", "").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<title>topicd console</title>"));
    let policy = page
        .head
        .lines()
        .find_map(|line| line.strip_prefix("content-security-policy: "));
    let policy: Vec<_> = policy.unwrap().split("; ").collect();
    assert!(policy.contains(&"default-src 'none'") && policy.contains(&"script-src 'self'"));
    assert!(!policy.iter().any(|directive| directive.contains("unsafe")));
    for part in ["/style.css", "/app.js"] {
        assert!(page.body.contains(&format!("\"{part}\"")), "{part}");
        assert_eq!(server.call("GET", part, "", "").await.status, 200, "{part}");
    }
    // Nobody is signed in by themselves.
    server.call("GET", "/dev.json", "", "").await.is(204, "");
    assert_eq!(
        server.call("GET", "/v2/me/things", "", "").await.status,
        401
    );
    server.stop().await;
}

#[tokio::test]
async fn a_flood_of_one_writer_is_slowed_down() {
    let server = Running::start().await;
    let (thing, _) = server.thing().await;
    let values = vec![r#"{"key":"t","value":1}"#; 1000].join(",");
    let body = format!(r#"{{"values":[{values}]}}"#);
    let path = format!("/v2/things/{thing}");
    assert_eq!(server.call("POST", &path, "", &body).await.status, 201);
    let refused = server.call("POST", &path, "", &body).await;
    assert_eq!(refused.status, 429);
    assert!(refused.head.contains("retry-after: "), "{}", refused.head);
    server.stop().await;
}

#[tokio::test]
async fn the_date_for_devices_without_a_clock() {
    let server = Running::start().await;
    let (thing, _) = server.thing().await;
    let path = format!("/v2/utils/date?thingToken={thing}");
    let utc = server.call("GET", &path, "", "").await;
    assert!(
        utc.body.starts_with(r#"[{"key":"date","value":"20"#),
        "{}",
        utc.body
    );
    let unix = server
        .call("GET", &format!("{path}&format=unix_timestamp"), "", "")
        .await;
    let value: Value = serde_json::from_str(&unix.body).unwrap();
    assert!(value[0]["value"].as_i64().unwrap() > 1_700_000_000);
    assert_eq!(
        server
            .call("GET", "/v2/utils/date?thingToken=x", "", "")
            .await
            .status,
        404
    );
    server.stop().await;
}

#[tokio::test]
async fn a_listed_page_may_read_and_another_may_not() {
    let page = "https://app.example";
    let server = Running::configured(|config| config.cors.origins = vec![page.into()]).await;
    let preflight = async |origin: &str| {
        let request = format!(
            "OPTIONS /v2/me/things HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
             Origin: {origin}\r\nAccess-Control-Request-Method: GET\r\n\
             Access-Control-Request-Headers: authorization\r\n\r\n"
        );
        raw(server.address, &request).await
    };
    let listed = preflight(page).await;
    assert_eq!(listed.status, 204);
    assert!(
        listed
            .head
            .contains("access-control-allow-origin: https://app.example\r\n")
    );
    assert!(
        listed
            .head
            .contains("access-control-allow-credentials: true")
    );
    assert!(
        listed
            .head
            .contains("access-control-allow-headers: authorization,")
    );
    let foreign = preflight("https://app.example.evil").await;
    assert!(
        !foreign.head.contains("access-control-allow"),
        "{}",
        foreign.head
    );
    let error =
        format!("GET /v2/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\nOrigin: {page}\r\n\r\n");
    let error = raw(server.address, &error).await;
    assert_eq!(error.status, 401);
    assert!(
        error
            .head
            .contains("access-control-allow-origin: https://app.example")
    );
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_in_json() {
    let server = Running::start().await;
    let (thing, _) = server.thing().await;
    let path = r#"{"status":"error","code":400,"message":"malformed path"}"#;
    let query = r#"{"status":"error","code":400,"message":"malformed query"}"#;
    let get = async |path: &str| server.call("GET", path, "", "").await;
    get("/v2/things/%ff").await.is(400, path);
    get(&format!("/v2/things/{thing}/resources/%ff"))
        .await
        .is(400, path);
    get(&format!("/v2/things/{thing}/resources/a?limit=1&limit=2"))
        .await
        .is(400, query);
    get(&format!("/v2/things/{thing}?keepAlive=1&keepAlive=2"))
        .await
        .is(400, query);
    server.stop().await;
}

#[tokio::test]
async fn a_refusal_names_none_of_our_types() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let values = format!("/v2/things/{}", guest.thing);
    let wrong = [
        ("/v2/login", r#"["a","b",""]"#),
        ("/v2/login", r#"{"email":1,"password":"b"}"#),
        (&values, r#"[[{"key":"a","value":1}]]"#),
        (&values, r#"{"values":[[{"key":"a","value":1}]]}"#),
        ("/v2/me/tokens", r#"{"topics":"a","expiresIn":60}"#),
        (
            "/v2/me/tokens",
            r#"{"topics":["/me/resources/a"],"expiresIn":-1}"#,
        ),
        (
            "/v2/me/tokens",
            r#"{"topics":["/me/resources/a"],"expiresIn":"60"}"#,
        ),
    ];
    for (path, body) in wrong {
        let answer = server.call("POST", path, &guest.session, body).await;
        assert_eq!(answer.status, 400, "{body}");
        let ours = ["struct ", "enum ", "u64", "::"];
        let names_one = ours.iter().any(|name| answer.body.contains(name));
        assert!(!names_one, "{body}: {}", answer.body);
    }
    server.stop().await;
}

#[tokio::test]
async fn an_array_is_no_object_and_no_secret_is_repeated() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let link = async |body: &str| {
        server
            .call("POST", "/v2/me/things", &guest.session, body)
            .await
    };
    assert_eq!(link(&format!(r#"["{}"]"#, guest.thing)).await.status, 400);
    let bare = link(&format!(r#""{}""#, guest.thing)).await;
    assert_eq!(bare.status, 400);
    assert!(!bare.body.contains(&guest.thing), "{}", bare.body);
    let path = format!("/v2/things/{}", guest.thing);
    for body in [r#"[[["a",1]]]"#, r#"{"values":[["a",1,"NOW()",null]]}"#] {
        assert_eq!(
            server.call("POST", &path, "", body).await.status,
            400,
            "{body}"
        );
    }
    server.stop().await;
}
