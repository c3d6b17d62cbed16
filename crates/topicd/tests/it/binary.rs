//! The binary: what it prints, and its exit codes.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use crate::{client::call, socket::Socket};

/// A server process; it is killed when it goes out of scope.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// Starts `topicd dev` without its sensor and waits for the address.
    pub(crate) fn dev(folder: &Path) -> Self {
        let mut command = topicd(&[
            "dev",
            "--listen",
            "127.0.0.1:0",
            "--sensor",
            "off",
            "--data-dir",
        ]);
        let mut child = command.arg(folder).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let page = lines.find_map(|line| {
            line.unwrap()
                .split_once("http://")
                .map(|(_, page)| page.to_owned())
        });
        let address = page.unwrap().trim_end_matches('/').parse().unwrap();
        Self { child, address }
    }

    /// The most memory that it has had so far, in bytes.
    pub(crate) fn peak_memory(&self) -> usize {
        self.status("VmHWM:")
    }

    /// The memory that it has, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.status("VmRSS:")
    }

    fn status(&self, name: &str) -> usize {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
        kilobytes.parse::<usize>().unwrap() * 1024
    }

    /// As the power would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) async fn tokens(&self) -> (String, String) {
        let answer = call(self.address, "GET", "/dev.json", "", "").await;
        (answer.field("sessionToken"), answer.field("thingToken"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn topicd(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_topicd"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

/// Runs a command that must fail with this exit code and one plain line.
#[track_caller]
fn fails(command: &mut Command, code: i32) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    let message = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(code), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

#[test]
fn a_config_that_is_missing_or_wrong_is_78() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("topicd.toml");
    let serve = || {
        let mut command = topicd(&["serve", "--config"]);
        command.arg(&file);
        command
    };
    let message = fails(&mut serve(), 78);
    assert!(message.starts_with("topicd: cannot read "), "{message}");
    assert!(message.contains("`topicd config default`"), "{message}");
    std::fs::write(&file, "listen = \"127.0.0.1:0\"\nlisen = 1\n").unwrap();
    let message = fails(&mut serve(), 78);
    let expected = "topicd.toml, line 2: unknown key \"lisen\", did you mean \"listen\"?\n";
    assert!(message.ends_with(expected), "{message}");
    let message = fails(topicd(&["serve"]).env("TOPICD_LISTEN", "nowhere"), 78);
    let expected = "TOPICD_LISTEN: \"nowhere\" is not of the form ADDRESS:PORT\n";
    assert!(message.ends_with(expected), "{message}");
    let message = fails(&mut topicd(&["dev", "--listen", "0.0.0.0:0"]), 78);
    assert!(message.contains("no loopback address"), "{message}");
}

#[test]
fn wrong_usage_is_2() {
    let Output { status, .. } = topicd(&["serve", "--nonsense"]).output().unwrap();
    assert_eq!(status.code(), Some(2));
}

#[test]
fn a_user_without_a_plausible_email_is_wrong_usage() {
    for email in ["", "anna", "@host", "anna@", "an na@host"] {
        let output = topicd(&["user", "create", email]).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{email:?}: {message}");
        assert!(message.contains("NAME@HOST"), "{email:?}: {message}");
    }
}

#[test]
fn what_is_taken_is_69() {
    let folder = tempfile::tempdir().unwrap();
    let first = Process::dev(folder.path());
    let mut second = topicd(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
    let message = fails(second.arg(folder.path()), 69);
    assert!(
        message.contains("another topicd uses the data folder"),
        "{message}"
    );
    let other = tempfile::tempdir().unwrap();
    let mut second = topicd(&["dev", "--listen", &first.address.to_string(), "--data-dir"]);
    let message = fails(second.arg(other.path()), 69);
    assert!(message.contains("cannot listen on"), "{message}");
    assert!(message.contains("; stop what uses it"), "{message}");
    let mut elsewhere = topicd(&["serve", "--listen", "192.0.2.1:0", "--data-dir"]);
    let message = fails(elsewhere.arg(other.path()), 69);
    assert!(
        message.contains("; name an address of this machine"),
        "{message}"
    );
    let file = other.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut blocked = topicd(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
    let message = fails(blocked.arg(file), 69);
    assert!(message.contains("cannot use the data folder"), "{message}");
    assert!(message.contains("; name a folder, not a file"), "{message}");
}

#[tokio::test]
async fn dev_comes_back_with_its_thing_and_its_values() {
    let folder = tempfile::tempdir().unwrap();
    let first = Process::dev(folder.path());
    let (_, thing) = first.tokens().await;
    let path = format!("/v2/things/{thing}");
    let body = r#"{"values":[{"key":"kept","value":1}]}"#;
    assert_eq!(
        call(first.address, "POST", &path, "", body).await.status,
        201
    );
    first.kill();
    let second = Process::dev(folder.path());
    let (session, again) = second.tokens().await;
    assert_eq!(thing, again);
    let answer = call(second.address, "GET", "/v2/me/resources/kept", &session, "").await;
    assert_eq!(answer.status, 200);
    let page = call(second.address, "GET", "/", "", "").await;
    assert!(
        page.head
            .contains("content-security-policy: default-src 'none';"),
        "{}",
        page.head
    );
}

#[test]
fn a_code_is_made_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = topicd(&["code", "create", "--data-dir"]);
    let output = command.arg(folder.path()).output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim().len(), 43);
}

#[tokio::test]
async fn dev_makes_another_demo_if_the_database_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let first = Process::dev(folder.path());
    let (_, thing) = first.tokens().await;
    first.kill();
    for file in ["topicd.sqlite", "topicd.sqlite-wal", "topicd.sqlite-shm"] {
        let _ = std::fs::remove_file(folder.path().join(file));
    }
    let second = Process::dev(folder.path());
    let (_, other) = second.tokens().await;
    assert_ne!(thing, other);
    second.kill();
    let third = Process::dev(folder.path());
    assert_eq!(third.tokens().await.1, other);
}

#[cfg(unix)]
#[test]
fn a_folder_that_dev_makes_is_private_and_so_is_all_in_it() {
    use std::{fs, os::unix::fs::PermissionsExt};

    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let _running = Process::dev(&folder);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("dev.json")), 0o600);
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{path:?}");
    }
}

