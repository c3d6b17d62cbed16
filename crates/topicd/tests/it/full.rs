//! A store that has no room: 507, nothing acknowledged that is not stored, and life goes on.

use serde_json::json;

use crate::{server::Running, socket::Socket};

#[tokio::test]
async fn a_full_store_refuses_writes_and_goes_on_with_the_rest() {
    let server = Running::configured(|config| config.store.max_mib = 1).await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    socket.subscribe("/me/resources/a").await;
    let path = format!("/v2/things/{}", guest.thing);
    let write = async |value: &str| {
        let body = format!(r#"{{"values":[{{"key":"a","value":{value}}}]}}"#);
        server.call("POST", &path, "", &body).await
    };
    let large = |number: usize| format!(r#"[{number},"{}"]"#, "x".repeat(100_000));
    let mut stored = 0;
    let refused = loop {
        let answer = write(&large(stored)).await;
        if answer.status != 201 {
            break answer;
        }
        assert_eq!(
            socket.values("/me/resources/a").await[0]["value"][0],
            json!(stored)
        );
        stored += 1;
        assert!(stored < 20, "the bound does not hold");
    };
    refused.is(
        507,
        r#"{"status":"error","code":507,"message":"the disk is full"}"#,
    );
    assert!(stored > 3, "{stored}");

    // What was acknowledged is there, what was refused is not, not even in part.
    let batch = format!(
        r#"{{"values":[{{"key":"b","value":1}},{{"key":"a","value":{}}}]}}"#,
        large(99)
    );
    assert_eq!(server.call("POST", &path, "", &batch).await.status, 507);
    let names = server
        .call("GET", &format!("{path}/resources"), "", "")
        .await;
    names.is(200, r#"{"status":"success","resources":["a"]}"#);
    let newest = format!("{path}/resources/a");
    let newest = server.call("GET", &newest, "", "").await;
    assert!(newest.body.contains(&large(stored - 1)));

    // Others log in and subscribe; what fits is stored and pushed to all, after nothing that was not.
    let mut other = Socket::open(server.address).await;
    other.log_in(&guest.session).await;
    other.subscribe("/me/resources/a").await;
    assert_eq!(write("7").await.status, 201);
    for socket in [&mut socket, &mut other] {
        assert_eq!(socket.values("/me/resources/a").await[0]["value"], json!(7));
    }

    // With room again, writes go on without a restart.
    server.trim().await;
    let answer = write(&large(100)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    server.stop().await;
}
