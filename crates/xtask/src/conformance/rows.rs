//! The rows of the conformance table: `tests/conformance/rows.tsv`.
//!
//! Reads the file; which tests cover a row is `table.rs`.

use std::collections::BTreeSet;

use crate::job::Error;

/// Where the rows are, in the checkout.
pub(crate) const PATH: &str = "tests/conformance/rows.tsv";

/// Rows under one heading.
#[derive(Debug, PartialEq)]
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) rows: Vec<Row>,
}

/// What is put in, and what has to come of it.
#[derive(Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) input: String,
    /// Only of a row that is no siospec case; the others have it there.
    pub(crate) demand: Option<Demand>,
    /// Why no test covers the row.
    pub(crate) reason: Option<String>,
}

/// What a row demands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Demand {
    pub(crate) clause: String,
    pub(crate) level: String,
    pub(crate) outcome: String,
}

/// Reads the file: `;` begins a remark, `#` a section, every other line is a row.
pub(crate) fn parse(text: &str) -> Result<Vec<Section>, Error> {
    let mut sections: Vec<Section> = Vec::new();
    let mut ids = BTreeSet::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with(';'))
    {
        if let Some(title) = line.strip_prefix("# ") {
            let (title, rows) = (title.to_owned(), Vec::new());
            sections.push(Section { title, rows });
            continue;
        }
        let row = row(line)?;
        if !ids.insert(row.id.clone()) {
            return Err(format!("{PATH} has {} twice", row.id).into());
        }
        let section = sections
            .last_mut()
            .ok_or("a row stands above all sections")?;
        section.rows.push(row);
    }
    Ok(sections)
}

fn row(line: &str) -> Result<Row, Error> {
    let fields: Vec<&str> = line.split('\t').collect();
    let (id, input, demand, reason) = match fields[..] {
        [id, input] => (id, input, None, None),
        [id, input, reason] => (id, input, None, Some(reason)),
        [id, input, clause, level, outcome] => (id, input, Some([clause, level, outcome]), None),
        [id, input, clause, level, outcome, reason] => {
            (id, input, Some([clause, level, outcome]), Some(reason))
        }
        _ => return Err(format!("{PATH} has a row of {} fields: {line}", fields.len()).into()),
    };
    if !is_id(id) {
        return Err(format!("{PATH}: {id} is no row id").into());
    }
    Ok(Row {
        id: id.into(),
        input: input.into(),
        demand: demand.map(|[clause, level, outcome]| Demand {
            clause: clause.into(),
            level: level.into(),
            outcome: outcome.into(),
        }),
        reason: reason.map(str::to_owned),
    })
}

/// A capital letter and a number.
pub(crate) fn is_id(word: &str) -> bool {
    word.strip_prefix(|c: char| c.is_ascii_uppercase())
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::{Demand, Row, is_id, parse};

    #[test]
    fn rows_have_an_input_and_more_if_no_case_says_it() {
        let text = "; remark\n\n# 1. Handshake\nH1\tGET\n# 9. Close\nC9\tthe end\tEIO4 2.7\tmust\tall closed\tno restart\n";
        let sections = parse(text).unwrap();
        assert_eq!(sections[0].title, "1. Handshake");
        assert_eq!((sections[0].rows.len(), sections[1].rows.len()), (1, 1));
        let demand = Demand {
            clause: "EIO4 2.7".into(),
            level: "must".into(),
            outcome: "all closed".into(),
        };
        let row = Row {
            id: "C9".into(),
            input: "the end".into(),
            demand: Some(demand),
            reason: Some("no restart".into()),
        };
        assert_eq!(sections[1].rows, [row]);
    }

    #[test]
    fn broken_files_are_refused() {
        for text in [
            "H1\tGET\n",
            "# 1\nH1\n",
            "# 1\nH1\tGET\nH1\tPOST\n",
            "# 1\nh1\tGET\n",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_id_is_a_letter_and_a_number() {
        assert!(is_id("H1") && is_id("S73"));
        assert!(!is_id("H") && !is_id("1") && !is_id("EIO4") && !is_id("H1a") && !is_id(""));
    }
}
