//! Socket.IO protocol 5 over Engine.IO revision 4, one file per section of the table of cases.

mod acks;
mod binary;
mod connect;
mod decoder;
mod msgpack;
mod namespaces;
mod recovery;

use crate::case::Group;

pub(crate) const GROUPS: &[&Group] = &[
    &connect::GROUP,
    &namespaces::GROUP,
    &decoder::GROUP,
    &acks::GROUP,
    &binary::GROUP,
    &recovery::GROUP,
    &msgpack::GROUP,
];
