//! Socket.IO protocol 5 over Engine.IO revision 4.

mod acks;
mod connect;

use crate::case::Group;

pub(crate) const GROUPS: &[&Group] = &[&connect::GROUP, &acks::GROUP];
