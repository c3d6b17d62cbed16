//! What a client says to be recovered, as a part of its auth payload.

use std::{fmt, sync::Arc};

use serde_json::Value;

/// The secret by which a client claims its socket; told to that client only, in the answer to
/// CONNECT.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PrivateId(Arc<str>);

/// A client's wish to be recovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryRequest {
    /// Whose socket.
    pub private_id: PrivateId,
    /// The last offset that it received; none if it received nothing.
    pub offset: Option<Box<str>>,
}

impl PrivateId {
    /// An id with this text, which the driver makes of at least 120 random bits.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RecoveryRequest {
    /// Finds the request in the auth payload of a CONNECT. None if there is none, or one of a shape
    /// that no client of ours sends: then the CONNECT is an ordinary one (SIO5 6.7).
    ///
    /// ```
    /// use socketio_proto::RecoveryRequest;
    ///
    /// let request = RecoveryRequest::parse(r#"{"token":"x","pid":"abc","offset":"@7"}"#).unwrap();
    /// assert_eq!(request.private_id.as_str(), "abc");
    /// assert!(RecoveryRequest::parse(r#"{"token":"x"}"#).is_none());
    /// ```
    pub fn parse(auth: &str) -> Option<Self> {
        let mut auth: serde_json::Map<String, Value> = serde_json::from_str(auth).ok()?;
        let Some(Value::String(private_id)) = auth.remove("pid") else {
            return None;
        };
        let offset = match auth.remove("offset") {
            None | Some(Value::Null) => None,
            Some(Value::String(offset)) => Some(offset.into()),
            Some(_) => return None,
        };
        Some(Self {
            private_id: PrivateId::new(&private_id),
            offset,
        })
    }
}

/// Not the secret itself, which would end up in logs.
impl fmt::Debug for PrivateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateId(…)")
    }
}
