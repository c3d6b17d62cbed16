//! `docs/topicd-contract.md`: every line of topicd's v2 interface and the tests that hold it.
//!
//! Lines and what they say are in `tests/contract/lines.tsv`; a test names those that it holds in a
//! comment, `// Contract 23, 32`. That the tests pass is the business of the step `tests`.

use std::{collections::BTreeMap, fmt::Write as _, fs, process::ExitCode};

use crate::{
    conformance::first_difference,
    job::{Error, Job, Pace},
    run::{Step, run_all},
    sources::{self, Labels},
    workspace::Workspace,
};

const LINES: &str = "tests/contract/lines.tsv";
const TABLE: &str = "docs/topicd-contract.md";

const HEAD: &str = "\
# The v2 interface, line by line

What clients of the v2 interface may rely on, and the tests that hold it: `it` is `crates/topicd/tests/it/`,
the others are in `crates/topicd/src/`. Made by `cargo xtask contract --table` from `tests/contract/lines.tsv`
and the comments `// Contract N` at the tests; `cargo xtask test` fails if it is out of date, if a line has no
test, or if a test names a line that is not there.
";

/// Lines under one heading, each with its number and what it says.
struct Section<'a> {
    title: &'a str,
    lines: Vec<(&'a str, &'a str)>,
}

/// The tests of every line.
type Tests = BTreeMap<String, Vec<String>>;

/// Writes the table anew.
pub(crate) fn write_table() -> Result<ExitCode, Error> {
    let step = Step {
        name: "contract",
        about: TABLE,
        run: |job| {
            let table = build(job)?;
            fs::write(job.workspace.path(TABLE), table)?;
            Ok(())
        },
    };
    Ok(run_all(&Workspace::locate()?, &[&step], Pace::Full))
}

pub(crate) fn check(job: &mut Job<'_>) -> Result<(), Error> {
    let table = build(job)?;
    let file = fs::read_to_string(job.workspace.path(TABLE)).unwrap_or_default();
    match first_difference(&file, &table) {
        None => job.pass(TABLE),
        Some(difference) => {
            let advice = "`cargo xtask contract --table` writes it anew";
            job.fail(TABLE, &format!("{difference}\n{advice}"));
        }
    }
    Ok(())
}

/// Judges every line and gives the text of the table.
fn build(job: &mut Job<'_>) -> Result<String, Error> {
    let text = fs::read_to_string(job.workspace.path(LINES))?;
    let sections = parse(&text)?;
    let numbers: Vec<&str> = sections
        .iter()
        .flat_map(|section| section.lines.iter().map(|(number, _)| *number))
        .collect();
    let tests = tests_of(job.workspace, &numbers)?;
    for number in numbers {
        let name = format!("line {number}");
        match tests.contains_key(number) {
            true => job.pass(&name),
            false => job.fail(&name, &format!("no test says `// Contract {number}`")),
        }
    }
    table(&sections, &tests)
}

/// Reads the file: `# ` begins a section, every other line is a number and what it says.
fn parse(text: &str) -> Result<Vec<Section<'_>>, Error> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let mut count = 0;
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("# ") {
            let lines = Vec::new();
            sections.push(Section { title, lines });
            continue;
        }
        let line = line.split_once('\t').ok_or("a line has no text")?;
        count += 1;
        if line.0 != count.to_string() {
            return Err(format!("{LINES}: line {count} is called {}", line.0).into());
        }
        let section = sections.last_mut().ok_or("a line stands above sections")?;
        section.lines.push(line);
    }
    Ok(sections)
}

fn tests_of(workspace: &Workspace, known: &[&str]) -> Result<Tests, Error> {
    let labels = Labels {
        lead: "Contract ",
        is_id: |word| word.parse::<u32>().is_ok(),
        known,
    };
    let mut tests = Tests::new();
    for test in sources::tests_of(workspace, "topicd", &labels)? {
        let name = test.name.trim_start_matches("topicd::");
        for line in test.rows {
            let names = tests.entry(line).or_default();
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }
    Ok(tests)
}

fn table(sections: &[Section<'_>], tests: &Tests) -> Result<String, Error> {
    let mut text = String::from(HEAD);
    for Section { title, lines } in sections {
        writeln!(text, "\n## {title}\n")?;
        writeln!(text, "| Line | What it says | Tests |\n|---|---|---|")?;
        for (number, says) in lines {
            let names = tests.get(*number).map(Vec::as_slice).unwrap_or_default();
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            writeln!(text, "| {number} | {says} | {} |", names.join("<br>"))?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{Tests, parse, table};

    #[test]
    fn lines_are_numbered_through() {
        let sections = parse("# Live\n1\tone\n2\ttwo\n# REST\n3\tthree\n").unwrap();
        assert_eq!(sections[1].lines, [("3", "three")]);
        for broken in [
            "1\tone\n",
            "# Live\n1\n",
            "# Live\n1\tone\n3\tthree\n",
            "# Live\n1\tone\n1\tagain\n",
        ] {
            assert!(parse(broken).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn a_row_is_a_line_with_its_tests() {
        let sections = parse("# Live\n1\tone\n").unwrap();
        let tests = Tests::from([("1".into(), vec!["a::b".into(), "c".into()])]);
        let text = table(&sections, &tests).unwrap();
        assert!(text.ends_with("\n## Live\n\n| Line | What it says | Tests |\n|---|---|---|\n| 1 | one | `a::b`<br>`c` |\n"));
    }
}
