//! The commands, with a server that runs on their data folder and without, and what signals do.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::Stdio,
};

use tempfile::TempDir;

use crate::{
    binary::topicd,
    client::call,
    serving::{Serving, output, run},
    socket::Socket,
};

/// What every command does, whoever has the folder.
async fn all_commands(folder: &Path, who: &str) -> [String; 2] {
    let email = format!("{who}@example.com");
    output(folder, &["user", "create", &email], "secret\n");
    let twice = run(folder, &["user", "create", &email], "secret");
    assert_eq!(twice.status.code(), Some(1));
    assert_eq!(twice.stderr, b"topicd: email already registered\n");
    assert!(output(folder, &["user", "list"], "").contains(&email));
    output(folder, &["app", "create", who], "");
    assert!(
        output(folder, &["app", "list"], "")
            .lines()
            .any(|app| app == who)
    );
    output(folder, &["app", "remove", who], "");
    let made = output(folder, &["thing", "create"], "");
    let fields: Vec<_> = made
        .lines()
        .map(|line| line.split_once('\t').unwrap().1)
        .collect();
    let [id, old] = fields.try_into().unwrap();
    assert!(output(folder, &["thing", "list"], "").contains(id));
    let changed = output(folder, &["thing", "token", id], "");
    let (_, token) = changed.lines().nth(1).unwrap().split_once('\t').unwrap();
    assert_ne!(token, old);
    let granted = output(folder, &["grant", "create", id, "read"], "");
    let (number, _) = granted.split_once("\nthingToken\t").unwrap();
    let number = number.strip_prefix("grant\t").unwrap();
    let listed = output(folder, &["grant", "list", id], "");
    assert!(listed.contains(&format!("\n{number}\tread\t")), "{listed}");
    output(folder, &["grant", "revoke", id, number], "");
    assert_eq!(
        output(folder, &["grant", "list", id], ""),
        "grant\tscope\tcreated"
    );
    assert_eq!(output(folder, &["code", "create"], "").len(), 43);
    let session = output(folder, &["token", "create", &email], "");
    let narrow = ["token", "create", &email, "--topic", "/me/resources/a"];
    let revoked = output(folder, &["token", "revoke"], &output(folder, &narrow, ""));
    assert_eq!(revoked, "session token revoked");
    let unknown = run(folder, &["token", "revoke"], "unknown");
    assert_eq!(unknown.status.code(), Some(1));
    output(folder, &["user", "password", &email], "other");
    let revoked = output(folder, &["token", "create", &email], "");
    assert_ne!(session, revoked);
    [token.to_owned(), revoked]
}

#[tokio::test]
async fn commands_work_on_the_folder_and_through_the_server_that_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let [thing, session] = all_commands(folder.path(), "anna").await;
    let server = Serving::start(folder.path(), |_| {});
    let path = format!("/v2/things/{thing}/resources");
    assert_eq!(call(server.address, "GET", &path, "", "").await.status, 200);
    assert_eq!(
        call(server.address, "GET", "/v2", &session, "")
            .await
            .status,
        200
    );
    let [thing, session] = all_commands(folder.path(), "ben").await;
    let path = format!("/v2/things/{thing}/resources");
    assert_eq!(call(server.address, "GET", &path, "", "").await.status, 200);
    assert_eq!(
        call(server.address, "GET", "/v2", &session, "")
            .await
            .status,
        200
    );
    output(folder.path(), &["user", "revoke", "ben@example.com"], "");
    assert_eq!(
        call(server.address, "GET", "/v2", &session, "")
            .await
            .status,
        401
    );
}

