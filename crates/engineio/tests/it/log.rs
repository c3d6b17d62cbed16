//! What the driver logs, as a host would have it written.

use std::{
    io,
    sync::{Arc, Mutex},
};

use tracing::{Level, subscriber::DefaultGuard};

/// The log of one test: its runtime has one thread, and the log belongs to that.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Logs for as long as the guard lives.
    pub(crate) fn start() -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::DEBUG)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The hint beside each of these events with this reason.
    pub(crate) fn hint(&self, event: &str, reason: &str) -> Option<String> {
        let text = self.text();
        let reason = format!("reason=\"{reason}\"");
        let mut lines = text.lines().filter(|line| line.contains(event));
        let line = lines.find(|line| line.contains(&reason))?;
        let hint = line.split("hint=\"").nth(1)?;
        hint.split('"').next().map(str::to_owned)
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
