//! Every clause that code cites, such as `EIO4 2.7`, is a heading or a numbered clause of
//! `docs/protocol`, and every clause number there stands for one rule.

use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
};

const PAGES: [Page; 2] = [
    Page {
        file: "engine-io.md",
        prefixes: ["EIO3 ", "EIO4 "],
    },
    Page {
        file: "socket-io.md",
        prefixes: ["SIO4 ", "SIO5 "],
    },
];

/// One page of the protocol, and how code refers to it.
struct Page {
    file: &'static str,
    prefixes: [&'static str; 2],
}

impl Page {
    /// The numbers that the page gives to its headings (`### 2.7 …`) and clauses (`**2.7.1** …`),
    /// in the order in which they stand.
    fn numbers(&self) -> Vec<String> {
        let text = read(&root().join("docs/protocol").join(self.file));
        text.lines().filter_map(own_number).collect()
    }

    /// The numbers that a line cites.
    fn cited(&self, line: &str) -> BTreeSet<String> {
        let behind_prefix = |prefix: &&'static str| {
            line.split(*prefix)
                .skip(1)
                .filter_map(leading_number)
                .collect::<Vec<_>>()
        };
        self.prefixes.iter().flat_map(behind_prefix).collect()
    }
}

/// One place in the code that names a clause.
struct Citation {
    place: String,
    number: String,
}

impl Citation {
    /// What a file cites of a page.
    fn all(page: &Page, source: &Path) -> Vec<Self> {
        let shown = source.strip_prefix(root()).unwrap_or(source).display();
        let text = read(source);
        let numbers = text
            .lines()
            .zip(1..)
            .flat_map(|(text, line)| page.cited(text).into_iter().map(move |n| (line, n)));
        let citation = |(line, number): (usize, String)| Self {
            place: format!("{shown}:{line}"),
            number,
        };
        numbers.map(citation).collect()
    }
}

impl fmt::Display for Citation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.number)
    }
}

#[test]
fn every_cited_clause_exists() {
    let sources = sources();
    for page in &PAGES {
        let known: BTreeSet<String> = page.numbers().into_iter().collect();
        let citations: Vec<Citation> = sources
            .iter()
            .flat_map(|source| Citation::all(page, source))
            .collect();
        assert!(
            !citations.is_empty(),
            "nothing cites {}: is this test blind?",
            page.file
        );
        let missing: Vec<String> = citations
            .iter()
            .filter(|citation| !known.contains(&citation.number))
            .map(Citation::to_string)
            .collect();
        assert!(
            missing.is_empty(),
            "not in docs/protocol/{}:\n{}",
            page.file,
            missing.join("\n")
        );
    }
}

#[test]
fn every_clause_has_its_own_number() {
    for page in &PAGES {
        let numbers = page.numbers();
        let distinct: BTreeSet<&String> = numbers.iter().collect();
        assert_eq!(distinct.len(), numbers.len(), "{}: {numbers:?}", page.file);
    }
}

#[test]
fn numbers_are_read_as_they_are_written() {
    let engine = &PAGES[0];
    let text =
        "a rule (EIO4 2.10.3, EIO3 3.6 rule 2). `EIO4 2.7`; EIO4 is no clause, nor SIO5 6.1.";
    let cited: Vec<String> = engine.cited(text).into_iter().collect();
    assert_eq!(cited, ["2.10.3", "2.7", "3.6"]);
    assert_eq!(own_number("### 2.10 The upgrade").as_deref(), Some("2.10"));
    assert_eq!(own_number("## 4 WebTransport").as_deref(), Some("4"));
    assert_eq!(own_number("**2.7.1** A POST").as_deref(), Some("2.7.1"));
    assert_eq!(own_number("A GET (2.7.1)"), None);
}

/// The number of the heading or clause that begins in this line.
fn own_number(line: &str) -> Option<String> {
    let marks = ["## ", "### ", "**"];
    leading_number(marks.iter().find_map(|mark| line.strip_prefix(mark))?)
}

/// The number at the start of a text, without the full stop of a sentence that it ends.
fn leading_number(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let number = text[..end.unwrap_or(text.len())].trim_end_matches('.');
    (!number.is_empty()).then(|| number.to_owned())
}

/// Every Rust file of the crates, the fuzz targets and the tests, but this one, whose citations
/// are examples.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["crates", "fuzz", "tests/it", "tests/support", "tests/load"] {
        collect(&root().join(folder), &mut found);
    }
    found.retain(|path| !path.ends_with(file!()));
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests have a folder of their own")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
