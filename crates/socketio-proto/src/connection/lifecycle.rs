//! How a client comes into namespaces and leaves them (SIO5 6.1, 6.3).

use std::time::Instant;

use engineio_proto::Text;

use super::{Connection, Event, Output};
use crate::{
    Config, NamespaceName, PacketError, PrivateId, Protocol, Violation,
    encode::{encode_connect, encode_disconnect, encode_recoverable_connect, encode_refusal},
    grammar::Header,
    namespace::{query_to_json, split_query},
};

/// The namespaces of one client: few, so that a list beats a map.
#[derive(Debug)]
pub(super) struct Memberships {
    list: Vec<Membership>,
    /// Until when the first one has to be joined; protocol 4 has the root from the start.
    deadline: Option<Instant>,
    refusals: usize,
}

#[derive(Debug)]
struct Membership {
    namespace: NamespaceName,
    stage: Stage,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    /// The application has not answered yet.
    Asking,
    /// The client, one of protocol 4, has left before the application has answered. The answer still
    /// comes, and must not let in who asks again.
    Withdrawn,
    /// It has left and asks again, with this: a question for when the first one is answered.
    AskingAgain(Option<Text>),
    Joined,
    /// The server has ended the stay. What the client sent before it learnt of that still comes, and
    /// is no fault; so the name is kept until the client asks again.
    Ended,
}

/// The client no longer asks for this namespace: it has left, or the session has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAsking;

impl Memberships {
    pub(super) fn new(now: Instant, protocol: Protocol, config: &Config) -> Self {
        let deadline = match protocol {
            Protocol::V4 => None,
            Protocol::V5 => now.checked_add(config.connect_timeout),
        };
        Self {
            list: Vec::new(),
            deadline,
            refusals: 0,
        }
    }

    /// The connect deadline. It stands still while the application decides.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let is_asking = self
            .list
            .iter()
            .any(|membership| membership.stage == Stage::Asking);
        self.deadline.filter(|_| !is_asking)
    }

    /// The namespace of this name, if the client is in it.
    pub(super) fn joined(&self, name: &str) -> Option<NamespaceName> {
        let found = self
            .find(name)
            .filter(|membership| membership.stage == Stage::Joined);
        found.map(|membership| membership.namespace.clone())
    }

    /// True if the server has ended the client's stay in the namespace of this name.
    pub(super) fn ended(&self, name: &str) -> bool {
        self.find(name)
            .is_some_and(|membership| membership.stage == Stage::Ended)
    }

    pub(super) fn leave(&mut self, name: &str) {
        self.list
            .retain(|membership| membership.namespace.as_str() != name);
    }

    /// The client leaves a namespace that it is not in: it may ask for it.
    pub(super) fn withdraw(&mut self, name: &str) {
        match self.find_mut(name) {
            Some(Membership {
                stage: Stage::Ended,
                ..
            }) => self.leave(name),
            Some(asking) => asking.stage = Stage::Withdrawn,
            None => {}
        }
    }

    /// Makes room for a namespace that the client asks for, if it is not one too many.
    fn make_room(&mut self, name: &str, most: usize) -> Result<(), Violation> {
        if self.ended(name) {
            self.leave(name);
        }
        if self.list.len() >= most {
            self.list
                .retain(|membership| membership.stage != Stage::Ended);
        }
        if self.list.len() >= most {
            return Err(Violation::TooManyNamespaces);
        }
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.list = Vec::new();
        self.deadline = None;
    }

    fn find(&self, name: &str) -> Option<&Membership> {
        self.list
            .iter()
            .find(|membership| membership.namespace.as_str() == name)
    }

    fn find_mut(&mut self, name: &str) -> Option<&mut Membership> {
        self.list
            .iter_mut()
            .find(|membership| membership.namespace.as_str() == name)
    }

    /// The membership in a namespace, if it is at this stage.
    fn at(&mut self, stage: Stage, namespace: &NamespaceName) -> Option<&mut Membership> {
        self.find_mut(namespace.as_str())
            .filter(|membership| membership.stage == stage)
    }
}

impl Connection {
    /// Lets the client into a namespace that it asks for, under a socket id. The confirmation goes
    /// out before anything that is emitted afterwards.
    ///
    /// # Errors
    ///
    /// [`NotAsking`] if it has taken back what this answers. If it asks again, that is the next
    /// output.
    pub fn accept(&mut self, namespace: &NamespaceName, socket_id: &str) -> Result<(), NotAsking> {
        self.join(namespace)?;
        let confirmation = encode_connect(self.protocol, namespace, socket_id);
        self.outputs.push_back(Output::Send(confirmation));
        Ok(())
    }

