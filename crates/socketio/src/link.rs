//! The way out to one client: its session, and the form of a packet that the client can read.
//!
//! Clients of the 1.x line that poll with `b64` decode UTF-8 twice, so that their JSON has to be in
//! ASCII (EIO3 3.6). All others share one encoded message.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use engineio::{
    SessionHandle,
    proto::{Compressible, Data, Entry, Prepared, SendError, SendOptions, SendOutcome, Text},
};
use socketio_proto::{Offset, ascii_json};

use crate::{EmitError, Parser, recovery::Place};

/// A session that packets are written to. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    session: SessionHandle,
    /// Of a socket that may come back.
    place: Option<Arc<Place>>,
}

/// An encoded packet in the forms that clients need, each made once for all of them.
pub(crate) struct Message {
    packet: Forms,
    /// Of an event, for clients that count offsets.
    counted: Option<Counted>,
}

/// An event as clients get it that count offsets.
struct Counted {
    /// Its last argument, if it comes again to those who come back.
    offset: Option<Offset>,
    packet: Forms,
}

struct Forms {
    shared: Prepared,
    /// Only of a packet with other characters than ASCII.
    escaped: Option<Escaped>,
}

/// The form in ASCII, made when the first client needs it.
struct Escaped {
    text: Text,
    attachments: Vec<Bytes>,
    compressible: Compressible,
    form: OnceLock<Prepared>,
}

impl Link {
    pub(crate) fn new(session: SessionHandle) -> Self {
        Self {
            session,
            place: None,
        }
    }

    /// The same for one socket of the client's.
    pub(crate) fn of(&self, place: Option<&Arc<Place>>) -> Self {
        Self {
            session: self.session.clone(),
            place: place.cloned(),
        }
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
        let forms = match &message.counted {
            Some(counted) => self.counted(message, counted),
            None => &message.packet,
        };
        match &forms.escaped {
            Some(escaped) if self.session.needs_ascii_json() => escaped.form(),
            _ => &forms.shared,
        }
    }

    fn counted<'a>(&self, message: &'a Message, counted: &'a Counted) -> &'a Forms {
        let Some(place) = &self.place else {
            return &message.packet;
        };
        if let Some(offset) = counted.offset {
            place.sent(offset);
        }
        &counted.packet
    }
}

impl Message {
    /// Fails only for arguments that the parser has no form for.
    pub(crate) fn new(parser: Parser, packet: Entry) -> Result<Self, EmitError> {
        Ok(Self {
            packet: Forms::new(parser.write(packet)?),
            counted: None,
        })
    }

    /// The same event with another packet for clients that count offsets, and the offset in it.
    pub(crate) fn counted(
        self,
        parser: Parser,
        packet: Entry,
        offset: Option<Offset>,
    ) -> Result<Self, EmitError> {
        let packet = Forms::new(parser.write(packet)?);
        Ok(Self {
            packet: self.packet,
            counted: Some(Counted { offset, packet }),
        })
    }

    /// Whether an HTTP answer with it may be compressed.
    pub(crate) fn compressible(&self) -> Compressible {
        self.packet.shared.compressible()
    }

    /// Bytes on the wire, in the form that most clients get.
    pub(crate) fn len(&self) -> usize {
        self.packet.shared.len()
    }
}

impl Forms {
    fn new(entry: Entry) -> Self {
        let escaped = match entry.head() {
            Data::Text(text) if !text.as_bytes().is_ascii() => Some(Escaped {
                text: text.clone(),
                attachments: entry.attachments().to_vec(),
                compressible: entry.compressible(),
                form: OnceLock::new(),
            }),
            _ => None,
        };
        Self {
            shared: Prepared::new(entry),
            escaped,
        }
    }
}

impl Escaped {
    fn form(&self) -> &Prepared {
        self.form.get_or_init(|| {
            let text = ascii_json(&self.text);
            let entry = Entry::with_attachments(text, self.attachments.clone());
            Prepared::new(entry.with_compressible(self.compressible))
        })
    }
}
