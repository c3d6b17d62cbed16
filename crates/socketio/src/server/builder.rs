//! Putting a server together.

use std::{sync::Arc, time::Duration};

use engineio::EngineService;

use super::{Application, HandlerFailure, Server, Settings, Shared};
use crate::{Adapter, InboxLimits, LocalSockets, Parser, Recovery};

/// A server that is being put together. Every setting has a default.
#[derive(Default)]
#[must_use = "nothing happens before `build`"]
pub struct Builder {
    engine: engineio::Config,
    protocol: socketio_proto::Config,
    path: Option<String>,
    settings: Settings,
}

impl Builder {
    /// The settings of the Engine.IO level. Their path is not used: see [`Builder::path`].
    pub fn engine(mut self, config: engineio::Config) -> Self {
        self.engine = config;
        self
    }

    /// The settings of the Socket.IO protocol: connect timeout and limits.
    pub fn protocol(mut self, config: socketio_proto::Config) -> Self {
        self.protocol = config;
        self
    }

    /// The path that clients ask for. Default `/socket.io/`. It begins and ends with a slash: those
    /// that are missing are added, as clients do with theirs.
    ///
    /// ```
    /// let server = socketio::Server::builder().path("realtime").build();
    /// assert!(server.service().serves("/realtime/"));
    /// ```
    pub fn path(mut self, path: impl AsRef<str>) -> Self {
        self.path = Some(with_slashes(path.as_ref()));
        self
    }

    /// What connects this server with others. Default: nothing.
    pub fn adapter(mut self, adapter: impl Adapter) -> Self {
        self.settings.adapter = Box::new(adapter);
        self
    }

    /// In which form packets travel. Default [`Parser::Text`].
    pub fn parser(mut self, parser: Parser) -> Self {
        self.settings.parser = parser;
        self
    }

    /// Lets clients that lose their connection come back. Default: each connection is a new one.
    pub fn recovery(mut self, recovery: Recovery) -> Self {
        self.settings.recovery = Some(recovery.into());
        self
    }

    /// How long answers to events are awaited, unless an emit has a timeout of its own. Default
    /// 20 s.
    pub fn ack_timeout(mut self, timeout: Duration) -> Self {
        self.settings.ack_timeout = timeout;
        self
    }

    /// How many answers of one socket may be awaited at once. Default 1,024.
    pub fn max_open_acks(mut self, count: usize) -> Self {
        self.settings.max_open_acks = count;
        self
    }

    /// How many rooms one socket may be in. Default 1,024.
    pub fn max_rooms(mut self, count: usize) -> Self {
        self.settings.max_rooms = count;
        self
    }

    /// How much may wait for the handlers of one socket before its client is not read any more.
    pub fn inbox(mut self, limits: InboxLimits) -> Self {
        self.settings.inbox = limits;
        self
    }

    /// Sets what is told of handlers that fail or panic. Default: it is logged.
    ///
    /// ```
    /// # use socketio::{Failure, Server};
    /// #[derive(Debug)]
    /// struct NotFound;
    /// # impl std::fmt::Display for NotFound {
    /// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("not found") }
    /// # }
    /// # impl std::error::Error for NotFound {}
    ///
    /// let server = Server::builder()
    ///     .on_handler_failure(|failure| match failure.failure {
    ///         Failure::Error(error) if error.downcast_ref::<NotFound>().is_some() => {}
    ///         other => eprintln!("{:?} of {} failed: {other:?}", failure.handling, failure.socket),
    ///     })
    ///     .build();
    /// ```
    pub fn on_handler_failure(
        mut self,
        hook: impl Fn(&HandlerFailure<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.settings.failure_hook = Some(Arc::new(hook));
        self
    }

    /// The server.
    pub fn build(mut self) -> Server {
        self.engine.path = self.path.unwrap_or_else(|| "/socket.io/".into());
        self.settings.slow_consumer = self.engine.protocol.slow_consumer;
        let shared = Shared::new(self.settings, self.protocol);
        let adapter = &shared.settings().adapter;
        adapter.start(LocalSockets::new(&shared));
        Server {
            engine: EngineService::new(self.engine, Application(Arc::clone(&shared))),
            shared,
        }
    }
}

fn with_slashes(path: &str) -> String {
    match path.trim_matches('/') {
        "" => "/".into(),
        path => format!("/{path}/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_slashes_are_added() {
        for path in ["a/b", "/a/b", "a/b/", "/a/b/"] {
            assert_eq!(with_slashes(path), "/a/b/");
        }
        for path in ["", "/"] {
            assert_eq!(with_slashes(path), "/");
        }
    }
}
