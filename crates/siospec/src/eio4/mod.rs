//! Engine.IO revision 4, one file per section of the table of cases.

mod handshake;
mod polling;
mod upgrade;
mod websocket;

use crate::case::Group;

pub(crate) const GROUPS: &[&Group] = &[
    &handshake::GROUP,
    &polling::GROUP,
    &websocket::GROUP,
    &upgrade::GROUP,
];
