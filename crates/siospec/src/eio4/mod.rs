//! Engine.IO revision 4, one file per section of the table of cases.

mod close;
mod handshake;
mod headers;
mod heartbeat;
mod long_polling;
mod polling;
mod requests;
mod upgrade;
mod websocket;

use crate::case::Group;

pub(crate) const GROUPS: &[&Group] = &[
    &handshake::GROUP,
    &requests::GROUP,
    &polling::GROUP,
    &long_polling::GROUP,
    &heartbeat::GROUP,
    &websocket::GROUP,
    &upgrade::GROUP,
    &close::GROUP,
    &headers::GROUP,
];
