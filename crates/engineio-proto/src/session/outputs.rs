//! What one input has led to and the driver has not taken yet.

use std::collections::VecDeque;

use super::Output;

/// A queue whose first output needs no memory of its own: most inputs lead to one.
#[derive(Default)]
pub(super) struct Outputs {
    first: Option<Output>,
    rest: VecDeque<Output>,
}

impl Outputs {
    pub(super) fn push(&mut self, output: Output) {
        if self.first.is_none() {
            self.first = Some(output);
        } else {
            self.rest.push_back(output);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Output> {
        let next = self.first.take()?;
        self.first = self.rest.pop_front();
        if self.rest.is_empty() {
            self.rest = VecDeque::new();
        }
        Some(next)
    }
}
