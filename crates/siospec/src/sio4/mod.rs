//! (cases follow)
use crate::case::Group;

pub(crate) const GROUPS: &[&Group] = &[];
