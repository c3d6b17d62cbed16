//! All groups of cases, in the order of the report.

use crate::case::{Case, Group, Layer};
use crate::{eio3, eio4, robust, sio4, sio5};

/// Every group there is.
pub(crate) fn groups() -> Vec<&'static Group> {
    [
        eio4::GROUPS,
        eio3::GROUPS,
        sio5::GROUPS,
        sio4::GROUPS,
        robust::GROUPS,
    ]
    .into_iter()
    .flatten()
    .copied()
    .collect()
}

/// The cases that a run is about.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// Prefixes of group ids; empty means all.
    pub(crate) groups: Vec<String>,
    /// Case ids; empty means all.
    pub(crate) cases: Vec<String>,
}

impl Selection {
    /// The chosen cases that talk to the fixture of this layer.
    pub(crate) fn cases(&self, layer: Layer) -> Vec<(&'static Group, &'static Case)> {
        groups()
            .into_iter()
            .filter(|group| group.layer == layer && self.takes_group(group))
            .flat_map(|group| group.cases.iter().map(move |case| (group, case)))
            .filter(|(_, case)| self.takes_case(case))
            .collect()
    }

    /// The first name that fits no group or case at all.
    pub(crate) fn unknown(&self) -> Option<&str> {
        let fits_group = |name: &str| groups().iter().any(|group| group.id.starts_with(name));
        let fits_case = |name: &str| {
            groups()
                .iter()
                .any(|group| group.cases.iter().any(|case| is_named(case, name)))
        };
        let group = self.groups.iter().find(|name| !fits_group(name));
        group
            .or_else(|| self.cases.iter().find(|name| !fits_case(name)))
            .map(String::as_str)
    }

    fn takes_group(&self, group: &Group) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|name| group.id.starts_with(name))
    }

    fn takes_case(&self, case: &Case) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|name| is_named(case, name))
    }
}

fn is_named(case: &Case, name: &str) -> bool {
    case.id.eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique() {
        let mut seen = BTreeSet::new();
        for group in groups() {
            for case in group.cases {
                assert!(seen.insert(case.id), "{} twice", case.id);
            }
        }
    }

    #[test]
    fn every_case_has_a_letter_a_number_a_title_and_a_clause() {
        for case in groups().iter().flat_map(|group| group.cases) {
            let (letter, number) = case.id.split_at(1);
            assert!(
                letter.chars().all(|c| c.is_ascii_uppercase()),
                "{}",
                case.id
            );
            assert!(number.parse::<u32>().is_ok(), "{}", case.id);
            assert!(!case.title.is_empty(), "{}", case.id);
            let known = ["EIO4 ", "EIO3 ", "SIO5 ", "SIO4 ", "RFC "];
            assert!(
                known.iter().any(|name| case.clause.starts_with(name)),
                "{}",
                case.id
            );
        }
    }

    #[test]
    fn a_selection_takes_prefixes_of_groups_and_ids() {
        let selection = |groups: &[&str], cases: &[&str]| Selection {
            groups: groups.iter().map(|name| (*name).to_owned()).collect(),
            cases: cases.iter().map(|name| (*name).to_owned()).collect(),
        };
        let handshake = selection(&["eio4/handshake"], &[]).cases(Layer::Engine);
        assert!(!handshake.is_empty());
        assert!(
            handshake
                .iter()
                .all(|(group, _)| group.id == "eio4/handshake")
        );
        assert_eq!(selection(&["eio4"], &["h1"]).cases(Layer::Engine).len(), 1);
        assert_eq!(selection(&[], &["H1"]).cases(Layer::Socket).len(), 0);
        assert_eq!(selection(&["eio9"], &[]).unknown(), Some("eio9"));
        assert_eq!(selection(&[], &["H1", "Q999"]).unknown(), Some("Q999"));
    }
}
