//! What a refusal says, and what it must not.

use crate::{client::raw, server::Running};

// Contract 36
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
async fn nobody_waits_for_the_body_of_an_unknown_device() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let granted = server.grant(&guest.thing_id, "read").await.1;
    let not_found = r#"{"status":"error","code":404,"message":"thing not found"}"#;
    for token in ["unknown", &guest.thing_id, &granted] {
        // The body never comes.
        let request = format!(
            "POST /v2/things/{token} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Content-Length: 1000\r\n\r\n"
        );
        raw(server.address, &request).await.is(404, not_found);
    }
    // One who has written may write until the token is taken back.
    server.write(&guest.thing, "a", "1").await;
    let path = format!("/admin/things/{}/token", guest.thing_id);
    assert_eq!(server.admin("POST", &path, "").await.status, 200);
    let path = format!("/v2/things/{}", guest.thing);
    let body = r#"{"values":[{"key":"a","value":1}]}"#;
    server
        .call("POST", &path, "", body)
        .await
        .is(404, not_found);
    server.stop().await;
}

#[tokio::test]
async fn nobody_waits_for_a_body_that_is_too_large() {
    let server = Running::start().await;
    let (thing, _) = server.thing().await;
    for expect in ["", "Expect: 100-continue\r\n"] {
        // The body never comes.
        let request = format!(
            "POST /v2/things/{thing} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{expect}\
             Content-Length: 1048577\r\n\r\n"
        );
        let refusal = r#"{"status":"error","code":413,"message":"more than 1048576 bytes"}"#;
        raw(server.address, &request).await.is(413, refusal);
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
