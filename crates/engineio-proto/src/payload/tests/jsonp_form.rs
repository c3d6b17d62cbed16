//! Payloads as calls of a script, and as form fields.

use super::*;

fn script(query: &str, packet: Packet) -> String {
    let (content_type, body) = written(query, &[packet]);
    assert_eq!(content_type, ContentType::JavaScript);
    String::from_utf8(body.to_vec()).unwrap()
}

#[test]
fn payload_goes_out_as_a_call() {
    for (query, packet, expected) in [
        ("EIO=3&j=12", message("a"), r#"___eio[12]("2:4a");"#), // J1
        ("EIO=3&j=a1b2", message("a"), r#"___eio[12]("2:4a");"#), // J2
        ("EIO=3&j=", message("a"), r#"___eio[]("2:4a");"#),     // J2
        ("EIO=4&j=0", message("a"), r#"___eio[0]("4a");"#),
        (JSONP, message("\"\\\n"), r#"___eio[0]("4:4\"\\\n");"#), // J5
        (
            JSONP,
            message("\u{2028}\u{2029}"),
            r#"___eio[0]("3:4\u2028\u2029");"#,
        ), // J6
        (
            JSONP,
            message("</script>"),
            r#"___eio[0]("10:4<\/script>");"#,
        ),
        (
            JSONP,
            bytes(&[1, 2, 3, 4]),
            r#"___eio[0]("10:b4AQIDBA==");"#,
        ), // J10
        (JSONP, Packet::Close, r#"___eio[0]("1:1");"#), // J11
    ] {
        assert_eq!(script(query, packet), expected);
    }
}

#[test]
fn payload_comes_in_as_a_form() {
    for (body, packets) in [
        ("d=6%3A4hello", &[message("hello")][..]), // J4
        ("d=4%3A4a+b", &[message("a b")]),         // J7
        (r"d=4%3A4a\nb", &[message("a\nb")]),      // J5: a newline
        (r"d=5%3A4a\\nb", &[message(r"a\nb")]),    // J5: backslash and n
        (r"d=3%3A4\a", &[message(r"\a")]),
        ("", &[]),                  // J8
        ("x=1", &[]),               // J8
        ("d=2%3A4a&d=2%3A4b", &[]), // J8
    ] {
        assert_eq!(read_text(JSONP, body), ok(packets), "{body}");
    }
}

#[test]
fn bad_forms_are_refused() {
    assert_eq!(read_text(JSONP, "d="), broken(&[], PayloadError::Length));
    assert_eq!(
        read_text(JSONP, "d=2%3A4%FF"),
        broken(&[], PayloadError::Utf8)
    );
}

proptest! {
    // J5
    #[test]
    fn what_a_client_sends_arrives(content in any::<String>()) {
        prop_assume!(!content.contains("\\\n"));
        let (_, body) = written(V4, &[message(&content)]);
        prop_assume!(!content.contains('\u{1e}'));
        let form = client_form(std::str::from_utf8(&body).unwrap());
        prop_assert_eq!(read_text("EIO=4&j=0", &form), ok(&[message(&content)]));
    }
}
