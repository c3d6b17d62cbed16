//! What signals do to a server.

use std::fs;

use crate::{client::call, serving::Serving, socket::Socket};

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
