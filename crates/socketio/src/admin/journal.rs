//! What has happened on the server and has not been told to admins yet: bounded in count and bytes.
//!
//! It keeps copies, so that no note holds the buffer in which a client's message came.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use socketio_proto::{Args, NamespaceName};
use tokio::sync::Notify;

use super::{records::Portrait, timestamp::Timestamp};
use crate::{DisconnectReason, Room, SocketId, socket::SocketCore};

/// Notes, oldest first.
#[derive(Default)]
pub(super) struct Journal {
    pages: Mutex<Pages>,
    arrived: Notify,
}

/// What has been noted since somebody looked last.
#[derive(Default)]
pub(super) struct Pages {
    pub(super) notes: Vec<Note>,
    bytes: usize,
    pub(super) gap: Gap,
}

/// Whether notes are missing for want of room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Gap {
    #[default]
    None,
    Some,
}

/// Something that happened, and when.
pub(super) struct Note {
    pub(super) at: Timestamp,
    pub(super) what: What,
}

/// What happened, and to which sockets.
pub(super) enum What {
    Connected(Portrait),
    Upgraded(Subject),
    /// It was in these rooms.
    Disconnected(Subject, DisconnectReason, Vec<Room>),
    Joined(Subject, Room),
    Left(Subject, Room),
    Received(Subject, Excerpt),
    Sent(Vec<Subject>, Excerpt),
}

/// A socket to which something happened.
pub(super) struct Subject {
    pub(super) namespace: NamespaceName,
    pub(super) socket: SocketId,
}

/// An event as admins see it: its name and its arguments as one JSON array.
pub(super) struct Excerpt {
    pub(super) list: String,
    pub(super) attachments: Vec<Bytes>,
}

impl Journal {
    /// Notes something, if there is room.
    pub(super) fn add(&self, what: What) {
        let note = Note::new(what);
        let mut pages = self.pages();
        let bytes = pages.bytes + note.bytes();
        if pages.notes.len() < MAX_NOTES && bytes <= MAX_BYTES {
            pages.notes.push(note);
            pages.bytes = bytes;
        } else {
            pages.gap = Gap::Some;
        }
        self.arrived.notify_one();
    }

    /// All notes; from here on it is empty.
    pub(super) fn take(&self) -> Pages {
        mem::take(&mut *self.pages())
    }

    /// Waits until something has been noted.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Note {
    pub(super) fn new(what: What) -> Self {
        Self {
            at: Timestamp::now(),
            what,
        }
    }

    /// What it keeps, beyond itself.
    fn bytes(&self) -> usize {
        match &self.what {
            What::Connected(portrait) => portrait.bytes(),
            What::Upgraded(_) => 0,
            What::Disconnected(_, _, rooms) => rooms.iter().map(room_bytes).sum(),
            What::Joined(_, room) | What::Left(_, room) => room_bytes(room),
            What::Received(_, event) => event.bytes(),
            What::Sent(subjects, event) => size_of_val(subjects.as_slice()) + event.bytes(),
        }
    }
}

impl Subject {
    pub(super) fn of(socket: &SocketCore) -> Self {
        Self::new(socket.namespace().name(), socket.id())
    }

    pub(super) fn new(namespace: &NamespaceName, socket: &SocketId) -> Self {
        Self {
            namespace: namespace.clone(),
            socket: socket.clone(),
        }
    }
}

impl Excerpt {
    /// Long events are shown by their size.
    pub(super) fn of(name: &str, args: &Args) -> Self {
        let bytes = name.len() + args.len_in_bytes();
        if bytes <= MAX_EVENT {
            let attachments = args.attachments().iter();
            return Self {
                list: list(name, args.iter()),
                attachments: attachments
                    .map(|bytes| Bytes::copy_from_slice(bytes))
                    .collect(),
            };
        }
        let name: String = name.chars().take(MAX_NAME).collect();
        let size = format!("\"({bytes} bytes)\"");
        Self {
            list: list(&name, [size.as_str()]),
            attachments: Vec::new(),
        }
    }

    fn bytes(&self) -> usize {
        self.list.len() + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }
}

fn room_bytes(room: &Room) -> usize {
    size_of_val(room) + room.as_str().len()
}

fn list<'a>(name: &str, args: impl IntoIterator<Item = &'a str>) -> String {
    let mut list = format!("[{}", serde_json::Value::from(name));
    for arg in args {
        list.push(',');
        list.push_str(arg);
    }
    list.push(']');
    list
}

const MAX_NOTES: usize = 4096;
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Of an event that is shown whole.
const MAX_EVENT: usize = 16 * 1024;
/// Characters of the name of one that is not.
const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use socketio_proto::{Binary, IntoArgs};

    use super::*;

    #[test]
    fn events_are_shown_with_their_arguments() {
        let args = (1, Binary("bytes".into())).into_args().unwrap();
        let event = Excerpt::of("say \"x\"", &args);
        let list = r#"["say \"x\"",1,{"_placeholder":true,"num":0}]"#;
        assert_eq!((event.list.as_str(), event.attachments.len()), (list, 1));
        assert_eq!(Excerpt::of("none", &Args::default()).list, r#"["none"]"#);
    }

    #[test]
    fn long_events_are_shown_by_their_size() {
        let args = ("x".repeat(MAX_EVENT),).into_args().unwrap();
        let event = Excerpt::of(&"é".repeat(100), &args);
        let list = format!("[\"{}\",\"(16586 bytes)\"]", "é".repeat(64));
        assert_eq!(event.list, list);
    }

    #[test]
    fn what_has_no_room_leaves_a_gap() {
        let journal = Journal::default();
        for _ in 0..=MAX_NOTES {
            journal.add(What::Sent(Vec::new(), Excerpt::of("x", &Args::default())));
        }
        let pages = journal.take();
        assert_eq!((pages.notes.len(), pages.gap), (MAX_NOTES, Gap::Some));
        assert_eq!(journal.take().gap, Gap::None);

        let args = ("x".repeat(MAX_EVENT - 10),).into_args().unwrap();
        for _ in 0..=MAX_BYTES / MAX_EVENT {
            journal.add(What::Sent(Vec::new(), Excerpt::of("x", &args)));
        }
        let pages = journal.take();
        assert_eq!(pages.gap, Gap::Some);
        assert!(pages.bytes <= MAX_BYTES);
    }

    #[test]
    fn rooms_take_room() {
        let subject = || Subject {
            namespace: NamespaceName::parse("/").unwrap(),
            socket: SocketId::of("a"),
        };
        let journal = Journal::default();
        let rooms = vec![Room::from("x".repeat(100)); 1024];
        let reason = DisconnectReason::ClientNamespaceDisconnect;
        for _ in 0..100 {
            journal.add(What::Disconnected(subject(), reason, rooms.clone()));
        }
        let pages = journal.take();
        assert!(pages.notes.len() < 100 && pages.gap == Gap::Some);
    }
}
