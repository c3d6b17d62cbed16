//! Bodies of writes, as bytes in and elements out.

use proptest::prelude::*;

use super::*;

const NOW: &str = "2026-01-02T03:04:05.678Z";

fn now() -> Timestamp {
    Timestamp::parse(NOW).unwrap()
}

fn written(body: &str) -> Result<String, InvalidBatch> {
    parse_batch(body.as_bytes(), &Keys::Own, now()).map(|records| elements(&records, None))
}

// Contract 30
#[test]
fn values_are_kept_verbatim() {
    let values = [
        r#""21.5""#,
        "21.50",
        "1e999",
        "-0",
        "12345678901234567890123",
        r#"["a", 1]"#,
        r#"{"b": null}"#,
        r#""\ud800 \u00e9""#,
    ];
    for value in values {
        let body = format!(r#"{{"values":[{{"key":"k","value":{value}}}]}}"#);
        let element = format!(r#"[{{"key":"k","value":{value},"datetime":"{NOW}"}}]"#);
        assert_eq!(written(&body).unwrap(), element);
    }
}

// Contract 27, 49
#[test]
fn elements_keep_their_order_and_their_geo() {
    let body = r#"{"values":[
        {"value":1,"key":"b","datetime":"20151028121856","geo":{"lat":41.2,"long":"2.1"}},
        {"key":"a","value":2,"datetime":"NOW()"}]}"#;
    let elements = concat!(
        r#"[{"key":"b","value":1,"datetime":"2015-10-28T12:18:56.000Z","geo":{"lat":41.2,"long":"2.1"}},"#,
        r#"{"key":"a","value":2,"datetime":"2026-01-02T03:04:05.678Z"}]"#
    );
    assert_eq!(written(body).unwrap(), elements);
}

#[test]
fn the_thing_comes_last() {
    let body = br#"{"values":[{"value":1}]}"#;
    let keys = Keys::Given(Key::parse("turn").unwrap());
    let records = parse_batch(body, &keys, now()).unwrap();
    let element = format!(r#"[{{"key":"turn","value":1,"datetime":"{NOW}","thingId":"t"}}]"#);
    assert_eq!(elements(&records, Some(&ThingId::named("t"))), element);
}

// Contract 48, 49, 51
#[test]
fn what_is_refused() {
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    let bad = [
        (
            "",
            "malformed values: EOF while parsing a value at line 1 column 0",
        ),
        (r#"{"values":[]}"#, "no values"),
        (r#"{"values":[{"key":"a b","value":1}]}"#, "malformed key"),
        (r#"{"values":[{"value":1}]}"#, "malformed key"),
        (
            r#"{"values":[{"key":"a","value":true}]}"#,
            "a value must be a string, number, array or object",
        ),
        (
            r#"{"values":[{"key":"a","value":1,"datetime":"soon"}]}"#,
            "malformed datetime or one too far ahead",
        ),
        (
            r#"{"values":[{"key":"a","value":1,"datetime":"2026-01-03T03:04:05.679Z"}]}"#,
            "malformed datetime or one too far ahead",
        ),
        (
            r#"{"values":[{"key":"a","value":1,"geo":{"lat":"north","long":1}}]}"#,
            "lat and long must be numbers",
        ),
        (
            &format!(r#"{{"values":[{{"key":"a","value":{deep}}}]}}"#),
            "a value must be a string, number, array or object",
        ),
    ];
    for (body, message) in bad {
        assert_eq!(written(body).unwrap_err().to_string(), message, "{body}");
    }
    let many = vec![r#"{"key":"a","value":1}"#; MAX_VALUES + 1].join(",");
    let many = format!(r#"{{"values":[{many}]}}"#);
    assert!(matches!(written(&many), Err(InvalidBatch::TooMany)));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body: Vec<u8>) {
        let _ = parse_batch(&body, &Keys::Own, now());
    }

    #[test]
    fn what_is_accepted_is_json_again(value in "[\\[\\]{}\",:0-9a-z\\\\ ]{0,40}") {
        let body = format!(r#"{{"values":[{{"key":"k","value":{value}}}]}}"#);
        if let Ok(elements) = written(&body) {
            prop_assert!(serde_json::from_str::<Vec<&RawValue>>(&elements).is_ok());
        }
    }
}
