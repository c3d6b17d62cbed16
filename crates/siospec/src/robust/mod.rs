//! Hostile and careless clients: what a server has to survive.
//!
//! Ids `Z…` are the rows of the table of cases, `S…` the numbers of the ordered robustness tests.

mod flood;
mod http;
mod session;
mod socketio;
mod websocket;

use crate::case::Group;

pub(crate) const GROUPS: &[&Group] = &[
    &flood::GROUP,
    &websocket::GROUP,
    &http::GROUP,
    &session::GROUP,
    &socketio::GROUP,
];
