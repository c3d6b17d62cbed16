//! The arguments of an event or of its answer: raw JSON until somebody asks.

#[cfg(test)]
mod tests;

use std::fmt;

use bytes::Bytes;
use engineio_proto::Text;
use serde::{Serialize, de::DeserializeOwned};

use crate::{PacketError, binary, json};

/// A list of arguments and the attachments that they refer to.
///
/// What was received is kept as it came, so that it can be relayed byte for byte; cloning shares it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Args {
    /// The elements with commas between them, without brackets. Always valid JSON.
    list: Text,
    /// How many elements there are.
    count: usize,
    attachments: Vec<Bytes>,
}

/// Arguments could not be read or written. The caller is wrong, or the client sent something else.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArgError {
    /// There are fewer arguments than that.
    Missing {
        /// Which one was asked for, from 0.
        index: usize,
    },
    /// An argument is not of the type that was asked for.
    Decode {
        /// Which one, from 0.
        index: usize,
        /// What serde says.
        message: String,
    },
    /// An argument has bytes in a place for which the type that was asked for has no
    /// [`Binary`](crate::Binary).
    Bytes {
        /// Which one, from 0.
        index: usize,
    },
    /// A value that has no form in JSON.
    Encode {
        /// What serde says.
        message: String,
    },
    /// Bytes beside a value that looks like the placeholder of an attachment: the receiver could
    /// not tell them apart (SIO5 5.1).
    ForeignPlaceholder,
    /// An event name that belongs to the protocol (SIO5 6.4).
    ReservedName,
}

/// What can stand for a list of arguments: [`Args`], or a tuple of values that serialise, one
/// argument each. A lone value is a tuple of one: `(value,)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list of arguments",
    note = "arguments are a tuple, one element each: write `(value,)` for a single one"
)]
pub trait IntoArgs {
    /// The list.
    ///
    /// # Errors
    ///
    /// [`ArgError::Encode`] if a value has no form in JSON, [`ArgError::ForeignPlaceholder`] if one
    /// beside bytes looks like a placeholder.
    fn into_args(self) -> Result<Args, ArgError>;
}

impl Args {
    /// Takes arguments that are JSON texts already, verbatim.
    ///
    /// # Errors
    ///
    /// [`ArgError::Encode`] if one of them is no JSON or nested deeper than 64.
    pub fn from_raw<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<Self, ArgError> {
        let mut list = List::default();
        for argument in arguments {
            let encode = |error: PacketError| ArgError::Encode {
                message: error.to_string(),
            };
            json::check(argument).map_err(encode)?;
            list.push(argument);
        }
        Ok(list.with(Vec::new()))
    }

    /// The same with the bytes that placeholders in them stand for, for instance those of arguments
    /// that are relayed.
    ///
    /// # Errors
    ///
    /// As [`Args::from_raw`], and [`ArgError::ForeignPlaceholder`] unless there are as many
    /// placeholders as attachments.
    pub fn from_raw_with<'a>(
        arguments: impl IntoIterator<Item = &'a str>,
        attachments: Vec<Bytes>,
    ) -> Result<Self, ArgError> {
        let args = Self::from_raw(arguments)?;
        args.written_with(attachments)
    }

    /// The same arguments and one more, which is JSON.
    pub(crate) fn followed_by(&self, argument: &str) -> Self {
        let mut json = String::with_capacity(self.list.len() + argument.len() + 1);
        json.push_str(&self.list);
        let mut list = List {
            json,
            count: self.count,
        };
        list.push(argument);
        list.with(self.attachments.clone())
    }

    /// True if the last argument is a text.
    pub(crate) fn end_with_text(&self) -> bool {
        self.list.trim_end().ends_with('"')
    }

    /// A checked list of so many elements.
    pub(crate) fn new(list: Text, count: usize) -> Self {
        Self {
            list,
            count,
            attachments: Vec::new(),
        }
    }

    /// Takes the attachments that it refers to.
    pub(crate) fn attach(&mut self, attachments: Vec<Bytes>) {
        self.attachments = attachments;
    }

    /// What a serialiser wrote. A value that came from one client must not be read as an attachment
    /// by another, so there are exactly the placeholders that stand for our attachments.
    fn written_with(mut self, attachments: Vec<Bytes>) -> Result<Self, ArgError> {
        let mut placeholders = 0;
        let count = |number| {
            placeholders += 1;
            let known = number < attachments.len();
            known.then_some(()).ok_or(PacketError::Placeholder)
        };
        let foreign = |_| ArgError::ForeignPlaceholder;
        if !attachments.is_empty() {
            json::placeholders(&self.list, count).map_err(foreign)?;
        }
        if placeholders == attachments.len() {
            self.attach(attachments);
            Ok(self)
        } else {
            Err(ArgError::ForeignPlaceholder)
        }
    }

    /// One argument as a value of a type, in which [`Binary`](crate::Binary) takes its bytes. Bytes
    /// in fields that the type ignores are ignored.
    ///
    /// ```
    /// use serde_json::Value;
    /// use socketio_proto::{ArgError, Binary, IntoArgs};
    ///
    /// let args = ([Binary("bytes".into())],).into_args()?;
    /// assert_eq!(args.get::<Value>(0), Err(ArgError::Bytes { index: 0 }));
    /// assert_eq!(args.get::<Vec<Binary>>(0)?, ["bytes".into()]);
    /// # Ok::<(), ArgError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ArgError::Missing`] if there are fewer, [`ArgError::Decode`] if it is something else,
    /// [`ArgError::Bytes`] if the type takes bytes for something else.
    pub fn get<T: DeserializeOwned>(&self, index: usize) -> Result<T, ArgError> {
        let raw = self.raw(index).ok_or(ArgError::Missing { index })?;
        let read = || serde_json::from_str(raw);
        let (value, taken) = match &self.attachments[..] {
            [] => (read(), Vec::new()),
            attachments => binary::resolving(attachments, read),
        };
        let value = value.map_err(|error| ArgError::Decode {
            index,
            message: error.to_string(),
        })?;
        match taken.contains(&false) && self.mistakes_bytes::<T>(raw, &taken) {
            true => Err(ArgError::Bytes { index }),
            false => Ok(value),
        }
    }

    /// True if a type that can be read from `raw` reads bytes that it has not taken, so that it has
    /// their placeholders. With something that nobody can read in their place, only a type that
    /// ignores them is read again.
    fn mistakes_bytes<T: DeserializeOwned>(&self, raw: &str, taken: &[bool]) -> bool {
        let is_taken = |number| taken.get(number) == Some(&true);
        let Some(unreadable) = json::without_placeholders(raw, is_taken, LONE_SURROGATE) else {
            return false;
        };
        let read = || serde_json::from_str::<T>(&unreadable);
        binary::resolving(&self.attachments, read).0.is_err()
    }

    /// One argument as it stands in the packet.
    pub fn raw(&self, index: usize) -> Option<&str> {
        match (self.count, index) {
            // Most events have one, which nobody has to look for.
            (1, 0) => Some(self.list.trim_ascii()),
            _ => self.iter().nth(index),
        }
    }

    /// The arguments as they stand in the packet.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        json::elements(&self.list)
    }

    /// The arguments behind the first `count`, to be relayed; the first often names a room.
    ///
    /// Bytes that only left out arguments refer to stay behind. So that the numbers of the others
    /// hold, there are empty attachments in their place.
    #[must_use]
    pub fn skip(&self, count: usize) -> Self {
        let mut list = List::default();
        for argument in self.iter().skip(count) {
            list.push(argument);
        }
        let mut attachments = vec![Bytes::new(); self.attachments.len()];
        let mut referred_to = 0;
        // What stands in a checked list are numbers of attachments.
        let _ = json::placeholders(&list.json, |number| {
            if let (Some(to), Some(from)) =
                (attachments.get_mut(number), self.attachments.get(number))
            {
                *to = from.clone();
                referred_to = referred_to.max(number.saturating_add(1));
            }
            Ok(())
        });
        attachments.truncate(referred_to);
        list.with(attachments)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The bytes that placeholders stand for, in the order of their numbers.
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// Size of everything in bytes, as bounds count it.
    pub fn len_in_bytes(&self) -> usize {
        let attachments: usize = self.attachments.iter().map(Bytes::len).sum();
        self.list.as_bytes().len() + attachments
    }

    /// The elements with commas between them.
    pub(crate) fn list(&self) -> &str {
        &self.list
    }
}

