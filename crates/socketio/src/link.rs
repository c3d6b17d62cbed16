//! The way out to one client: its session, and the form of text that the client can read.
//!
//! Clients of the 1.x line that poll with `b64` decode UTF-8 twice, so that their JSON has to be in
//! ASCII (EIO3 3.6). All others share one encoded message.

use std::sync::OnceLock;

use bytes::Bytes;
use engineio::{
    SessionHandle,
    proto::{Data, Entry, Prepared, SendError, SendOptions, SendOutcome, Text},
};
use socketio_proto::ascii_json;

use crate::{EmitError, Parser};

/// A session that packets are written to. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    session: SessionHandle,
}

/// An encoded packet in the forms that clients need, each made once for all of them.
pub(crate) struct Message {
    shared: Prepared,
    /// Only of a packet with other characters than ASCII.
    escaped: Option<Escaped>,
}

/// The form in ASCII, made when the first client needs it.
struct Escaped {
    text: Text,
    attachments: Vec<Bytes>,
    form: OnceLock<Prepared>,
}

impl Link {
    pub(crate) fn new(session: SessionHandle) -> Self {
        Self { session }
    }

    pub(crate) fn session(&self) -> &SessionHandle {
        &self.session
    }

    pub(crate) fn send(
        &self,
        message: &Message,
        options: SendOptions,
    ) -> Result<SendOutcome, SendError> {
        self.session.send_prepared(self.form(message), options)
    }

    fn form<'a>(&self, message: &'a Message) -> &'a Prepared {
        match &message.escaped {
            Some(escaped) if self.session.needs_ascii_json() => escaped.form(),
            _ => &message.shared,
        }
    }
}

impl Message {
    /// Fails only for arguments that the parser has no form for.
    pub(crate) fn new(parser: Parser, packet: Entry) -> Result<Self, EmitError> {
        let entry = parser.write(packet)?;
        let escaped = match entry.head() {
            Data::Text(text) if !text.as_bytes().is_ascii() => Some(Escaped {
                text: text.clone(),
                attachments: entry.attachments().to_vec(),
                form: OnceLock::new(),
            }),
            _ => None,
        };
        Ok(Self {
            shared: Prepared::new(entry),
            escaped,
        })
    }

    /// Bytes on the wire, in the form that most clients get.
    pub(crate) fn len(&self) -> usize {
        self.shared.len()
    }
}

impl Escaped {
    fn form(&self) -> &Prepared {
        self.form.get_or_init(|| {
            let text = ascii_json(&self.text);
            Prepared::new(Entry::with_attachments(text, self.attachments.clone()))
        })
    }
}
