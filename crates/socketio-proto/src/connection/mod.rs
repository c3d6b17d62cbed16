//! The machine of one client over all its namespaces.
//!
//! Owns which namespaces the client is in or asks for, the packet whose attachments are outstanding,
//! and the deadlines of both. Rooms, handlers and the table of awaited acks belong to the driver.

mod lifecycle;

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use engineio_proto::{Data, Entry, ShortQueue, Text};

use self::lifecycle::Memberships;
use crate::{
    AckId, Args, Assembler, Body, Config, EventName, NamespaceName, PacketError, PacketType,
    Protocol, Violation, decode,
    grammar::{self, Header},
};

pub use self::lifecycle::NotAsking;

/// One client's Socket.IO side, protocol 4 or 5.
///
/// # Contract
///
/// Feed it every Engine.IO message of the session, in order. After every call drain
/// [`Connection::poll_output`] until it returns `None`; then wait for the next call or for
/// [`Connection::poll_timeout`], and at that instant call [`Connection::handle_timeout`]. Outputs
/// are in order; nothing follows [`Output::Close`].
#[derive(Debug)]
pub struct Connection {
    protocol: Protocol,
    config: Arc<Config>,
    memberships: Memberships,
    assembler: Assembler,
    outputs: ShortQueue<Output>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Closed,
}

/// What the driver has to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Send this to the client.
    Send(Entry),
    /// Tell the application.
    Event(Event),
    /// End the session: the client broke the protocol. Always the last output.
    Close(Violation),
}

/// What the client did.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// It asks for a namespace: answer with [`Connection::accept`] or [`Connection::refuse`], once.
    /// While the answer is awaited it is not asked about this namespace again.
    Connect {
        /// Which one; it may not exist.
        namespace: NamespaceName,
        /// What it says of itself: a JSON object. In protocol 4 made from the query (SIO4 6.2).
        auth: Option<Text>,
    },
    /// It sent an event.
    Event {
        /// To which namespace.
        namespace: NamespaceName,
        /// Which event.
        name: EventName,
        /// Its arguments.
        args: Args,
        /// Present if it wants an answer.
        ack: Option<AckId>,
    },
    /// It answered an event; the id may be unknown or used up.
    Ack {
        /// In which namespace.
        namespace: NamespaceName,
        /// Which event.
        id: AckId,
        /// The answer.
        args: Args,
    },
    /// It left a namespace that it was in.
    Disconnect {
        /// Which one.
        namespace: NamespaceName,
    },
}

impl Connection {
    /// The Socket.IO side of a session that has just opened.
    ///
    /// In protocol 4 the first output asks for the root namespace, as if the client had (SIO4 6.1).
    pub fn open(now: Instant, protocol: Protocol, config: Arc<Config>) -> Self {
        let mut connection = Self {
            protocol,
            memberships: Memberships::new(now, protocol, &config),
            config,
            assembler: Assembler::default(),
            outputs: ShortQueue::default(),
            phase: Phase::Open,
        };
        if protocol == Protocol::V4 {
            connection.ask(NamespaceName::ROOT, None);
        }
        connection
    }

    /// The protocol of the session.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// An Engine.IO message has arrived.
    pub fn handle_message(&mut self, now: Instant, data: Data) {
        if self.phase == Phase::Closed {
            return;
        }
        let handled = match data {
            Data::Text(text) => self.handle_text(now, &text),
            Data::Binary(bytes) => self.handle_attachment(bytes),
        };
        if let Err(violation) = handled {
            self.fail(violation);
        }
    }

    /// A message has arrived that the parser in front of this machine cannot read.
    pub fn handle_unreadable(&mut self, error: PacketError) {
        if self.phase == Phase::Open {
            self.fail(error.into());
        }
    }

