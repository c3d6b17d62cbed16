//! What admins tell the server to do.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use socketio_proto::{ArgError, Args};

use super::{Access, Aliases, Entrant};
use crate::{
    Broadcast, EmitError, Event, Namespace, Room, Socket, Target, namespace::NamespaceCore,
    server::Shared,
};

/// Where commands are taken and carried out.
pub(super) struct Desk {
    server: Weak<Shared>,
    /// That of the admins.
    namespace: String,
    aliases: Arc<Aliases>,
}

/// A command.
#[derive(Debug)]
struct Order {
    namespace: String,
    /// A room or a socket; all sockets of the namespace if it is not given.
    filter: Option<String>,
    act: Act,
}

/// What is to be done to the sockets that are meant.
#[derive(Debug)]
enum Act {
    Emit {
        name: String,
        args: Args,
    },
    Join(Room),
    Leave(Room),
    Disconnect,
    /// Ends their sessions.
    Close,
}

/// Why a command is not carried out.
#[derive(Debug)]
enum Declined {
    ReadOnly,
    Shape(ArgError),
    UnknownNamespace,
    /// Other admins are told by the server alone.
    AdminNamespace,
    Emit(EmitError),
}

impl Desk {
    pub(super) fn new(server: Weak<Shared>, namespace: String, aliases: Arc<Aliases>) -> Self {
        Self {
            server,
            namespace,
            aliases,
        }
    }

    /// Takes commands from now on. The protocol has no answers to them.
    pub(super) fn serve(self, namespace: &Namespace<Entrant>, access: Access) {
        let desk = Arc::new(self);
        for name in ["emit", "join", "leave", "_disconnect"] {
            let desk = Arc::clone(&desk);
            namespace.on(name, move |admin: Socket<Entrant>, event: Event| {
                desk.take(&admin, &event, access);
                async {}
            });
        }
    }

    fn take(&self, admin: &Socket<Entrant>, event: &Event, access: Access) {
        let (peer, command) = (admin.handshake().peer(), event.name());
        let order = match access {
            Access::ReadOnly => Err(Declined::ReadOnly),
            Access::Commands => Order::read(event).map_err(Declined::Shape),
        };
        match order.and_then(|order| self.carry_out(order)) {
            Ok(()) => tracing::info!(?peer, command, "admin's command"),
            Err(reason) => tracing::warn!(?peer, command, %reason, "admin's command declined"),
        }
    }

    fn carry_out(&self, order: Order) -> Result<(), Declined> {
        let server = self.server.upgrade();
        let namespace = server.and_then(|server| server.find(&order.namespace));
        let namespace = namespace.ok_or(Declined::UnknownNamespace)?;
        let sockets = self.sockets(namespace, order.filter.as_deref());
        match order.act {
            Act::Emit { .. } if order.namespace == self.namespace => {
                return Err(Declined::AdminNamespace);
            }
            Act::Emit { name, args } => {
                sockets.emit(&name, args).map_err(Declined::Emit)?;
            }
            Act::Join(room) => sockets.sockets_join(room),
            Act::Leave(room) => sockets.sockets_leave(room),
            Act::Disconnect => sockets.disconnect_sockets(),
            Act::Close => sockets.close_sessions(),
        }
        Ok(())
    }

    fn sockets(&self, namespace: Arc<NamespaceCore>, filter: Option<&str>) -> Broadcast {
        let room = filter.map(|filter| self.aliases.resolve(&namespace, filter));
        let target = Target {
            rooms: room.into_iter().collect(),
            except: Vec::new(),
        };
        Broadcast::new(namespace, target)
    }
}

impl Order {
    fn read(event: &Event) -> Result<Self, ArgError> {
        let (filter, act) = match event.name() {
            "emit" => (1, Act::emit(event)?),
            "join" => (2, Act::Join(event.arg::<String>(1)?.into())),
            "leave" => (2, Act::Leave(event.arg::<String>(1)?.into())),
            _ => (2, Act::disconnect(event)?),
        };
        Ok(Self {
            namespace: event.arg(0)?,
            filter: optional(event, filter)?,
            act,
        })
    }
}

impl Act {
    /// The arguments behind namespace, filter and name go to the sockets as they came.
    fn emit(event: &Event) -> Result<Self, ArgError> {
        let args = event.args().iter().skip(3);
        Ok(Self::Emit {
            name: event.arg(2)?,
            args: Args::from_raw_with(args, event.args().attachments().to_vec())?,
        })
    }

    fn disconnect(event: &Event) -> Result<Self, ArgError> {
        match event.arg::<Option<bool>>(1)? {
            Some(true) => Ok(Self::Close),
            Some(false) | None => Ok(Self::Disconnect),
        }
    }
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadOnly => f.write_str("admins may only look"),
            Self::Shape(error) => error.fmt(f),
            Self::UnknownNamespace => f.write_str("no such namespace"),
            Self::AdminNamespace => f.write_str("no events for admins"),
            Self::Emit(error) => error.fmt(f),
        }
    }
}

/// JavaScript leaves an argument out, or sends null or an empty text in its place.
fn optional(event: &Event, index: usize) -> Result<Option<String>, ArgError> {
    match event.arg::<Option<String>>(index) {
        Err(ArgError::Missing { .. }) => Ok(None),
        given => Ok(given?.filter(|text| !text.is_empty())),
    }
}
