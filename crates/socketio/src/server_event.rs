//! An event between the servers of a cluster, which no client sees.

use serde::de::DeserializeOwned;
use socketio_proto::{ArgError, Args, IntoArgs};
use tokio::sync::oneshot;

/// A server-side event that another server of the cluster sent.
#[derive(Debug)]
pub struct ServerEvent {
    args: Args,
    answer: Option<oneshot::Sender<Args>>,
}

impl ServerEvent {
    pub(crate) fn new(args: Args) -> Self {
        Self { args, answer: None }
    }

    /// One that is answered, with the receiver of the answer.
    pub(crate) fn with_ack(args: Args) -> (Self, oneshot::Receiver<Args>) {
        let (sender, answer) = oneshot::channel();
        let event = Self {
            args,
            answer: Some(sender),
        };
        (event, answer)
    }

    /// The arguments.
    pub fn args(&self) -> &Args {
        &self.args
    }

    /// One argument as a type of the application's.
    ///
    /// # Errors
    ///
    /// The other server is wrong: it sent fewer arguments, or another type.
    pub fn arg<T: DeserializeOwned>(&self, index: usize) -> Result<T, ArgError> {
        self.args.get(index)
    }

    /// True if the other server waits for an answer.
    pub fn has_ack(&self) -> bool {
        self.answer.is_some()
    }

    /// Answers the event, here or in a task of its own. Does nothing if no answer is awaited; one
    /// that is dropped without this counts as a server that did not answer.
    ///
    /// # Errors
    ///
    /// The arguments cannot be written as JSON.
    pub fn ack(self, args: impl IntoArgs) -> Result<(), ArgError> {
        let args = args.into_args()?;
        if let Some(answer) = self.answer {
            // Whoever asked may have given up.
            let _ = answer.send(args);
        }
        Ok(())
    }
}
