//! A connection that is in the root namespace and accepts every other, at an instant that stands still
//! until [`Receiver::wait`].

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use engineio_proto::{Data, Entry};

use super::now;
use crate::{
    Config, Connection, Event, NamespaceName, Output, Protocol, Violation, encode_connect,
};

pub(super) struct Receiver {
    pub(super) config: Arc<Config>,
    now: Instant,
    connection: Connection,
    closed: bool,
}

impl Receiver {
    pub(super) fn open(protocol: Protocol, config: Config) -> Self {
        let config = Arc::new(config);
        let now = now();
        let mut receiver = Self {
            connection: Connection::open(now, protocol, Arc::clone(&config)),
            config,
            now,
            closed: false,
        };
        receiver.drain();
        receiver.join(&NamespaceName::ROOT);
        receiver
    }

    /// Asks for a namespace as a client of its protocol does, unless it has it from the start.
    pub(super) fn join(&mut self, namespace: &NamespaceName) {
        let protocol = self.connection.protocol();
        if namespace.is_root() && (protocol == Protocol::V4 || !self.is_waiting()) {
            return;
        }
        // Without a payload, both protocols ask in the words in which protocol 4 confirms.
        let ask = encode_connect(Protocol::V4, namespace, "");
        assert_eq!(self.take_all(&ask), []);
    }

    /// What the application hears of a message.
    pub(super) fn take(&mut self, message: Data) -> Vec<Output> {
        self.connection.handle_message(self.now, message);
        self.drain()
    }

    /// The same for a packet with its attachments.
    pub(super) fn take_all(&mut self, entry: &Entry) -> Vec<Output> {
        let attachments = entry.attachments().iter().cloned().map(Data::Binary);
        let messages = std::iter::once(entry.head().clone()).chain(attachments);
        messages.flat_map(|message| self.take(message)).collect()
    }

    /// True while a deadline runs.
    pub(super) fn is_waiting(&self) -> bool {
        self.connection.poll_timeout().is_some()
    }

    pub(super) fn has_closed(&self) -> bool {
        self.closed
    }

    /// Attachments that do not come close the connection, at their instant.
    pub(super) fn wait(&mut self) {
        let Some(deadline) = self.connection.poll_timeout() else {
            return;
        };
        assert_eq!(deadline, self.now + self.config.attachment_timeout);
        self.connection
            .handle_timeout(deadline - Duration::from_nanos(1));
        assert_eq!(self.drain(), []);
        self.connection.handle_timeout(deadline);
        assert_eq!(self.drain(), [Output::Close(Violation::AttachmentTimeout)]);
    }

    fn drain(&mut self) -> Vec<Output> {
        let mut outputs = Vec::new();
        while let Some(output) = self.connection.poll_output() {
            assert!(!self.closed, "nothing follows a close");
            match output {
                Output::Event(Event::Connect { namespace, .. }) => {
                    let accepted = self.connection.accept(&namespace, "id");
                    accepted.expect("it asks");
                }
                Output::Send(_) => {}
                output => {
                    self.closed = matches!(output, Output::Close(_));
                    outputs.push(output);
                }
            }
        }
        assert!(!self.closed || !self.is_waiting());
        outputs
    }
}
