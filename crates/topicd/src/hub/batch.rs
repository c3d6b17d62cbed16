//! What one channel gets of one write, and its text in the forms that its rooms want.

use std::{cell::OnceCell, iter};

use super::{Elements, ThingRow};
use crate::{
    store::Seq,
    token::ThingId,
    topic::Key,
    value::{self, Record},
};

/// The values of one write for one channel, in written order. Each text is made once, when the
/// first room wants it.
pub(super) struct Batch<'a> {
    pub(super) thing: ThingRow,
    /// Shown in the elements of a user's topics only.
    name: Option<&'a ThingId>,
    values: Vec<(&'a Record, Seq)>,
    plain: OnceCell<String>,
    numbered: OnceCell<String>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        thing: ThingRow,
        name: Option<&'a ThingId>,
        values: Vec<(&'a Record, Seq)>,
    ) -> Self {
        Self {
            thing,
            name,
            values,
            plain: OnceCell::new(),
            numbered: OnceCell::new(),
        }
    }

    pub(super) fn text(&self, elements: Elements) -> &str {
        let text = match elements {
            Elements::Plain => &self.plain,
            Elements::Numbered => &self.numbered,
        };
        text.get_or_init(|| self.array(elements, self.values.iter().copied()))
    }

    /// Each value as an array of its own, with its key.
    pub(super) fn single(&self, elements: Elements) -> impl Iterator<Item = (&Key, String)> {
        let array = move |&value: &(&'a Record, Seq)| {
            (&value.0.key, self.array(elements, iter::once(value)))
        };
        self.values.iter().map(array)
    }

    fn array(&self, elements: Elements, values: impl Iterator<Item = (&'a Record, Seq)>) -> String {
        match elements {
            Elements::Plain => value::elements(values.map(|(record, _)| record), self.name),
            Elements::Numbered => {
                value::numbered_elements(values.map(|(record, seq)| (record, self.name, seq)))
            }
        }
    }
}
