//! What can go wrong and who was wrong; why a client is refused; what a handler may answer.

use std::{error::Error, fmt};

use engineio::proto::{SendError, SendOutcome};
use serde_json::Value;
use socketio_proto::PacketError;

use crate::{ArgError, Args, Delivery, Incomplete};

/// An event was not taken: the caller learns why.
#[derive(Debug)]
#[non_exhaustive]
pub enum EmitError {
    /// The socket has left its namespace, or its session has ended.
    Gone,
    /// The client's queue is full and the policy was to end the session, which has happened.
    QueueFull,
    /// The event has a name that only the protocol itself may use (SIO5 6.4).
    ReservedName,
    /// The arguments cannot be written as JSON.
    Args(ArgError),
    /// The arguments are raw JSON that MessagePack has no form for: a surrogate that stands alone,
    /// or a number beyond the range of a double.
    MessagePack(PacketError),
    /// Too many answers of this client are awaited already.
    TooManyAcks,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmitOutcome {
    /// It waits to be sent.
    Queued,
    /// It waits in the place of an older event with its key.
    Conflated,
    /// It was dropped by the policy of its [`SendOptions`](crate::SendOptions): it never arrives.
    Dropped,
}

/// A socket was not put into a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinError {
    /// It has left its namespace.
    Gone,
    /// It is in as many rooms as the server allows.
    TooManyRooms,
    /// The room's name is longer than [`Room::MAX_LEN`](crate::Room::MAX_LEN).
    NameTooLong,
}

/// No answer came.
#[derive(Debug)]
#[non_exhaustive]
pub enum AckError {
    /// The event was not sent in the first place.
    Emit(EmitError),
    /// It was dropped by its policy: nobody will answer.
    Dropped,
    /// The client took longer than the timeout.
    Timeout,
    /// The socket left before it answered.
    Disconnected,
}

/// Not every server of the cluster answered a server-side event.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerAckError {
    /// The event was not sent in the first place.
    Emit(EmitError),
    /// Some did not answer in time; here is what the others answered.
    Incomplete(Incomplete<Args>),
}

/// Why a client may not join a namespace: what it is told in its CONNECT_ERROR.
#[derive(Debug, Clone)]
pub struct Refusal {
    message: String,
    data: Option<String>,
}

/// What a handler failed with. The client is not told; the server's error hook is.
#[derive(Debug)]
pub struct HandlerError(Box<dyn Error + Send + Sync>);

/// What a handler may return: nothing, or a result whose error the server's hook gets.
pub trait IntoHandlerResult: Send {
    /// The result as the server sees it.
    fn into_handler_result(self) -> Result<(), HandlerError>;
}

impl Refusal {
    /// A refusal with the message that the client's `connect_error` listener gets.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            data: None,
        }
    }

    /// Adds data for the client: `error.data` in its listener.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<Value>) -> Self {
        self.data = Some(data.into().to_string());
        self
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The data, as JSON.
    pub fn data(&self) -> Option<&str> {
        self.data.as_deref()
    }
}

impl HandlerError {
    /// The error that the handler returned, if it has this type.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }

    /// The error that the handler returned.
    pub fn into_inner(self) -> Box<dyn Error + Send + Sync> {
        self.0
    }
}

impl IntoHandlerResult for () {
    fn into_handler_result(self) -> Result<(), HandlerError> {
        Ok(())
    }
}

impl<E: Into<HandlerError> + Send> IntoHandlerResult for Result<(), E> {
    fn into_handler_result(self) -> Result<(), HandlerError> {
        self.map_err(Into::into)
    }
}

/// So that a handler may end with an emit.
impl<E: Into<HandlerError> + Send> IntoHandlerResult for Result<EmitOutcome, E> {
    fn into_handler_result(self) -> Result<(), HandlerError> {
        self.map(|_| ()).map_err(Into::into)
    }
}

/// So that a handler may end with a broadcast.
impl<E: Into<HandlerError> + Send> IntoHandlerResult for Result<Delivery, E> {
    fn into_handler_result(self) -> Result<(), HandlerError> {
        self.map(|_| ()).map_err(Into::into)
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl From<SendOutcome> for EmitOutcome {
    fn from(outcome: SendOutcome) -> Self {
        match outcome {
            SendOutcome::Queued => Self::Queued,
            SendOutcome::Conflated => Self::Conflated,
            SendOutcome::Dropped => Self::Dropped,
        }
    }
}

impl From<SendError> for EmitError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::QueueFull => Self::QueueFull,
            // JSON never has a raw U+001E, so a refused separator cannot come about here.
            _ => Self::Gone,
        }
    }
}

impl From<ArgError> for EmitError {
    fn from(error: ArgError) -> Self {
        match error {
            ArgError::ReservedName => Self::ReservedName,
            error => Self::Args(error),
        }
    }
}

impl From<EmitError> for AckError {
    fn from(error: EmitError) -> Self {
        Self::Emit(error)
    }
}

impl From<EmitError> for ServerAckError {
    fn from(error: EmitError) -> Self {
        Self::Emit(error)
    }
}

impl From<Incomplete<Args>> for ServerAckError {
    fn from(incomplete: Incomplete<Args>) -> Self {
        Self::Incomplete(incomplete)
    }
}

impl fmt::Display for EmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("the socket is gone"),
            Self::QueueFull => f.write_str("the client's queue is full"),
            Self::ReservedName => f.write_str("the event name is reserved"),
            Self::Args(error) => error.fmt(f),
            Self::MessagePack(error) => write!(f, "MessagePack cannot hold the arguments: {error}"),
            Self::TooManyAcks => f.write_str("too many answers are awaited"),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gone => "the socket is gone",
            Self::TooManyRooms => "the socket is in too many rooms",
            Self::NameTooLong => "the room's name is too long",
        })
    }
}

impl fmt::Display for AckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Emit(error) => error.fmt(f),
            Self::Dropped => f.write_str("the event was dropped"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Disconnected => f.write_str("the socket left before it answered"),
        }
    }
}

impl fmt::Display for ServerAckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Emit(error) => error.fmt(f),
            Self::Incomplete(incomplete) => incomplete.fmt(f),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for EmitError {}
impl Error for JoinError {}
impl Error for AckError {}
impl Error for ServerAckError {}
impl Error for Refusal {}
