//! `topicd` as processes: a server on a data folder, and commands on the same folder.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStderr, Command, Output, Stdio},
    time::Duration,
};

use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};

use crate::binary::topicd;

/// `topicd serve` on a folder; it is killed when it goes out of scope.
pub(crate) struct Serving {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) log: UnboundedReceiver<String>,
}

impl Serving {
    pub(crate) fn start(folder: &Path, configure: impl FnOnce(&mut Command)) -> Self {
        let mut command = topicd(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
        command
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        configure(&mut command);
        let mut child = command.spawn().unwrap();
        let log = lines_of(child.stderr.take().unwrap());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut address = || {
            let line = lines.next().unwrap().unwrap();
            let (_, address) = line.split_once("http://").unwrap();
            let address = address
                .split_once("/v2")
                .map_or(address, |(address, _)| address);
            address.parse().unwrap()
        };
        Self {
            address: address(),
            admin: address(),
            child,
            log,
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until the log says it, and returns what it said before that, too.
    pub(crate) async fn logged(&mut self, what: &str) -> Vec<String> {
        let mut lines = Vec::new();
        while !lines
            .last()
            .is_some_and(|line: &String| line.contains(what))
        {
            let next = timeout(Duration::from_secs(20), self.log.recv()).await;
            let next = next.ok().flatten();
            lines.push(next.unwrap_or_else(|| panic!("no {what:?} in {lines:?}")));
        }
        lines
    }

    /// Waits for the end: the exit code, and the rest of the log.
    pub(crate) async fn ended(mut self) -> (Option<i32>, Vec<String>) {
        let mut lines = Vec::new();
        while let Some(line) = self.log.recv().await {
            lines.push(line);
        }
        (self.child.wait().unwrap().code(), lines)
    }
}

/// Lines as they come, read by a thread of its own so that the writer never waits.
fn lines_of(stream: ChildStderr) -> UnboundedReceiver<String> {
    let (sender, lines) = unbounded_channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command on a data folder with something on its standard input.
pub(crate) fn run(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = topicd(arguments);
    command.arg("--data-dir").arg(folder);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// The same for a command that must succeed: what it printed.
#[track_caller]
pub(crate) fn output(folder: &Path, arguments: &[&str], input: &str) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = run(folder, arguments, input);
    let message = String::from_utf8(stderr).unwrap();
    assert!(status.success(), "{arguments:?}: {message}");
    String::from_utf8(stdout).unwrap().trim_end().to_owned()
}