impl IntoArgs for Args {
    fn into_args(self) -> Result<Args, ArgError> {
        Ok(self)
    }
}

impl IntoArgs for &Args {
    fn into_args(self) -> Result<Args, ArgError> {
        Ok(self.clone())
    }
}

impl IntoArgs for () {
    fn into_args(self) -> Result<Args, ArgError> {
        Ok(Args::default())
    }
}

macro_rules! tuple_into_args {
    ($($name:ident)+) => {
        impl<$($name: Serialize),+> IntoArgs for ($($name,)+) {
            #[allow(non_snake_case, reason = "each value has the name of its type")]
            fn into_args(self) -> Result<Args, ArgError> {
                let ($($name,)+) = self;
                let (list, attachments) = binary::collecting(|| {
                    let mut list = List::default();
                    $(
                        let json = serde_json::to_string(&$name);
                        list.push_owned(json.map_err(ArgError::encode)?);
                    )+
                    Ok(list)
                });
                list?.with(Vec::new()).written_with(attachments)
            }
        }
    };
}

tuple_into_args!(A);
tuple_into_args!(A B);
tuple_into_args!(A B C);
tuple_into_args!(A B C D);
tuple_into_args!(A B C D E);
tuple_into_args!(A B C D E F);

/// JSON that serde_json skips and does not read.
const LONE_SURROGATE: &str = r#""\ud800""#;

/// Arguments that are being put together.
#[derive(Default)]
struct List {
    json: String,
    count: usize,
}

impl List {
    fn push(&mut self, argument: &str) {
        if self.count > 0 {
            self.json.push(',');
        }
        self.json.push_str(argument);
        self.count += 1;
    }

    /// The only argument is not copied.
    fn push_owned(&mut self, argument: String) {
        match self.count {
            0 => (self.json, self.count) = (argument, 1),
            _ => self.push(&argument),
        }
    }

    fn with(self, attachments: Vec<Bytes>) -> Args {
        Args {
            list: self.json.into(),
            count: self.count,
            attachments,
        }
    }
}

impl ArgError {
    fn encode(error: serde_json::Error) -> Self {
        Self::Encode {
            message: error.to_string(),
        }
    }
}

impl fmt::Display for ArgError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { index } => write!(f, "argument {index} is missing"),
            Self::Decode { index, message } => write!(f, "argument {index}: {message}"),
            Self::Bytes { index } => {
                write!(f, "argument {index}: bytes where the type has no Binary")
            }
            Self::Encode { message } => write!(f, "no form in JSON: {message}"),
            Self::ForeignPlaceholder => {
                f.write_str("a value looks like an attachment's placeholder")
            }
            Self::ReservedName => f.write_str("event name is reserved by the protocol"),
        }
    }
}

impl std::error::Error for ArgError {}
