//! A queue that has nothing in it most of the time, and then one entry.

use std::collections::VecDeque;

/// A first-in, first-out queue whose first entry needs no memory of its own. All others are behind a
/// pointer, which is all that an empty one keeps of them.
///
/// For what one input leads to: a queue that is made and dropped again for each takes an allocation.
///
/// ```
/// use engineio_proto::ShortQueue;
///
/// let mut queue = ShortQueue::default();
/// queue.push_back("one");
/// queue.push_back("two");
/// assert_eq!((queue.front(), queue.len()), (Some(&"one"), 2));
/// assert_eq!(queue.pop_front(), Some("one"));
/// assert_eq!(queue.pop_front(), Some("two"));
/// assert!(queue.is_empty());
/// ```
#[derive(Debug)]
pub struct ShortQueue<T> {
    first: Option<T>,
    /// Empty while there is no first.
    #[expect(
        clippy::box_collection,
        reason = "an empty queue in place takes 24 bytes more in every idle session"
    )]
    rest: Option<Box<VecDeque<T>>>,
}

impl<T> ShortQueue<T> {
    /// Appends an entry.
    pub fn push_back(&mut self, entry: T) {
        if self.first.is_none() {
            self.first = Some(entry);
        } else {
            self.rest.get_or_insert_default().push_back(entry);
        }
    }

    /// Takes the entry that was appended first.
    pub fn pop_front(&mut self) -> Option<T> {
        // Most often there is none: and taking nothing moves as many bytes as taking something.
        self.first.as_ref()?;
        let next = self.first.take();
        self.first = self.rest.as_mut().and_then(|rest| rest.pop_front());
        self.rest.take_if(|rest| rest.is_empty());
        next
    }

    /// The entry that is taken next.
    #[must_use]
    pub fn front(&self) -> Option<&T> {
        self.first.as_ref()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.as_ref().map_or(0, |rest| rest.len())
    }

    /// True if there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Drops all entries.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

impl<T> Default for ShortQueue<T> {
    fn default() -> Self {
        Self {
            first: None,
            rest: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_queue(steps in prop::collection::vec(prop::option::of(any::<u8>()), 0..60)) {
            let (mut queue, mut model) = (ShortQueue::default(), VecDeque::new());
            for step in steps {
                match step {
                    Some(entry) => {
                        queue.push_back(entry);
                        model.push_back(entry);
                    }
                    None => prop_assert_eq!(queue.pop_front(), model.pop_front()),
                }
                prop_assert_eq!((queue.front(), queue.len()), (model.front(), model.len()));
                prop_assert_eq!(queue.is_empty(), model.is_empty());
            }
            queue.clear();
            prop_assert_eq!(queue.pop_front(), None);
        }
    }
}
