//! Commands that need no server: settings, what a shell asks for, files that are damaged.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use crate::binary::topicd;

fn initialised() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let output = topicd(&["init"]).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let file = folder.path().join("topicd.toml");
    (folder, file)
}

#[test]
fn init_makes_settings_that_are_good_and_private_and_spares_what_is_there() {
    let (folder, file) = initialised();
    let check = topicd(&["config", "check", "--config"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(check.status.success(), "{check:?}");
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("# days until a session token expires\nsession_days = 30\n"),
        "{text}"
    );
    let token = fs::read_to_string(folder.path().join("admin-token")).unwrap();
    assert_eq!(token.trim().len(), 43);
    #[cfg(unix)]
    for name in ["topicd.toml", "admin-token"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let again = topicd(&["init"]).arg(folder.path()).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn show_tells_where_each_setting_came_from() {
    let (_folder, file) = initialised();
    let mut show = topicd(&[
        "config",
        "show",
        "--origin",
        "--listen",
        "127.0.0.1:9",
        "--config",
    ]);
    let show = show.arg(file).env("TOPICD_REALTIME_AUTH_TIMEOUT", "7");
    let text = String::from_utf8(show.output().unwrap().stdout).unwrap();
    for line in [
        "listen = \"127.0.0.1:9\"  # flag: --listen",
        "realtime.auth_timeout = 7  # environment: TOPICD_REALTIME_AUTH_TIMEOUT",
        "accounts.session_days = 30  # file",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
    let mut defaults = topicd(&["config", "show", "--origin"]);
    let text = String::from_utf8(defaults.output().unwrap().stdout).unwrap();
    assert!(
        text.lines().all(|line| line.ends_with("  # default")),
        "{text}"
    );
}

#[test]
fn settings_that_contradict_each_other_are_78() {
    for (variable, text, message) in [
        (
            "TOPICD_TLS_LISTEN",
            "127.0.0.1:0",
            "tls.listen needs tls.certificate and tls.key",
        ),
        (
            "TOPICD_SHUTDOWN_DRAIN_SECONDS",
            "30",
            "must be less than shutdown.deadline_seconds",
        ),
        ("TOPICD_LOG_LEVEL", "topicd=loud", "log.level: "),
        (
            "TOPICD_PROXY_TRUSTED",
            "10.0.0.0/99",
            "is no network such as",
        ),
        ("TOPICD_LOG_FORMAT", "xml", "TOPICD_LOG_FORMAT: "),
    ] {
        let output = topicd(&["config", "check"])
            .env(variable, text)
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(78), "{variable}: {error}");
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn shells_and_man_know_the_commands() {
    for arguments in [
        &["completions", "bash"][..],
        &["completions", "zsh"],
        &["man"],
    ] {
        let output = topicd(arguments).output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.contains("serve") && text.contains("tail"),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_damaged_memory_of_the_demo_is_told_with_what_helps() {
    let folder = tempfile::tempdir().unwrap();
    for damage in ["", "{", "[]", r#"{"password":1}"#, "\u{0}"] {
        fs::write(folder.path().join("dev.json"), damage).unwrap();
        let mut dev = topicd(&["dev", "--listen", "127.0.0.1:0", "--data-dir"]);
        let output = dev.arg(folder.path()).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(78), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(
            message.contains("dev.json are damaged; remove that file"),
            "{message}"
        );
    }
}