#[test]
fn the_defaults_are_good_settings() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("topicd.toml");
    let output = topicd(&["config", "default"]).output().unwrap();
    std::fs::write(&file, output.stdout).unwrap();
    let mut check = topicd(&["config", "check", "--config"]);
    assert!(check.arg(file).output().unwrap().status.success());
}

// Contract 34
#[tokio::test]
async fn no_token_is_in_the_log_at_any_level() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut serve = topicd(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
    let serve = serve.arg(folder.path()).env("TOPICD_LOG", "trace");
    let mut child = serve
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let (_, address) = line.split_once("http://").unwrap();
    let (address, _) = address.split_once("/v2").unwrap();
    let address = address.parse().unwrap();
    let process = Process { child, address };

    let mut socket = Socket::open(address).await;
    socket
        .emit("authenticate", r#"{"sessionToken":"canary"}"#)
        .await;
    assert!(socket.next().await.contains("Invalid session token"));
    call(address, "GET", "/v2/things/canary/resources", "canary", "").await;
    process.kill();
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "{log}");
    assert!(!log.contains("canary"), "{log}");
}

#[tokio::test]
async fn a_backup_of_a_running_server_can_be_served() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::dev(folder.path());
    let (_, thing) = server.tokens().await;
    let path = format!("/v2/things/{thing}");
    let body = r#"{"values":[{"key":"a","value":"kept"}]}"#;
    assert_eq!(
        call(server.address, "POST", &path, "", body).await.status,
        201
    );
    let restored = tempfile::tempdir().unwrap();
    let copy = restored.path().join("topicd.sqlite");
    let backup = || {
        let mut command = topicd(&["backup", "--data-dir"]);
        command.arg(folder.path()).arg(&copy);
        command
    };
    let output = backup().output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let message = fails(&mut backup(), 1);
    assert!(message.contains("exists"), "{message}");
    server.kill();
    let server = Process::dev(restored.path());
    let read = format!("{path}/resources/a");
    let answer = call(server.address, "GET", &read, "", "").await;
    assert!(
        answer.body.starts_with(r#"[{"key":"a","value":"kept","#),
        "{answer:?}"
    );
}
