//! What one input has led to and the driver has not taken yet.

use std::collections::VecDeque;

use super::Output;

/// A queue whose first output needs no memory of its own: most inputs lead to one. The others are
/// behind a pointer, which is all that an idle session keeps of them.
#[derive(Default)]
pub(super) struct Outputs {
    first: Option<Output>,
    #[expect(
        clippy::box_collection,
        reason = "an empty queue in place takes 24 bytes more in every idle session"
    )]
    rest: Option<Box<VecDeque<Output>>>,
}

impl Outputs {
    pub(super) fn push(&mut self, output: Output) {
        if self.first.is_none() {
            self.first = Some(output);
        } else {
            self.rest.get_or_insert_default().push_back(output);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Output> {
        // Nearly always: and taking nothing moves as many bytes as taking something.
        self.first.as_ref()?;
        let next = self.first.take();
        self.first = self.rest.as_mut().and_then(|rest| rest.pop_front());
        self.rest.take_if(|rest| rest.is_empty());
        next
    }
}
