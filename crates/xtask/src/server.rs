//! A server process under test: started on a free port of the loopback, ended when it is dropped.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use crate::job::{Error, Job};

/// How the addresses begin that servers print.
const LOOPBACK: &str = "127.0.0.1:";

/// A debug build on a busy machine needs some seconds.
const START_LIMIT: Duration = Duration::from_secs(30);

/// After SIGTERM; then it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// A running server.
pub(crate) struct Server {
    child: Child,
    address: String,
    /// The lines that name an address; closed once its output has ended.
    output: Receiver<String>,
}

impl Server {
    /// Starts the command and waits until it has printed its address.
    pub(crate) fn start(job: &mut Job<'_>, mut command: Command) -> Result<Self, Error> {
        job.note(&format!("$ {command:?} &"));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(job.log()?);
        let mut child = command
            .spawn()
            .map_err(|error| format!("{:?} does not start: {error}", command.get_program()))?;
        let stdout = child.stdout.take().ok_or("the server has no output")?;
        let (sender, receiver) = mpsc::channel();
        let log = job.log()?;
        thread::spawn(move || watch(stdout, log, &sender));
        // From here on the process is killed whatever happens.
        let mut server = Self {
            child,
            address: String::new(),
            output: receiver,
        };
        server.address = server.printed("")?;
        Ok(server)
    }

    /// The loopback address in the next line that has this before it.
    fn printed(&self, scheme: &str) -> Result<String, Error> {
        loop {
            let line = self
                .output
                .recv_timeout(START_LIMIT)
                .map_err(|_| "the server has not printed its address")?;
            if let Some(address) = address_in(&line, scheme) {
                return Ok(address);
            }
        }
    }

    /// `https://127.0.0.1:PORT` of a server that has printed it after its first address.
    pub(crate) fn tls_url(&self) -> Result<String, Error> {
        Ok(format!("https://{}", self.printed("https://")?))
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// `http://127.0.0.1:PORT`, without a slash behind it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it, and with it what it has started: `strace` passes the signal on.
    pub(crate) fn stop(self) {}
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whatever goes wrong here, there is nobody to tell.
        let pid = self.child.id().to_string();
        let _ = Command::new("kill")
            .args(["-TERM", &pid])
            .stderr(Stdio::null())
            .status();
        while self.output.recv_timeout(STOP_LIMIT).is_ok() {}
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Copies the output into the log to its end, so that the server never blocks on it.
fn watch(stdout: ChildStdout, mut log: File, found: &mpsc::Sender<String>) -> io::Result<()> {
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        writeln!(log, "{line}")?;
        if line.contains(LOOPBACK) {
            // Most servers are asked for the first one only.
            let _ = found.send(line);
        }
    }
    Ok(())
}

/// The loopback address with a port that a line names, with this before it.
fn address_in(line: &str, scheme: &str) -> Option<String> {
    let (_, digits) = line.split_once(&format!("{scheme}{LOOPBACK}"))?;
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    let port: u16 = digits[..end].parse().ok()?;
    Some(format!("{LOOPBACK}{port}"))
}

#[cfg(test)]
mod tests {
    use super::address_in;

    #[test]
    fn address_is_found_within_a_line() {
        let found = address_in("listening on http://127.0.0.1:4711/engine.io/", "");
        assert_eq!(found.as_deref(), Some("127.0.0.1:4711"));
        assert_eq!(
            address_in("at 127.0.0.1:80", "").as_deref(),
            Some("127.0.0.1:80")
        );
        assert_eq!(address_in("127.0.0.1:", ""), None);
        assert_eq!(address_in("no address", ""), None);
        assert_eq!(address_in("http://127.0.0.1:80", "https://"), None);
        let secure = address_in("with TLS: https://127.0.0.1:443/v2", "https://");
        assert_eq!(secure.as_deref(), Some("127.0.0.1:443"));
    }
}
