//! Engine.IO revision 3: what differs from revision 4.

mod binary;
mod heartbeat;
mod jsonp;
mod polling;
mod websocket;

use crate::case::Group;

pub(crate) const GROUPS: &[&Group] = &[
    &polling::GROUP,
    &binary::GROUP,
    &jsonp::GROUP,
    &heartbeat::GROUP,
    &websocket::GROUP,
];