    /// The deadline that [`Connection::poll_timeout`] named has come. Harmless at any other time.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.phase == Phase::Closed {
            return;
        }
        let is_due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if is_due(self.assembler.deadline()) {
            self.fail(Violation::AttachmentTimeout);
        } else if is_due(self.memberships.deadline()) {
            self.fail(Violation::ConnectTimeout);
        }
    }

    /// What the driver has to do next; `None` when there is nothing.
    #[must_use]
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Connection::handle_timeout`] has to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.phase == Phase::Closed {
            return None;
        }
        let deadlines = [self.assembler.deadline(), self.memberships.deadline()];
        deadlines.into_iter().flatten().min()
    }

    /// The session has ended or is to end: nothing comes out any more.
    pub fn close(&mut self) {
        self.phase = Phase::Closed;
        self.assembler.clear();
        self.memberships.clear();
        self.outputs.clear();
    }

    fn handle_text(&mut self, now: Instant, text: &Text) -> Result<(), Violation> {
        if self.assembler.is_waiting() {
            return Err(PacketError::TextForAttachment.into());
        }
        let header = grammar::packet(text)?;
        if let Some(namespace) = self.memberships.joined(header.namespace) {
            return self.handle_joined(now, text, &header, namespace);
        }
        match (self.protocol, header.kind) {
            (_, PacketType::Connect) => match decode::body(self.protocol, text, &header)? {
                Body::Connect(auth) => self.handle_connect(&header, auth),
                _ => Ok(()),
            },
            (Protocol::V5, PacketType::ConnectError) => Err(Violation::ConnectError),
            (Protocol::V5, _) if !self.memberships.ended(header.namespace) => {
                Err(Violation::NotConnected)
            }
            (Protocol::V4, PacketType::Disconnect) => {
                self.memberships.withdraw(header.namespace);
                Ok(())
            }
            _ => self.pass_over(now, text, &header),
        }
    }

    /// Old clients send on after they have left (SIO4 6.1), new ones until they learn that the server
    /// has ended their stay. Attachments of what is ignored are ignored, too.
    fn pass_over(
        &mut self,
        now: Instant,
        text: &Text,
        header: &Header<'_>,
    ) -> Result<(), Violation> {
        if header.attachments == 0 {
            return Ok(());
        }
        let namespace = NamespaceName::parse(header.namespace);
        self.handle_joined(
            now,
            text,
            header,
            namespace.map_err(|_| PacketError::Namespace)?,
        )
    }

    /// A packet of a namespace that the client is in.
    fn handle_joined(
        &mut self,
        now: Instant,
        text: &Text,
        header: &Header<'_>,
        namespace: NamespaceName,
    ) -> Result<(), Violation> {
        let body = decode::body(self.protocol, text, header)?;
        match header.attachments {
            0 => self.handle_body(namespace, body),
            count => Ok(self
                .assembler
                .begin(now, namespace, body, count, &self.config)?),
        }
    }

    fn handle_attachment(&mut self, bytes: Bytes) -> Result<(), Violation> {
        let Some((namespace, body)) = self.assembler.push(bytes, &self.config)? else {
            return Ok(());
        };
        // The client was not in the namespace, or the server has ended its stay meanwhile.
        if self.memberships.joined(namespace.as_str()).is_none() {
            return Ok(());
        }
        self.handle_body(namespace, body)
    }

    /// A whole packet for a namespace that the client is in.
    fn handle_body(&mut self, namespace: NamespaceName, body: Body) -> Result<(), Violation> {
        let event = match body {
            Body::Event { name, args, ack } => {
                // Only protocol 4 gets here with a reserved name: it means nothing (SIO4 6.4).
                if decode::is_reserved(&name) {
                    return Ok(());
                }
                Event::Event {
                    namespace,
                    name,
                    args,
                    ack,
                }
            }
            Body::Ack {
                id: Some(id),
                args: Some(args),
            } => Event::Ack {
                namespace,
                id,
                args,
            },
            Body::Ack { .. } => return Ok(()),
            Body::Disconnect => {
                self.memberships.leave(namespace.as_str());
                Event::Disconnect { namespace }
            }
            Body::Connect(_) => return self.handle_second_connect(&namespace),
            Body::ConnectError(_) if self.protocol == Protocol::V4 => return Ok(()),
            Body::ConnectError(_) => return Err(Violation::ConnectError),
        };
        self.outputs.push_back(Output::Event(event));
        Ok(())
    }

    fn fail(&mut self, violation: Violation) {
        let outputs = std::mem::take(&mut self.outputs);
        self.close();
        self.outputs = outputs;
        self.outputs.push_back(Output::Close(violation));
    }
}