    /// The same for a client that may come back by its private id. What a client that has come back
    /// missed goes out before: if it loses its connection in between, it asks again from the offset
    /// that it has reached (SIO5 6.7).
    ///
    /// # Errors
    ///
    /// [`NotAsking`], as for [`Connection::accept`].
    pub fn accept_recoverable(
        &mut self,
        namespace: &NamespaceName,
        socket_id: &str,
        private_id: &PrivateId,
    ) -> Result<(), NotAsking> {
        self.join(namespace)?;
        let confirmation = encode_recoverable_connect(namespace, socket_id, private_id);
        self.outputs.push_back(Output::Send(confirmation));
        Ok(())
    }

    /// Keeps the client out of a namespace that it asks for; the session goes on. `data` is raw
    /// JSON for the application on the other side. Says nothing to a client that has taken back what
    /// this answers; if it asks again, that is the next output.
    pub fn refuse(&mut self, namespace: &NamespaceName, message: &str, data: Option<&str>) {
        if self.answered(namespace).is_err() {
            return;
        }
        self.memberships.leave(namespace.as_str());
        self.memberships.refusals += 1;
        let refusal = encode_refusal(self.protocol, namespace, message, data);
        self.outputs.push_back(Output::Send(refusal));
        if self.memberships.refusals >= self.config.max_refusals {
            self.fail(Violation::TooManyRefusals);
        }
    }

    /// Ends the client's stay in a namespace; the session goes on. What the client has sent there
    /// and not yet arrived is passed over.
    pub fn disconnect(&mut self, namespace: &NamespaceName) {
        let Some(membership) = self.memberships.at(Stage::Joined, namespace) else {
            return;
        };
        membership.stage = Stage::Ended;
        let goodbye = encode_disconnect(namespace);
        self.outputs.push_back(Output::Send(goodbye));
    }

    /// True while the client is in the namespace.
    pub fn is_joined(&self, namespace: &NamespaceName) -> bool {
        self.memberships.joined(namespace.as_str()).is_some()
    }

    fn join(&mut self, namespace: &NamespaceName) -> Result<(), NotAsking> {
        self.answered(namespace)?.stage = Stage::Joined;
        self.memberships.deadline = None;
        Ok(())
    }

    /// The application has answered; whom it is about, if the client still asks. The answer to a
    /// question that was withdrawn makes way for the one that waits behind it.
    fn answered(&mut self, namespace: &NamespaceName) -> Result<&mut Membership, NotAsking> {
        let name = namespace.as_str();
        let asks_again = match self.memberships.find(name).map(|asked| &asked.stage) {
            Some(Stage::Withdrawn) => None,
            Some(Stage::AskingAgain(auth)) => Some(auth.clone()),
            _ => {
                let asking = self.memberships.at(Stage::Asking, namespace);
                return asking.ok_or(NotAsking);
            }
        };
        self.memberships.leave(name);
        if let Some(auth) = asks_again {
            self.ask(namespace.clone(), auth);
        }
        Err(NotAsking)
    }

    /// A CONNECT for a namespace that the client is not in.
    pub(super) fn handle_connect(
        &mut self,
        header: &Header<'_>,
        auth: Option<Text>,
    ) -> Result<(), Violation> {
        let (name, query) = match self.protocol {
            Protocol::V5 => (header.namespace, ""),
            Protocol::V4 => split_query(header.namespace),
        };
        let namespace = NamespaceName::parse(name).map_err(|_| PacketError::Namespace)?;
        if query.len().max(header.payload.len()) > self.config.max_auth_bytes {
            return Err(PacketError::AuthBytes.into());
        }
        let auth = match self.protocol {
            Protocol::V5 => auth,
            Protocol::V4 => Some(query_to_json(query).into()),
        };
        match self
            .memberships
            .find_mut(name)
            .map(|found| &mut found.stage)
        {
            Some(withdrawn @ Stage::Withdrawn) => *withdrawn = Stage::AskingAgain(auth),
            None | Some(Stage::Ended) => {
                self.memberships
                    .make_room(name, self.config.max_namespaces)?;
                self.ask(namespace, auth);
            }
            Some(_) => return self.handle_second_connect(&namespace),
        }
        Ok(())
    }

    /// A namespace is never joined twice, not even while the application decides. Protocol 4
    /// clients have the root unasked, so theirs for the root means nothing.
    pub(super) fn handle_second_connect(
        &mut self,
        namespace: &NamespaceName,
    ) -> Result<(), Violation> {
        match self.protocol {
            Protocol::V4 if namespace.is_root() => Ok(()),
            _ => Err(Violation::ConnectTwice),
        }
    }

    pub(super) fn ask(&mut self, namespace: NamespaceName, auth: Option<Text>) {
        let membership = Membership {
            namespace: namespace.clone(),
            stage: Stage::Asking,
        };
        self.memberships.list.push(membership);
        self.outputs
            .push_back(Output::Event(Event::Connect { namespace, auth }));
    }
}

impl std::fmt::Display for NotAsking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the client no longer asks for this namespace")
    }
}

impl std::error::Error for NotAsking {}