#[test]
fn a_server_without_an_admin_listener_cannot_be_reached() {
    let folder = tempfile::tempdir().unwrap();
    let log = File::create(folder.path().join("log")).unwrap();
    let mut command = topicd(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(folder.path()).env("TOPICD_ADMIN_LISTEN", "off");
    let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let refused = run(folder.path(), &["user", "list"], "");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(refused.status.code(), Some(69));
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(
        message.contains("has no admin listener; start it with admin.listen"),
        "{message}"
    );
}

#[tokio::test]
async fn tail_prints_what_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let made = output(folder.path(), &["thing", "create"], "");
    let fields: Vec<_> = made
        .lines()
        .map(|line| line.split_once('\t').unwrap().1)
        .collect();
    let (id, token) = (fields[0], fields[1]);
    let server = Serving::start(folder.path(), |_| {});
    let mut command = topicd(&["tail", &format!("/things/{id}"), "--data-dir"]);
    command.arg(folder.path()).stdout(Stdio::piped());
    let mut tail = command.spawn().unwrap();
    // It is there when the server counts its stream.
    let key = fs::read_to_string(folder.path().join("admin-token")).unwrap();
    let key = format!("Bearer {}", key.trim());
    let listening = r#"topicd_streams{topic="thing"} 1"#;
    while !call(server.admin, "GET", "/metrics", &key, "")
        .await
        .body
        .contains(listening)
    {}
    let path = format!("/v2/things/{token}");
    let body = r#"{"values":[{"key":"a","value":1.50}]}"#;
    assert_eq!(
        call(server.address, "POST", &path, "", body).await.status,
        201
    );
    let mut line = String::new();
    BufReader::new(tail.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    tail.kill().unwrap();
    tail.wait().unwrap();
    assert!(
        line.starts_with(r#"[{"key":"a","value":1.50,"datetime":""#),
        "{line}"
    );
    let nobody = run(
        folder.path(),
        &["tail", "/me/resources/a", "--user", "x@y.example"],
        "",
    );
    assert_eq!(nobody.status.code(), Some(1));
    assert_eq!(nobody.stderr, b"topicd: no such user\n");
    let wrong = topicd(&["tail", "nonsense"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

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

#[cfg(unix)]
#[tokio::test]
async fn sigterm_ends_with_0_and_the_session_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Serving::start(folder.path(), |_| {});
    let mut socket = Socket::open(server.address).await;
    server.signal("-TERM");
    while socket.next_or_end().await.is_some() {}
    assert_eq!(server.ended().await.0, Some(0));
    assert!(!folder.path().join("admin-address").exists());
    assert!(!folder.path().join("topicd.sqlite-wal").exists());
}

#[cfg(unix)]
#[tokio::test]
async fn sighup_takes_what_can_change_and_says_what_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("topicd.toml");
    fs::write(&file, "").unwrap();
    let mut server = Serving::start(folder.path(), |command| {
        command.arg("--config").arg(&file);
    });
    let address = server.address;
    let register = async |email: &str| {
        let body = format!(r#"{{"email":"{email}","password":"x"}}"#);
        call(address, "POST", "/v2/register", "", &body)
            .await
            .status
    };
    assert_eq!(register("a@b.example").await, 403);
    let other = "[accounts]\nregistration = true\n[log]\nlevel = \"debug\"\n[realtime]\nlegacy_eio = false\n";
    fs::write(&file, other).unwrap();
    server.signal("-HUP");
    server.logged("the settings were reloaded").await;
    let told = server.logged("hold from the next start on").await;
    assert!(
        told.last().unwrap().contains("realtime.legacy_eio"),
        "{told:?}"
    );
    assert_eq!(register("a@b.example").await, 201);
    // The level is another one, too: sessions are told at this one.
    Socket::open(server.address).await;
    server.logged("session opened").await;

    fs::write(&file, "[accounts]\nregistration = maybe\n").unwrap();
    server.signal("-HUP");
    server
        .logged("the settings were not reloaded, the old ones hold")
        .await;
    assert_eq!(register("c@b.example").await, 201);
}

/// One line of JSON, or of text for people.
#[cfg(unix)]
#[tokio::test]
async fn the_log_is_json_or_text_as_the_settings_say() {
    for (format, is_json) in [("json", true), ("text", false), ("auto", true)] {
        let folder = tempfile::tempdir().unwrap();
        let server = Serving::start(folder.path(), |command| {
            command.env("TOPICD_LOG_FORMAT", format);
        });
        server.signal("-TERM");
        let (code, log) = server.ended().await;
        assert_eq!(code, Some(0));
        assert!(
            log.iter().any(|line| line.contains("the server ends")),
            "{log:?}"
        );
        for line in log {
            let parsed = serde_json::from_str::<serde_json::Value>(&line);
            assert_eq!(parsed.is_ok(), is_json, "{line}");
        }
    }
}

#[tokio::test]
async fn no_secret_is_in_the_log_at_any_level() {
    let folder = tempfile::tempdir().unwrap();
    output(
        folder.path(),
        &["user", "create", "a@b.example"],
        "canary-password",
    );
    let session = output(folder.path(), &["token", "create", "a@b.example"], "");
    let server = Serving::start(folder.path(), |command| {
        command.env("TOPICD_LOG", "trace");
    });
    let token = fs::read_to_string(folder.path().join("admin-token")).unwrap();
    let bearer = format!("Bearer {}", token.trim());
    let made = call(server.admin, "POST", "/admin/things", &bearer, "").await;
    let code = call(server.admin, "POST", "/admin/codes", &bearer, "").await;
    let (thing, code) = (made.field("thingToken"), code.field("activationCode"));
    let login = r#"{"email":"a@b.example","password":"canary-password"}"#;
    assert_eq!(
        call(server.address, "POST", "/v2/login", "", login)
            .await
            .status,
        200
    );
    let write = r#"{"values":[{"key":"a","value":1}]}"#;
    let path = format!("/v2/things/{thing}");
    assert_eq!(
        call(server.address, "POST", &path, "", write).await.status,
        201
    );
    let activation = format!(r#"{{"activationCode":"{code}"}}"#);
    assert_eq!(
        call(server.address, "POST", "/v2/things", "", &activation)
            .await
            .status,
        201
    );
    call(
        server.admin,
        "GET",
        "/metrics?token=canary-query",
        "Bearer canary-bearer",
        "",
    )
    .await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&session).await;
    socket.subscribe(&format!("/things/{thing}")).await;
    socket
        .emit("subscribe", r#"{"resource":"/things/canary-topic"}"#)
        .await;
    socket.next().await;
    socket
        .emit("authenticate", r#"{"sessionToken":"canary-session"}"#)
        .await;
    socket.next().await;
    server.signal("-TERM");
    let (exit_code, log) = server.ended().await;
    assert_eq!(exit_code, Some(0));
    let log = log.join("\n");
    assert!(log.contains("DEBUG"), "{log}");
    for secret in ["canary", token.trim(), &session, &thing, &code] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
