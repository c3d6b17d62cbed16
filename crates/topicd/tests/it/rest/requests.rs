//! Paths, methods, forms of a request and origins, whatever it is about.

use crate::{client::raw, server::Running};

// Contract 33, 35, 47
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

// Contract 58
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

// Contract 35, 41
#[tokio::test]
async fn a_login_may_come_as_a_form() {
    let server = Running::start().await;
    server.user("anna@example.com").await;
    let login = async |password: &str| {
        let form = format!("email=anna%40example.com&password={password}&app=a");
        let request = format!(
            "POST /v2/login HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        raw(server.address, &request).await
    };
    let session = login("secret").await.field("token");
    let known = server.call("GET", "/v2", &session, "").await;
    known.is(200, r#"{"status":"success"}"#);
    assert_eq!(login("wrong").await.status, 401);
    server.stop().await;
}

// Contract 6
#[tokio::test]
async fn everybodys_pages_may_read_without_credentials() {
    let server = Running::configured(|config| config.cors.origins = vec!["*".into()]).await;
    for path in ["/v2/", "/socket.io/?EIO=4&transport=polling"] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\
             Origin: https://app.example\r\n\r\n"
        );
        let head = raw(server.address, &request).await.head;
        assert!(
            head.contains("access-control-allow-origin: *\r\n"),
            "{head}"
        );
        assert!(!head.contains("credentials"), "{head}");
    }
    server.stop().await;
}

// Contract 6, 39
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
