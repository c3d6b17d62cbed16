//! Who sends a request: the session of its `Authorization`, the token of a device in its path, the
//! address it comes from.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use axum::extract::FromRequestParts;
use engineio::PeerAddr;
use http::{StatusCode, header, request::Parts};

use super::{Api, error::ApiError, params::Path, things::unknown_thing};
use crate::{
    store::{Right, Session},
    token::{Digest, Token},
};

/// A logged-in user who may do all that users may do.
pub(crate) struct LoggedIn(pub(crate) Session);

/// A device that may write, by its token in the path: found out before the body is read, so that
/// nobody else has one read, parsed and queued. The store decides when it writes.
pub(crate) struct Device(pub(crate) Digest);

/// Where the request comes from.
pub(crate) struct Peer(pub(crate) IpAddr);

impl FromRequestParts<Arc<Api>> for LoggedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        let token = presented(parts).ok_or_else(ApiError::invalid_session)?;
        let session = api.auth.session(&token).await?;
        let session = session.ok_or_else(ApiError::invalid_session)?;
        if !session.is_full() {
            let message = "this token only subscribes";
            return Err(ApiError::new(StatusCode::FORBIDDEN, message));
        }
        Ok(Self(session))
    }
}

impl FromRequestParts<Arc<Api>> for Device {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        let Path(token) = Path::<String>::from_request_parts(parts, api).await?;
        let token = Token::presented(&token).digest();
        // Whoever has written before was let in before: most writes cost no look-up.
        if !api.writes.knows(&token) {
            let thing = api.store.thing(token, Right::WRITE).await?;
            thing.ok_or_else(unknown_thing)?;
        }
        Ok(Self(token))
    }
}

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<PeerAddr>().map(|peer| peer.0.ip());
        Ok(Self(peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))))
    }
}

/// The token comes bare; `Bearer` before it is taken, too.
fn presented(parts: &Parts) -> Option<Token> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let token = match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token,
        _ => value,
    };
    Some(Token::presented(token.trim()))
}
