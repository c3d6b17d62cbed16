//! Arguments made of values and read into them, with bytes and beside what only looks like bytes.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::*;
use crate::Binary;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Upload {
    name: String,
    parts: Vec<Binary>,
}

#[test]
fn a_tuple_is_one_argument_an_element() {
    let args = ("a,b", 1.5, [1, 2], None::<u8>).into_args().unwrap();
    let raw: Vec<&str> = args.iter().collect();
    assert_eq!(raw, [r#""a,b""#, "1.5", "[1,2]", "null"]);
    assert_eq!(args.get::<f64>(1), Ok(1.5));
    assert_eq!(args.get::<u8>(4), Err(ArgError::Missing { index: 4 }));
    assert!(matches!(
        args.get::<u8>(0),
        Err(ArgError::Decode { index: 0, .. })
    ));
}

#[test]
fn raw_json_goes_through_verbatim() {
    let raw = "{\"n\": 1.0, \"big\":123456789012345678901234567890}";
    let value = RawValue::from_string(raw.into()).unwrap();
    assert_eq!((value,).into_args().unwrap().raw(0), Some(raw));
    assert_eq!(
        Args::from_raw([raw, "\"\\ud800\""]).unwrap().raw(1),
        Some("\"\\ud800\"")
    );
    assert!(Args::from_raw(["1,2"]).is_err());
}

#[test]
fn raw_json_may_come_with_bytes() {
    let raw = r#"["x",{"_placeholder":true,"num":0}]"#;
    let args = Args::from_raw_with(["1", raw], vec!["bytes".into()]).unwrap();
    assert_eq!(args.get::<(String, Binary)>(1).unwrap().1, "bytes".into());
    let two = Args::from_raw_with([raw], vec!["a".into(), "b".into()]);
    assert_eq!(two, Err(ArgError::ForeignPlaceholder));
    let unknown = r#"{"_placeholder":true,"num":1}"#;
    let unknown = Args::from_raw_with([unknown], vec!["a".into()]);
    assert_eq!(unknown, Err(ArgError::ForeignPlaceholder));
}

// Y3
#[test]
fn bytes_are_found_anywhere() {
    let upload = Upload {
        name: "x".into(),
        parts: vec!["one".into(), "two".into()],
    };
    let args = (Binary("zero".into()), &upload).into_args().unwrap();
    assert_eq!(args.attachments(), ["zero", "one", "two"]);
    assert_eq!(args.get::<Upload>(1), Ok(upload));
    assert_eq!(args.get::<Binary>(0), Ok("zero".into()));
}

#[test]
fn bytes_are_not_read_as_something_else() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Named {
        name: String,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Loose {
        name: String,
        parts: Vec<serde_json::Value>,
    }
    let upload = Upload {
        name: "x".into(),
        parts: vec!["one".into(), "two".into()],
    };
    let args = (&upload, "plain", Binary("zero".into()))
        .into_args()
        .unwrap();
    let bytes = ArgError::Bytes { index: 0 };
    assert_eq!(args.get::<serde_json::Value>(0), Err(bytes.clone()));
    assert_eq!(args.get::<Loose>(0), Err(bytes));
    // What a type ignores it may ignore, and the bytes of others are not its affair.
    assert_eq!(args.get::<Named>(0), Ok(Named { name: "x".into() }));
    assert_eq!(args.get::<serde_json::Value>(1), Ok("plain".into()));
    assert_eq!(args.get::<Upload>(0), Ok(upload));
    // Who asks for raw JSON gets it.
    let raw = args.get::<Box<RawValue>>(2).unwrap();
    assert_eq!(Some(raw.get()), args.raw(2));
    assert!(args.get::<Vec<u8>>(2).is_err(), "a list of numbers");
    let numbers = (vec![1_u8, 2],).into_args().unwrap();
    assert_eq!(
        (numbers.raw(0), numbers.attachments().len()),
        (Some("[1,2]"), 0)
    );
}

#[test]
fn bytes_within_bytes_are_not_read_as_something_else() {
    let raw = r#"[{"num":0,"x":[{"_placeholder":true,"num":1}],"_placeholder":true}]"#;
    let args = Args::from_raw_with([raw], vec!["a".into(), "b".into()]).unwrap();
    let value = args.get::<serde_json::Value>(0);
    assert_eq!(value, Err(ArgError::Bytes { index: 0 }));
    assert_eq!(args.get::<Vec<Binary>>(0), Ok(vec!["a".into()]));
}

#[test]
fn skipped_arguments_keep_their_bytes() {
    let args = (Binary("secret".into()), "room", Binary("one".into()), 2);
    let args = args.into_args().unwrap();
    let rest = args.skip(2);
    assert_eq!(rest.get::<Binary>(0), Ok("one".into()));
    assert_eq!(rest.get::<u8>(1), Ok(2));
    assert_eq!(rest.attachments(), ["", "one"]);
    // A packet without attachments is a plain one.
    assert_eq!(args.skip(3), (2,).into_args().unwrap());
    assert_eq!(args.skip(4), Args::default());
}

#[test]
fn values_of_others_are_not_taken_for_attachments() {
    let posed = serde_json::json!([{"_placeholder": true, "num": 0}]);
    let beside = (&posed, Binary("avatar".into())).into_args();
    assert_eq!(beside, Err(ArgError::ForeignPlaceholder));
    // Without attachments the packet is a plain one, in which placeholders mean nothing.
    assert!((&posed,).into_args().is_ok());
}

#[test]
fn nothing_but_a_placeholder_is_read_as_bytes() {
    let placeholder = r#"{"_placeholder":true,"num":0}"#;
    for other in [
        "[true,0]",
        r#"[{"_placeholder":true,"num":0}]"#,
        "0",
        "true",
        "null",
        r#""bytes""#,
        r#"{"num":0}"#,
        r#"{"_placeholder":false,"num":0}"#,
    ] {
        let list = format!("{placeholder},{other}").as_str().into();
        let mut args = Args::new(list, 2);
        args.attach(vec!["bytes".into()]);
        assert_eq!(args.get::<Binary>(0), Ok("bytes".into()));
        assert!(args.get::<Binary>(1).is_err(), "{other}");
    }
}

#[test]
fn bytes_outside_of_arguments_are_an_error() {
    assert!(serde_json::to_string(&Binary("x".into())).is_err());
    assert!(serde_json::from_str::<Binary>(r#"{"_placeholder":true,"num":0}"#).is_err());
}
