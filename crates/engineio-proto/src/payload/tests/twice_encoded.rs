//! Text that clients 1.x encode twice.

use super::*;

/// UTF-8 bytes as characters, as clients up to 1.7 write them.
fn twice(text: &str) -> String {
    text.bytes().map(char::from).collect()
}

fn event(content: &str) -> String {
    let packet = format!("42[\"message\",\"{content}\"]");
    format!("{}:{packet}", packet.chars().count())
}

// Q27: the same event is 25 characters from a 1.7.4 client and 20 units from a 2.5.0 client.
#[test]
fn is_decoded_once_more() {
    let old = event(&twice("é€😀"));
    assert!(old.starts_with("25:"), "{old}");
    assert_eq!(
        read_text(V3_TEXT, &old),
        ok(&[message("2[\"message\",\"é€😀\"]")])
    );
}

#[test]
fn one_character_above_ff_rules_it_out_for_the_session() {
    let mut legacy = LegacyText::default();
    let mut read = |body: &str| {
        let body = Bytes::copy_from_slice(body.as_bytes());
        encoding(V3_TEXT)
            .decode(PostContent::Text, body, &mut legacy, 10)
            .packets
    };
    assert_eq!(read("3:4Ã©"), [message("é")]);
    assert_eq!(read("2:4€"), [message("€")]);
    assert_eq!(read("3:4Ã©"), [message("Ã©")]);
}

#[test]
fn ascii_and_errors_say_nothing() {
    let mut legacy = LegacyText::default();
    for body in ["2:4a", "9:4a", ""] {
        let body = Bytes::copy_from_slice(body.as_bytes());
        encoding(V3_TEXT).decode(PostContent::Text, body, &mut legacy, 10);
    }
    assert_eq!(legacy, LegacyText::Possible);
}

#[test]
fn not_in_revision_4_nor_without_the_rules() {
    assert_eq!(read_text(V4, "4Ã©"), ok(&[message("Ã©")]));
    let config = Config {
        legacy_text: false,
        ..Config::default()
    };
    let body = Bytes::from_static("3:4Ã©".as_bytes());
    let mut legacy = LegacyText::default();
    let handshake = open(V3_TEXT, &config);
    let read = handshake
        .encoding()
        .decode(PostContent::Text, body, &mut legacy, 10);
    assert_eq!(read, ok(&[message("Ã©")]));
}

proptest! {
    #[test]
    fn any_text_arrives(content in any::<String>()) {
        let packet = format!("4{}", twice(&content));
        let body = format!("{}:{packet}", packet.chars().count());
        prop_assert_eq!(read_text(V3_TEXT, &body), ok(&[message(&content)]));
    }
}
