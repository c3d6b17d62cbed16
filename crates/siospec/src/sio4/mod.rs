//! Socket.IO protocol 4 over Engine.IO revision 3: what clients of the lines 1.x and 2.x rely on.

mod binary;
mod connect;
mod events;

use crate::case::Group;

pub(crate) const GROUPS: &[&Group] = &[&connect::GROUP, &events::GROUP, &binary::GROUP];
