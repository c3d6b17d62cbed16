//! What devices do: activation, writes, timelines, the date.

use serde_json::Value;

use crate::{client::raw, server::Running};

// Contract 45, 46
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
async fn an_address_guesses_ten_codes() {
    let server = Running::start().await;
    let guess = r#"{"activationCode":"guess"}"#;
    for _ in 0..10 {
        let answer = server.call("POST", "/v2/things", "", guess).await;
        assert_eq!(answer.status, 403);
    }
    let code = format!(r#"{{"activationCode":"{}"}}"#, server.code().await);
    let refused = server.call("POST", "/v2/things", "", &code).await;
    assert_eq!(refused.status, 429);
    assert!(
        refused.head.contains("\r\nretry-after: "),
        "{}",
        refused.head
    );
    server.stop().await;
}

// Contract 47, 52, 53, 54
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

// Contract 52
#[tokio::test]
async fn an_answer_has_one_value_to_a_hundred_and_both_ends_count() {
    let server = Running::start().await;
    let (thing, _) = server.thing().await;
    let path = format!("/v2/things/{thing}");
    let value = |number| {
        format!(
            r#"{{"key":"t","value":{number},"datetime":"{}"}}"#,
            20_200_101_000_000_u64 + number
        )
    };
    let values: Vec<_> = (0..101)
        .map(|number| value(number / 60 * 100 + number % 60))
        .collect();
    let body = format!(r#"{{"values":[{}]}}"#, values.join(","));
    assert_eq!(server.call("POST", &path, "", &body).await.status, 201);
    let read = async |query: &str| {
        let path = format!("{path}/resources/t{query}");
        let values = server.call("GET", &path, "", "").await.body;
        let values: Vec<Value> = serde_json::from_str(&values).unwrap();
        let numbers = values.iter().map(|value| value["value"].as_u64().unwrap());
        numbers.collect::<Vec<_>>()
    };
    for few in ["", "?limit=0", "?limit=1", "?limit="] {
        assert_eq!(read(few).await, [140], "{few}");
    }
    for many in ["?limit=100", "?limit=101", "?limit=4294967296"] {
        let read = read(many).await;
        assert_eq!((read.len(), read[99]), (100, 1), "{many}");
    }
    let range = "?limit=9&startDate=20200101000002&endDate=20200101000004";
    assert_eq!(read(range).await, [4, 3, 2]);
    server.stop().await;
}

// Contract 36, 48, 51, 56
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

// Contract 69
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

// Contract 37
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

// Contract 57
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
