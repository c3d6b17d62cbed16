use proptest::prelude::*;

use super::{
    string::{behind_plain, is_special},
    *,
};

#[test]
fn agrees_with_serde_json_on_examples() {
    for text in [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1.5e-7",
        "\"\"",
        "\"é\\n\\u00e9\"",
        "[]",
        "{}",
        " [ 1 , {\"a\" : [ ] } ] ",
        "",
        " ",
        "nul",
        "truee",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "--1",
        "\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{a:1}",
        "{\"a\":1,}",
        "[1]x",
        "[",
        "{",
        "]",
        "'a'",
    ] {
        let expected = serde_json::from_str::<serde_json::Value>(text).is_ok();
        assert_eq!(check(text).is_ok(), expected, "{text:?}");
    }
}

// D17, robustness of depth on every path
#[test]
fn nesting_stops_at_64() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(check(&nested(64)), Ok(()));
    for depth in [65, 5_000, 400_000] {
        assert_eq!(check(&nested(depth)), Err(PacketError::Depth));
    }
    assert_eq!(check(&"{\"a\":".repeat(65)), Err(PacketError::Depth));
}

// D15, D16
#[test]
fn what_javascript_takes_is_taken() {
    for text in [
        "\"\\ud800\"",
        "1e400",
        "123456789012345678901234567890",
        "{\"a\":1,\"a\":2}",
    ] {
        assert!(check(text).is_ok(), "{text}");
    }
}

#[test]
fn an_array_is_split_behind_its_first_element() {
    let text = r#" [ "a,]" , {"b":[1,2]} , 3 ] "#;
    let found = array(text).unwrap();
    assert_eq!((found.count, found.first), (3, Some(r#""a,]""#)));
    assert_eq!(found.list, r#""a,]" , {"b":[1,2]} , 3"#);
    assert_eq!(found.rest(), r#"{"b":[1,2]} , 3"#);
    let rest: Vec<&str> = elements(found.rest()).collect();
    assert_eq!(rest, [r#"{"b":[1,2]}"#, "3"]);
    assert_eq!(array("[\"a\" ]").unwrap().rest(), "");
    assert_eq!(array(" [ ] ").unwrap().rest(), "");
    assert_eq!(array("{}"), Err(PacketError::Payload));
    assert_eq!(array("[1"), Err(PacketError::Json));
    assert_eq!(elements("").count(), 0);
}

// Y4, Y5, Y6, Y7
#[test]
fn placeholders_are_found_at_any_depth() {
    let numbers = |list: &str| {
        let mut numbers = Vec::new();
        placeholders(list, |number| {
            numbers.push(number);
            Ok(())
        })
        .map(|()| numbers)
    };
    let nested = r#"1,{"a":[{"num":1,"x":2,"_placeholder":true}]},{"_placeholder":true,"num":0}"#;
    assert_eq!(numbers(nested), Ok(vec![1, 0]));
    assert_eq!(
        numbers(r#"{"_placeholder":false,"num":9},{"num":1}"#),
        Ok(vec![])
    );
    assert_eq!(
        numbers(r#"{"\u005fplaceholder":true,"n\u0075m":3}"#),
        Ok(vec![3])
    );
    for bad in ["-1", "0.5", "\"0\"", "1e0", "null", "99999999999999999999"] {
        let list = format!(r#"{{"_placeholder":true,"num":{bad}}}"#);
        assert_eq!(numbers(&list), Err(PacketError::Placeholder), "{bad}");
    }
    assert_eq!(
        numbers(r#"{"_placeholder":true}"#),
        Err(PacketError::Placeholder)
    );
}

proptest! {
    #[test]
    fn agrees_with_serde_json(text in "[\\[\\]{}:,\"a\\\\u0-9eE.+\\- tfn]{0,24}") {
        let value = serde_json::from_str::<serde_json::Value>(&text);
        // serde_json's values refuse lone surrogates and numbers out of range; raw JSON has them.
        let raw = serde_json::from_str::<&serde_json::value::RawValue>(&text);
        prop_assert_eq!(check(&text).is_ok(), value.is_ok() || raw.is_ok(), "{}", text);
    }
}

proptest! {
    #[test]
    fn blocks_find_what_single_bytes_find(
        plain in prop::collection::vec(0x20_u8.., 0..100),
        special in prop_oneof![Just(b'"'), Just(b'\\'), 0..=0x1f_u8],
        tail in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let text = [plain, vec![special], tail].concat();
        let one_by_one = text.iter().position(|byte| is_special(*byte)).unwrap();
        prop_assert_eq!(behind_plain(&text), &text[one_by_one..]);
    }
}
