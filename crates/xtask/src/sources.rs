//! Finds the Rust tests that cover rows of a table: their ids stand in a comment at the test, above it
//! or in its body, at the beginning of a line: `// P11, P13`, `// Y9 to Y14: why`, `// Contract 23`.
//!
//! Reads sources as rustfmt leaves them: a block ends with the brace at the indent of its first line.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{job::Error, workspace::Workspace};

/// How comments name rows.
pub(crate) struct Labels<'a> {
    /// What stands before the ids, with its space.
    pub(crate) lead: &'a str,
    pub(crate) is_id: fn(&str) -> bool,
    /// The rows there are, in their order.
    pub(crate) known: &'a [&'a str],
}

/// A test function that covers rows.
#[derive(Debug, PartialEq)]
pub(crate) struct Test {
    /// `crate::module::function`.
    pub(crate) name: String,
    pub(crate) rows: Vec<String>,
}

/// All such tests of a crate.
pub(crate) fn tests_of(
    workspace: &Workspace,
    package: &str,
    labels: &Labels<'_>,
) -> Result<Vec<Test>, Error> {
    let folder = workspace.path("crates").join(package);
    let mut tests = Vec::new();
    for part in ["src", "tests"] {
        let root = folder.join(part);
        for file in rust_files(&root)? {
            let module = module_of(package, file.strip_prefix(&root)?);
            let found = scan(&module, &fs::read_to_string(&file)?, labels)
                .map_err(|error| format!("{}: {error}", file.display()))?;
            tests.extend(found);
        }
    }
    Ok(tests)
}

fn rust_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if !folder.exists() {
        return Ok(files);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// `session/tests/mod.rs` of `engineio-proto` is `engineio_proto::session::tests`, and `it/main.rs`
/// below `tests` is `engineio_proto::it`.
fn module_of(package: &str, file: &Path) -> String {
    let mut module = package.replace('-', "_");
    let stem = file.with_extension("");
    for name in stem.iter().filter_map(|name| name.to_str()) {
        if !["lib", "mod", "main"].contains(&name) {
            module = format!("{module}::{name}");
        }
    }
    module
}

fn scan(module: &str, source: &str, labels: &Labels<'_>) -> Result<Vec<Test>, Error> {
    let mut scanner = Scanner::default();
    for line in source.lines() {
        scanner.line(module, line, labels)?;
    }
    scanner.tests.retain(|test| !test.rows.is_empty());
    Ok(scanner.tests)
}

/// Where in a file the scan is.
#[derive(Default)]
struct Scanner {
    tests: Vec<Test>,
    /// Modules that are open, each with its indent.
    modules: Vec<(usize, String)>,
    /// The indent of the test whose body this is.
    body: Option<usize>,
    /// A test attribute has been seen, its function not yet.
    attribute: bool,
    /// Rows of the comment above.
    noted: Vec<String>,
}

impl Scanner {
    fn line(&mut self, module: &str, line: &str, labels: &Labels<'_>) -> Result<(), Error> {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if let Some(comment) = code.strip_prefix("// ") {
            let rows = labels.rows_of(comment)?;
            match (self.body, self.tests.last_mut()) {
                (Some(_), Some(test)) => test.rows.extend(rows),
                _ => self.noted.extend(rows),
            }
        } else if code == "}" {
            self.close(indent);
        } else if let Some(name) = block(code, &["mod ", "pub(crate) mod ", "pub mod "]) {
            self.modules.push((indent, name.into()));
        } else if code.starts_with("#[") {
            self.attribute |= code.starts_with("#[test]") || code.starts_with("#[tokio::test");
        } else if self.body.is_none() {
            let noted = std::mem::take(&mut self.noted);
            let is_test = std::mem::take(&mut self.attribute);
            if let Some(name) = function(code).filter(|_| is_test) {
                self.open(module, name, noted);
                self.body = Some(indent);
            } else if let (Some(row), false) = (noted.first(), labels.lead.is_empty()) {
                return Err(format!("{}{row} stands at no test", labels.lead).into());
            }
        }
        Ok(())
    }

    fn open(&mut self, module: &str, function: &str, rows: Vec<String>) {
        let inner = self.modules.iter().map(|(_, name)| name.as_str());
        let path: Vec<&str> = [module]
            .into_iter()
            .chain(inner)
            .chain([function])
            .collect();
        let name = path.join("::");
        self.tests.push(Test { name, rows });
    }

    fn close(&mut self, indent: usize) {
        if self.body == Some(indent) {
            self.body = None;
        }
        if self.modules.last().is_some_and(|(open, _)| *open == indent) {
            self.modules.pop();
        }
    }
}

