//! The table of what each client has done: a row for each client, a column for each step.

use super::TRANSPORTS;

/// How a step ended on one transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Ok,
    Failed,
    /// The client cannot do it, for this reason.
    NotApplicable(String),
}

/// The results of one suite.
pub(super) struct Matrix {
    title: &'static str,
    steps: &'static [&'static str],
    rows: Vec<Row>,
}

struct Row {
    client: String,
    /// For each transport the marks of all steps.
    marks: Vec<Vec<Mark>>,
}

impl Matrix {
    pub(super) fn new(title: &'static str, steps: &'static [&'static str]) -> Self {
        Self {
            title,
            steps,
            rows: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, client: &str, marks: Vec<Vec<Mark>>) {
        self.rows.push(Row {
            client: client.into(),
            marks,
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The whole table; transports that ended differently stand beside each other.
    pub(super) fn render(&self) -> String {
        let mut reasons = Vec::new();
        let mut lines = vec![
            [vec![""], self.steps.to_vec()]
                .concat()
                .into_iter()
                .map(String::from)
                .collect::<Vec<_>>(),
        ];
        for row in &self.rows {
            let cells = (0..self.steps.len()).map(|step| row.cell(step, &mut reasons));
            lines.push(std::iter::once(row.client.clone()).chain(cells).collect());
        }
        let mut text = format!("{}, by {}\n", self.title, TRANSPORTS.join("/"));
        for line in &lines {
            text += &align(line, &widths(&lines));
        }
        for (number, reason) in reasons.iter().enumerate() {
            text += &format!("n/a {}: {reason}\n", number + 1);
        }
        text
    }
}

impl Row {
    fn cell(&self, step: usize, reasons: &mut Vec<String>) -> String {
        let mut words: Vec<String> = self
            .marks
            .iter()
            .map(|marks| marks[step].word(reasons))
            .collect();
        if words.iter().all(|word| *word == words[0]) {
            words.truncate(1);
        }
        words.join(", ")
    }
}

impl Mark {
    fn word(&self, reasons: &mut Vec<String>) -> String {
        match self {
            Self::Ok => "ok".into(),
            Self::Failed => "FAILED".into(),
            Self::NotApplicable(reason) => {
                let known = reasons.iter().position(|known| known == reason);
                let number = known.unwrap_or_else(|| {
                    reasons.push(reason.clone());
                    reasons.len() - 1
                });
                format!("n/a {}", number + 1)
            }
        }
    }
}

fn widths(lines: &[Vec<String>]) -> Vec<usize> {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max();
    (0..columns).filter_map(width).collect()
}

fn align(cells: &[String], widths: &[usize]) -> String {
    let padded = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell:width$}"));
    let line = padded.collect::<Vec<_>>().join("  ");
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::{Mark, Matrix};

    #[test]
    fn transports_are_told_apart_where_they_differ() {
        let mut matrix = Matrix::new("a scenario", &["auth", "rooms"]);
        let too_old = || Mark::NotApplicable("too old".into());
        matrix.push(
            "a-1",
            vec![
                vec![too_old(), Mark::Ok],
                vec![too_old(), Mark::Failed],
                vec![too_old(), Mark::Ok],
            ],
        );
        matrix.push("a-10", vec![vec![Mark::Ok, Mark::Ok]; 3]);
        let expected = "\
a scenario, by polling/websocket/upgrade
      auth   rooms
a-1   n/a 1  ok, FAILED, ok
a-10  ok     ok
n/a 1: too old
";
        assert_eq!(matrix.render(), expected);
    }
}
