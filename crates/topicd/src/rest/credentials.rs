//! Who sends a request: the session of its `Authorization`, the address it comes from.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use axum::extract::FromRequestParts;
use engineio::PeerAddr;
use http::{StatusCode, header, request::Parts};

use super::{Api, error::ApiError};
use crate::{store::Session, token::Token};

/// A logged-in user who may do all that users may do.
pub(crate) struct LoggedIn(pub(crate) Session);

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
