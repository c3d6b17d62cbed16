//! What notes become: the events of the protocol.

use std::borrow::Cow;

use socketio_proto::{ArgError, Args, IntoArgs};

use super::{
    aliases::Aliases,
    journal::{Excerpt, Note, Subject, What},
    records::{Portrait, SocketChange},
    timestamp::Timestamp,
};
use crate::{DisconnectReason, Room};

/// An event for admins.
pub(super) struct Told {
    pub(super) name: &'static str,
    /// An error if they have no form, such as arguments of a client's that are nested as deep as is
    /// allowed: inside of ours they would be too deep.
    pub(super) args: Result<Args, ArgError>,
}

/// A socket as admins call it, and when something happened to it.
struct Tale<'a> {
    nsp: &'a str,
    id: Cow<'a, str>,
    at: Timestamp,
}

impl Note {
    /// The events that tell of it, in order.
    pub(super) fn told(&self, aliases: &Aliases) -> Vec<Told> {
        let tale = |subject| Tale::new(subject, aliases, self.at);
        match &self.what {
            What::Connected(portrait) => tale(portrait.subject()).connected(portrait, aliases),
            What::Upgraded(subject) => vec![tale(subject).upgraded()],
            What::Disconnected(subject, reason, rooms) => {
                tale(subject).disconnected(*reason, rooms)
            }
            What::Joined(subject, room) => vec![tale(subject).moved("room_joined", room.as_str())],
            What::Left(subject, room) => vec![tale(subject).moved("room_left", room.as_str())],
            What::Received(subject, event) => vec![tale(subject).event("event_received", event)],
            What::Sent(subjects, event) => {
                let subjects = subjects.iter();
                let sent = |subject| tale(subject).event("event_sent", event);
                subjects.map(sent).collect()
            }
        }
    }
}

impl<'a> Tale<'a> {
    fn new(subject: &'a Subject, aliases: &Aliases, at: Timestamp) -> Self {
        Self {
            nsp: subject.namespace.as_str(),
            id: aliases.socket(&subject.socket),
            at,
        }
    }

    /// The interface expects the room of its own that the reference gives to each socket.
    fn connected(&self, portrait: &Portrait, aliases: &Aliases) -> Vec<Told> {
        let record = portrait.record(aliases, &[]);
        let connected = Told {
            name: "socket_connected",
            args: (record, self.at).into_args(),
        };
        vec![self.moved("room_joined", &self.id), connected]
    }

    fn upgraded(&self) -> Told {
        let change = SocketChange {
            id: &self.id,
            nsp: self.nsp,
            transport: "websocket",
        };
        Told {
            name: "socket_updated",
            args: (change,).into_args(),
        }
    }

    fn disconnected(&self, reason: DisconnectReason, rooms: &[Room]) -> Vec<Told> {
        let disconnected = Told {
            name: "socket_disconnected",
            args: (self.nsp, &self.id, reason.to_string(), self.at).into_args(),
        };
        let rooms = rooms.iter().map(Room::as_str);
        let rooms = std::iter::once(&*self.id).chain(rooms);
        let left = rooms.map(|room| self.moved("room_left", room));
        std::iter::once(disconnected).chain(left).collect()
    }

    fn moved(&self, name: &'static str, room: &str) -> Told {
        Told {
            name,
            args: (self.nsp, room, &self.id, self.at).into_args(),
        }
    }

    fn event(&self, name: &'static str, event: &Excerpt) -> Told {
        Told {
            name,
            args: self.event_args(event),
        }
    }

    /// The list of the event's own arguments is one argument here.
    fn event_args(&self, event: &Excerpt) -> Result<Args, ArgError> {
        let before = (self.nsp, &self.id).into_args()?;
        let after = (self.at,).into_args()?;
        let list = [event.list.as_str()];
        let args = before.iter().chain(list).chain(after.iter());
        Args::from_raw_with(args, event.attachments.clone())
    }
}

#[cfg(test)]
mod tests {
    use socketio_proto::NamespaceName;

    use super::*;
    use crate::SocketId;

    #[test]
    fn a_socket_leaves_all_its_rooms() {
        let subject = Subject {
            namespace: NamespaceName::parse("/chat").unwrap(),
            socket: SocketId::of("a"),
        };
        let reason = DisconnectReason::ClientNamespaceDisconnect;
        let note = Note::new(What::Disconnected(subject, reason, vec!["red".into()]));
        let told = note.told(&Aliases::new());
        let names: Vec<&str> = told.iter().map(|told| told.name).collect();
        assert_eq!(names, ["socket_disconnected", "room_left", "room_left"]);
        let args = told[2].args.as_ref().unwrap();
        let args: Vec<&str> = args.iter().take(3).collect();
        assert_eq!(args, [r#""/chat""#, r#""red""#, r#""a""#]);
    }
}
