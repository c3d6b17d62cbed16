//! The table of what clients may rely on, and lines of it that no other file is about.

use std::{collections::BTreeMap, fs, path::Path};

use topicd::{
    datetime::Timestamp,
    store::{Append, Appended, Writer},
    token::Token,
    value::{Keys, parse_batch},
};

use crate::{server::Running, socket::Socket};

const LINES: u32 = 69;

/// The tests that a row of the table names, with their file below the crate.
fn tests_of(row: &str) -> Vec<(String, &str)> {
    let cell = row
        .trim_end_matches(['|', ' '])
        .rsplit("| ")
        .next()
        .unwrap();
    let tests = cell.split(", ").map(|test| {
        let (file, name) = test.trim_matches('`').split_once("::").unwrap();
        (file.replacen("it/", "tests/it/", 1), name)
    });
    tests.collect()
}

#[test]
fn each_line_has_a_test_that_is_there() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(own.join("../../docs/topicd-contract.md")).unwrap();
    let numbered = |row| {
        let cell = str::strip_prefix(row, "| ")?.split(' ').next()?;
        Some((cell.parse::<u32>().ok()?, row))
    };
    let rows: Vec<_> = table.lines().filter_map(numbered).collect();
    let by_line: BTreeMap<_, _> = rows.iter().copied().collect();
    assert_eq!(rows.len(), by_line.len(), "a line has two rows");
    assert!(by_line.keys().copied().eq(1..=LINES), "lines are missing");
    for (line, row) in by_line {
        for (file, name) in tests_of(row) {
            let source = fs::read_to_string(own.join(&file)).unwrap();
            assert!(
                source.contains(&format!("fn {name}(")),
                "{line}: {file}::{name}"
            );
        }
    }
}

#[tokio::test]
async fn revisions_that_are_known_and_not() {
    let server = Running::start().await;
    let open = async |query: &str| {
        let path = format!("/socket.io/?transport=polling{query}");
        server.call("GET", &path, "", "").await
    };
    for old in ["", "&EIO=2", "&EIO=3"] {
        let answer = open(old).await;
        // Revision 3 counts its packets, revision 4 does not.
        assert!(answer.body.contains(":0{"), "{old}: {answer:?}");
    }
    assert!(open("&EIO=4").await.body.starts_with("0{"));
    for unknown in ["&EIO=5", "&EIO=1", "&EIO=", "&EIO=4a"] {
        let answer = open(unknown).await;
        assert_eq!(answer.status, 400, "{unknown}");
        assert!(
            answer.body.starts_with(r#"{"code":5,"#),
            "{unknown}: {answer:?}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_reader_that_does_not_keep_up_is_cut_without_a_gap() {
    const WRITES: u64 = 1500;
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    socket.subscribe("/me/resources/a").await;
    let padding = "x".repeat(20_000);
    for number in 0..WRITES {
        let body = format!(r#"{{"values":[{{"key":"a","value":[{number},"{padding}"]}}]}}"#);
        let append = Append {
            writer: Writer::Device(Token::presented(&guest.thing).digest()),
            records: parse_batch(body.as_bytes(), &Keys::Own, Timestamp::now()).unwrap(),
            idempotency: None,
        };
        assert_eq!(server.store().append(append).await, Ok(Appended::Stored));
    }
    let mut next = 0;
    while let Some(packet) = socket.next_or_end().await {
        let start = format!(r#"2/v2,["/me/resources/a",[{{"key":"a","value":[{next},"#);
        if packet != "1/v2," {
            assert!(
                packet.starts_with(&start),
                "after {next}: {}",
                &packet[..60]
            );
            next += 1;
        }
    }
    assert!((1..WRITES).contains(&next), "{next}");
    server.stop().await;
}
