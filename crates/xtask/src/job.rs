//! One running step: runs commands into a log file and keeps what passed, failed and was skipped.
//!
//! A step is a function of a [`Job`]. It reports each of its checks by name; an error that it returns
//! is one more failure. How steps are chosen and summed up is `run.rs`.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use crate::workspace::Workspace;

/// Why a step could not go on. Shown to people only, so a text is enough.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// How much time a run has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Everything.
    Full,
    /// What gives an answer within five minutes.
    Quick,
}

/// How many checks ended how.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// A step while it runs.
pub(crate) struct Job<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) pace: Pace,
    log: File,
    log_path: PathBuf,
    counts: Counts,
}

impl<'a> Job<'a> {
    pub(crate) fn start(workspace: &'a Workspace, name: &str, pace: Pace) -> io::Result<Self> {
        let log_path = workspace.artifact(&format!("{name}.log"));
        std::fs::create_dir_all(workspace.artifact(""))?;
        let log = File::create(&log_path)?;
        Ok(Self {
            workspace,
            pace,
            log,
            log_path,
            counts: Counts::default(),
        })
    }

    /// Runs a command and wants it to succeed.
    pub(crate) fn run(&mut self, command: Command, limit: Duration) -> Result<String, Error> {
        let output = self.attempt(command, limit)?;
        if output.success {
            Ok(output.text)
        } else {
            Err(output.failure().into())
        }
    }

    /// Runs a command from the workspace's folder unless it names another, prints it, copies what it
    /// says into the log, and kills it at the limit.
    pub(crate) fn attempt(
        &mut self,
        mut command: Command,
        limit: Duration,
    ) -> Result<Output, Error> {
        let line = shell_line(&command);
        println!("  $ {line}");
        writeln!(self.log, "$ {line}")?;
        if command.get_current_dir().is_none() {
            command.current_dir(self.workspace.root());
        }
        let (reader, writer) = io::pipe()?;
        command
            .stdin(std::process::Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer);
        let mut child = command
            .spawn()
            .map_err(|error| format!("{line} does not start: {error}"))?;
        drop(command); // holds the writing ends, without which the reader sees no end
        let text = self.copy(reader, limit);
        if text.is_err() {
            child.kill()?;
        }
        let success = child.wait()?.success();
        Ok(Output {
            success,
            text: text?,
            line,
        })
    }

    fn copy(&mut self, reader: io::PipeReader, limit: Duration) -> Result<String, Error> {
        let (sender, receiver) = mpsc::channel();
        let mut log = self.log.try_clone()?;
        thread::spawn(move || sender.send(copy_lines(reader, &mut log)));
        match receiver.recv_timeout(limit) {
            Ok(text) => Ok(text?),
            Err(RecvTimeoutError::Timeout) => Err(format!("no end after {limit:?}").into()),
            Err(RecvTimeoutError::Disconnected) => Err("its output could not be read".into()),
        }
    }

    pub(crate) fn pass(&mut self, name: &str) {
        self.counts.passed += 1;
        self.note(&format!("ok      {name}"));
    }

    pub(crate) fn fail(&mut self, name: &str, reason: &str) {
        self.counts.failed += 1;
        println!("  FAILED  {name}: {reason}");
        self.note(&format!("FAILED  {name}: {reason}"));
    }

    /// Something could not be had. That is a failure, unless `XTASK_ALLOW_SKIP` names it.
    pub(crate) fn missing(&mut self, name: &str, reason: &str) {
        if !may_skip(name) {
            return self.fail(name, reason);
        }
        self.counts.skipped += 1;
        println!("  SKIPPED {name}: {reason}");
        self.note(&format!("SKIPPED {name}: {reason}"));
    }

    /// Takes over what another program has counted.
    pub(crate) fn count(&mut self, counts: Counts) {
        self.counts.add(counts);
    }

    /// Something for people to read, of several lines.
    pub(crate) fn show(&mut self, text: &str) {
        println!();
        for line in text.lines() {
            println!("  {line}");
            self.note(line);
        }
    }

    /// A line of the log.
    pub(crate) fn note(&mut self, line: &str) {
        // A log that cannot be written must not turn a result around.
        let _ = writeln!(self.log, "{line}");
    }

    /// The log, for what servers say.
    pub(crate) fn log(&self) -> io::Result<File> {
        self.log.try_clone()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    pub(crate) fn log_path(&self) -> &Path {
        &self.log_path
    }
}

/// What a command did.
pub(crate) struct Output {
    pub(crate) success: bool,
    /// What it wrote to both of its outputs.
    pub(crate) text: String,
    line: String,
}

impl Output {
    pub(crate) fn failure(&self) -> String {
        format!("{} failed", self.line)
    }
}

/// Names in `XTASK_ALLOW_SKIP`, separated by commas, may be missing.
fn may_skip(name: &str) -> bool {
    let allowed = std::env::var("XTASK_ALLOW_SKIP").unwrap_or_default();
    allowed
        .split(',')
        .any(|allowed| !allowed.is_empty() && name.starts_with(allowed))
}

fn copy_lines(reader: io::PipeReader, log: &mut File) -> io::Result<String> {
    let mut reader = BufReader::new(reader);
    let mut text = Vec::new();
    loop {
        let before = text.len();
        if reader.read_until(b'\n', &mut text)? == 0 {
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
        log.write_all(&text[before..])?;
    }
}

fn shell_line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let words = program.file_name().into_iter().chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}