/// The name in `mod name {`.
fn block<'a>(code: &'a str, keywords: &[&str]) -> Option<&'a str> {
    let name = keywords
        .iter()
        .find_map(|keyword| code.strip_prefix(keyword))?;
    name.strip_suffix(" {")
}

fn function(code: &str) -> Option<&str> {
    let code = code.strip_prefix("async ").unwrap_or(code);
    code.strip_prefix("fn ")?.split(['(', '<']).next()
}

impl Labels<'_> {
    /// The rows with which a comment begins.
    fn rows_of(&self, comment: &str) -> Result<Vec<String>, Error> {
        let Some(ids) = comment.strip_prefix(self.lead) else {
            return Ok(Vec::new());
        };
        let mut rows: Vec<String> = Vec::new();
        let mut range = false;
        for word in ids.split_whitespace() {
            let id = word.trim_end_matches([',', ':']);
            if (self.is_id)(id) {
                let Some(last) = self.position(id) else {
                    return Err(format!("there is no row {id}").into());
                };
                let first = match rows.last().filter(|_| range) {
                    Some(first) => self.position(first).map_or(last, |first| first + 1),
                    None => last,
                };
                let span = self
                    .known
                    .get(first..=last)
                    .ok_or("a range of rows runs backwards")?;
                rows.extend(span.iter().map(|&id| id.to_owned()));
            } else if !matches!(word, "to" | "and") {
                break;
            }
            if word.ends_with(':') {
                break;
            }
            range = word == "to";
        }
        if rows.is_empty() && !self.lead.is_empty() {
            return Err(format!("`{comment}` names no row").into());
        }
        Ok(rows)
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.known.iter().position(|&row| row == id)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Labels, Test, module_of, scan};

    const ROWS: Labels<'_> = Labels {
        lead: "",
        is_id: |word| word.len() == 2 && word.ends_with(|last: char| last.is_ascii_digit()),
        known: &["H1", "H2", "H4", "P1", "P2"],
    };

    #[test]
    fn comments_name_rows() {
        let rows = |comment| ROWS.rows_of(comment).unwrap();
        assert_eq!(rows("H1, P2"), ["H1", "P2"]);
        assert_eq!(rows("H1 to H4, P1: why, P2"), ["H1", "H2", "H4", "P1"]);
        assert_eq!(rows("H2 and P1 are alike"), ["H2", "P1"]);
        assert_eq!(rows("as in H2"), [""; 0]);
        assert!(ROWS.rows_of("H3").is_err());
        assert!(ROWS.rows_of("P1 to H1").is_err());
    }

    #[test]
    fn a_word_may_stand_before_them() {
        let lines = Labels {
            lead: "Line ",
            is_id: |word| word.parse::<u32>().is_ok(),
            known: &["1", "2", "3"],
        };
        assert_eq!(lines.rows_of("Line 1, 3: why, 2").unwrap(), ["1", "3"]);
        assert_eq!(lines.rows_of("1 is no line").unwrap(), [""; 0]);
        assert!(lines.rows_of("Line 4").is_err());
        assert!(lines.rows_of("Line one").is_err());
        assert!(scan("a", "// Line 1\n#[test]\nfn test() {\n}\n", &lines).is_ok());
        assert!(scan("a", "// Line 1\nfn helper() {\n}\n", &lines).is_err());
    }

    #[test]
    fn tests_are_found_with_their_modules() {
        let source = "\
// H4
fn helper() {}

#[cfg(test)]
mod tests {
    // H1
    // and why
    #[test]
    fn first() {
        // P1
        if x {
        }
        // P2
    }

    #[tokio::test(start_paused = true)]
    async fn second() {
    }

    #[test]
    fn third() {
        // H2
    }
}
";
        let test = |name: &str, rows: &[&str]| Test {
            name: name.into(),
            rows: rows.iter().map(|&row| row.into()).collect(),
        };
        assert_eq!(
            scan("a::b", source, &ROWS).unwrap(),
            [
                test("a::b::tests::first", &["H1", "P1", "P2"]),
                test("a::b::tests::third", &["H2"]),
            ]
        );
    }

    #[test]
    fn files_are_modules() {
        let module = |file| module_of("engineio-proto", Path::new(file));
        assert_eq!(module("lib.rs"), "engineio_proto");
        assert_eq!(
            module("session/tests/mod.rs"),
            "engineio_proto::session::tests"
        );
        assert_eq!(module("it/main.rs"), "engineio_proto::it");
        assert_eq!(module("it/peer.rs"), "engineio_proto::it::peer");
    }
}
