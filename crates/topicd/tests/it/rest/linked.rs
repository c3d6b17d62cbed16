//! What a user does with the things that are linked.

use crate::server::Running;

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
