//! Bytes anywhere in the arguments of an event.
//!
//! On the wire a packet's attachments travel behind it and placeholders stand for them in its JSON
//! (SIO5 5.1). serde has no way to hand a context down to a value, so for the length of one call the
//! attachments of the arguments in work stand in a thread-local.

use std::{cell::RefCell, fmt};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
    ser::{Error as _, SerializeStruct},
};

/// Bytes that travel as an attachment. Works inside structs, lists and maps.
///
/// A `Vec<u8>` is no bytes but a list of numbers, as serde has it: it neither becomes an attachment
/// nor reads one. A value that may have bytes anywhere has no type here; relay its arguments as
/// [`Args`](crate::Args) instead.
///
/// ```
/// use socketio_proto::{Args, Binary, IntoArgs};
///
/// let args = ("upload", Binary("bytes".into())).into_args()?;
/// assert_eq!(args.raw(1), Some(r#"{"_placeholder":true,"num":0}"#));
/// assert_eq!(args.get::<Binary>(1)?.0, "bytes");
/// # Ok::<(), socketio_proto::ArgError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary(pub Bytes);

/// Collects the attachments of everything that `work` serialises.
pub(crate) fn collecting<R>(work: impl FnOnce() -> R) -> (R, Vec<Bytes>) {
    let (result, context) = within(Context::Collecting(Vec::new()), work);
    match context {
        Some(Context::Collecting(attachments)) => (result, attachments),
        _ => (result, Vec::new()),
    }
}

/// Lets everything that `work` deserialises find its attachments, and tells which it has taken.
pub(crate) fn resolving<R>(attachments: &[Bytes], work: impl FnOnce() -> R) -> (R, Vec<bool>) {
    let offered = attachments.iter().cloned().map(|bytes| (bytes, false));
    let (result, context) = within(Context::Resolving(offered.collect()), work);
    match context {
        Some(Context::Resolving(offered)) => (
            result,
            offered.into_iter().map(|(_, taken)| taken).collect(),
        ),
        _ => (result, Vec::new()),
    }
}

enum Context {
    Collecting(Vec<Bytes>),
    /// Each with whether it has been taken.
    Resolving(Vec<(Bytes, bool)>),
}

thread_local! {
    static CONTEXT: RefCell<Option<Context>> = const { RefCell::new(None) };
}

/// Sets the context for the length of a call; the one before comes back even if the call panics.
fn within<R>(context: Context, work: impl FnOnce() -> R) -> (R, Option<Context>) {
    struct Restore(Option<Context>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CONTEXT.set(self.0.take());
        }
    }
    let restore = Restore(CONTEXT.replace(Some(context)));
    let result = work();
    let context = CONTEXT.take();
    drop(restore);
    (result, context)
}

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = CONTEXT.with_borrow_mut(|context| match context {
            Some(Context::Collecting(attachments)) => {
                attachments.push(self.0.clone());
                Some(attachments.len() - 1)
            }
            _ => None,
        });
        let number = number.ok_or_else(|| S::Error::custom("bytes outside of arguments"))?;
        let mut placeholder = serializer.serialize_struct("Placeholder", 2)?;
        placeholder.serialize_field("_placeholder", &true)?;
        placeholder.serialize_field("num", &number)?;
        placeholder.end()
    }
}

#[derive(Deserialize)]
struct Placeholder {
    #[serde(rename = "_placeholder")]
    is_placeholder: bool,
    num: usize,
}

/// Takes objects alone: serde reads a struct from a list of its fields, too, and `[true,0]` is a
/// value like any other, which nobody has counted as a placeholder.
struct ObjectAlone;

impl<'de> Visitor<'de> for ObjectAlone {
    type Value = Placeholder;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Placeholder, A::Error> {
        Placeholder::deserialize(MapAccessDeserializer::new(members))
    }
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let placeholder = deserializer.deserialize_map(ObjectAlone)?;
        let attachment = CONTEXT.with_borrow_mut(|context| match context {
            Some(Context::Resolving(offered)) if placeholder.is_placeholder => {
                let (bytes, taken) = offered.get_mut(placeholder.num)?;
                *taken = true;
                Some(bytes.clone())
            }
            _ => None,
        });
        attachment
            .map(Self)
            .ok_or_else(|| D::Error::custom("no such attachment"))
    }
}

impl<T: Into<Bytes>> From<T> for Binary {
    fn from(bytes: T) -> Self {
        Self(bytes.into())
    }
}
