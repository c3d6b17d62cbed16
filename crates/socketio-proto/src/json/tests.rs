use proptest::prelude::*;
use serde_json::{Value, value::RawValue};

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
        let expected = serde_json::from_str::<Value>(text).is_ok();
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
fn placeholders_are_replaced_from_the_outermost() {
    let text = r#"[{"_placeholder":true,"num":0,"in":[{"_placeholder":true,"num":1},{"num":2,"_placeholder":true}]},{"_placeholder":true,"num":3},"x"]"#;
    let replaced =
        |kept: &[usize]| without_placeholders(text, |number| kept.contains(&number), "0");
    assert_eq!(replaced(&[]).as_deref(), Some(r#"[0,0,"x"]"#));
    assert_eq!(
        replaced(&[0, 2]).as_deref(),
        Some(r#"[{"_placeholder":true,"num":0,"in":[0,{"num":2,"_placeholder":true}]},0,"x"]"#)
    );
    assert_eq!(replaced(&[0, 1, 2, 3]), None);
}

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

/// What serde_json says. Its values refuse lone surrogates and numbers out of range; raw JSON has them.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok() || serde_json::from_str::<&RawValue>(text).is_ok()
}

/// Values with texts long enough for blocks of any size.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-zé€\"\\\\/\u{0}-\u{20}]{0,80}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z\"\\n]{0,12}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A text with a character in the place of so many others.
fn mutated(text: &str, place: prop::sample::Index, others: usize, character: char) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let place = place.index(characters.len());
    let end = place.saturating_add(others);
    characters.splice(place..end, [character]);
    characters.into_iter().collect()
}

proptest! {
    #[test]
    fn agrees_with_serde_json(text in "[\\[\\]{}:,\"a\\\\u0-9eE.+\\- tfn]{0,24}") {
        prop_assert_eq!(check(&text).is_ok(), is_json(&text), "{}", text);
    }

    #[test]
    fn agrees_with_serde_json_on_what_is_nearly_json(
        value in values(),
        place: prop::sample::Index,
        character in prop::sample::select("[]{}:,\"\\u09eE.+- tfn\t\n\u{0}\u{c}".chars().collect::<Vec<_>>()),
        others in 0..=1_usize,
    ) {
        for text in [value.to_string(), format!("{value:#}")] {
            prop_assert_eq!(check(&text), Ok(()));
            let text = mutated(&text, place, others, character);
            prop_assert_eq!(check(&text).is_ok(), is_json(&text), "{}", text);
        }
    }

    #[test]
    fn finds_the_elements_that_serde_json_finds(
        values in prop::collection::vec(values(), 0..4),
    ) {
        let value = Value::from(values);
        for text in [value.to_string(), format!("{value:#}")] {
            let expected: Vec<&RawValue> = serde_json::from_str(&text).unwrap();
            let expected: Vec<&str> = expected.into_iter().map(RawValue::get).collect();
            let found = array(&text).unwrap();
            prop_assert_eq!((found.count, found.first), (expected.len(), expected.first().copied()));
            prop_assert_eq!(&elements(found.list).collect::<Vec<_>>(), &expected);
            let rest = elements(found.rest());
            prop_assert!(rest.eq(expected.into_iter().skip(1)));
        }
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
