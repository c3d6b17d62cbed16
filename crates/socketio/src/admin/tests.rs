//! What a server with admins does while none is there: nothing.

use super::*;
use crate::{Server, testing::Client};

fn server() -> Server {
    let server = Server::new();
    server.admin(Admin::new(Credentials::password("ops", "rosebud")));
    server
}

#[tokio::test(start_paused = true)]
async fn a_server_is_watched_only_while_an_admin_is_there() {
    let server = server();
    let watched = || server.shared().settings().watched.is_watched();
    assert!(!watched());
    for _ in 0..2 {
        let mut console = Client::open(&server).await;
        let auth = r#"{"username":"ops","password":"rosebud"}"#;
        console.join_with("/admin", auth).await.unwrap();
        console.next().await.unwrap();
        assert!(watched());
        console.send("1/admin,").await;
        while watched() {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_is_not_shown_anything() {
    let server = server();
    let mut stranger = Client::open(&server).await;
    let refused = stranger.join_with("/admin", r#"{"username":"ops"}"#).await;
    assert!(refused.is_err());
    assert!(!server.shared().settings().watched.is_watched());
}

#[tokio::test(start_paused = true)]
async fn a_server_goes_with_its_last_handle() {
    let server = server();
    let shared = Arc::downgrade(server.shared());
    drop(server);
    assert!(shared.upgrade().is_none());
}
