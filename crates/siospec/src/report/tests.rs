//! One run with every outcome, in each form of the report.

use super::*;
use crate::case::{Case, Failure, Group, Layer, ServerOption, Skip};
use crate::transcript::{Direction, Line};

static CASES: &[Case] = &[
    Case::must("H1", "EIO4 2.3")
        .title("an open packet")
        .run(|_| Ok(())),
    Case::must("H2", "EIO4 2.3")
        .title("<alone> & \"first\"")
        .run(|_| Ok(())),
    Case::should("H3", "EIO4 2.11")
        .title("a content type")
        .run(|_| Ok(())),
    Case::must("H8", "EIO4 2.1")
        .title("no revision 3")
        .run(|_| Ok(()))
        .needs(&[ServerOption::Eio3Off]),
];
static GROUP: Group = Group {
    id: "eio4/handshake",
    title: "Handshake",
    layer: Layer::Engine,
    needs: &[],
    cases: CASES,
};

fn report(strictness: Strictness) -> Report {
    let failed = || Verdict::Failed(Failure::new("0{…}", "1"));
    let verdicts = [
        Verdict::Passed,
        failed(),
        failed(),
        Verdict::Skipped(Skip::Needs(ServerOption::Eio3Off)),
    ];
    let records = CASES.iter().zip(verdicts).map(|(case, verdict)| {
        let text = "GET /\u{1}".to_owned();
        let line = Line {
            milliseconds: 2,
            connection: 1,
            direction: Direction::Sent,
            text,
        };
        Record {
            group: &GROUP,
            case,
            verdict,
            milliseconds: 1500,
            transcript: vec![line],
        }
    });
    Report {
        server: "http://h/".into(),
        known: Known::default(),
        strictness,
        records: records.collect(),
    }
}

#[test]
fn text_shows_failures_with_their_transcript() {
    let text = text(&report(Strictness::Usual));
    assert!(text.contains("✔ H1: an open packet\n"), "{text}");
    assert!(text.contains("✘ H2"), "{text}");
    assert!(
        text.contains("expected: 0{…}\n      received: 1\n          2 ms  #1 > GET"),
        "{text}"
    );
    assert!(text.contains("! H3"), "{text}");
    assert!(text.contains("needs --with eio3-off"), "{text}");
    assert!(
        text.ends_with("4 cases: 1 passed, 1 failed, 1 deviates, 1 skipped\n"),
        "{text}"
    );
}

#[test]
fn strict_turns_deviations_into_failures() {
    let report = report(Strictness::Strict);
    assert_eq!(report.count(Outcome::Failed), 2);
    assert_eq!(report.count(Outcome::Deviates), 0);
}

#[test]
fn json_has_one_object_per_case() {
    let json = json(&report(Strictness::Usual));
    assert_eq!(json["summary"]["failed"], 1);
    assert_eq!(json["cases"][0]["outcome"], "passed");
    assert_eq!(json["cases"][0].get("transcript"), None);
    assert_eq!(json["cases"][1]["expected"], "0{…}");
    assert_eq!(json["cases"][3]["reason"], "needs --with eio3-off");
}

#[test]
fn junit_is_escaped() {
    let xml = junit(&report(Strictness::Usual));
    assert!(
        xml.contains("name=\"H2 &lt;alone&gt; &amp; &quot;first&quot;\""),
        "{xml}"
    );
    assert!(
        xml.contains("tests=\"4\" failures=\"1\" skipped=\"1\""),
        "{xml}"
    );
    assert!(xml.contains("time=\"1.500\""), "{xml}");
    assert!(!xml.contains('\u{1}'), "{xml}");
}

#[test]
fn known_failures_do_not_count_unless_they_pass() {
    let mut report = report(Strictness::Usual);
    assert!(!report.is_good());
    report.known = Known::parse("H2 not alone").unwrap();
    assert!(report.is_good());
    assert!(text(&report).contains("~ H2: <alone> & \"first\"\n      known: not alone\n"));
    assert_eq!(json(&report)["cases"][1]["known"], "not alone");
    report.known = Known::parse("H1 five keys\nH2 not alone").unwrap();
    assert!(!report.is_good());
    assert!(text(&report).contains("✘ H1: an open packet\n      passes, but is known to fail"));
    assert!(
        junit(&report).contains("failures=\"1\" skipped=\"2\""),
        "{}",
        junit(&report)
    );
}
