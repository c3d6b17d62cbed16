//! The operator's commands, through the server that uses the data folder and without one.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::Path,
    process::Stdio,
};

use crate::{
    binary::topicd,
    client::call,
    serving::{Serving, output, run},
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
    let status = async |path: &str, token: &str| {
        let answer = call(server.address, "GET", path, token, "").await;
        answer.status
    };
    let resources = |thing: &str| format!("/v2/things/{thing}/resources");
    assert_eq!(status(&resources(&thing), "").await, 200);
    assert_eq!(status("/v2", &session).await, 200);
    let [thing, session] = all_commands(folder.path(), "ben").await;
    assert_eq!(status(&resources(&thing), "").await, 200);
    assert_eq!(status("/v2", &session).await, 200);
    output(folder.path(), &["user", "revoke", "ben@example.com"], "");
    assert_eq!(status("/v2", &session).await, 401);
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
