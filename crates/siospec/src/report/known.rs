//! The list of cases a server is known to fail, each with its reason.

use std::collections::BTreeMap;

/// Known failures by case id. A listed case that passes fails the run: the list has to stay true.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known(BTreeMap<String, String>);

impl Known {
    /// Reads lines of an id and a reason; empty lines and lines with `#` in front do not count.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().map(str::trim);
        let entries = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        entries.map(entry).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn reason(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(String::as_str)
    }

    /// All ids of the list.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn entry(line: &str) -> Result<(String, String), String> {
    let split = line
        .split_once(' ')
        .map(|(id, reason)| (id.to_owned(), reason.trim().to_owned()));
    split.ok_or_else(|| format!("{line} is known to fail for no reason"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_a_reason() {
        let known = Known::parse("# comment\n\nH5  takes it as revision 3\n").unwrap();
        assert_eq!(known.reason("H5"), Some("takes it as revision 3"));
        assert_eq!(known.reason("H6"), None);
        assert_eq!(known.ids().collect::<Vec<_>>(), ["H5"]);
        assert!(Known::parse("H5").is_err());
    }
}
