//! Who gets in.

use std::net::SocketAddr;

use serde_json::json;
use socketio::{
    Recovery, Server,
    admin::{Admin, Credentials},
};

use super::{Console, LOGIN, admin, server};
use crate::client::{Client, serve};

#[tokio::test]
async fn nobody_enters_without_credentials() {
    let address = serve(&server(admin())).await;
    for auth in [
        "",
        "{}",
        r#"{"username":"ops"}"#,
        r#"{"username":"ops","password":""}"#,
        r#"{"username":"ops","password":"Rosebud"}"#,
        r#"{"username":"","password":"rosebud"}"#,
        r#"{"username":"ops","password":["rosebud"]}"#,
        r#"{"sessionId":null}"#,
        r#"{"sessionId":""}"#,
        r#"{"sessionId":"00000000000000000000000000000000"}"#,
    ] {
        let refused = r#"44/admin,{"message":"invalid credentials"}"#;
        assert_eq!(refusal(address, auth).await, refused, "{auth}");
    }
}

#[tokio::test]
async fn a_password_in_the_query_does_not_count() {
    let address = serve(&server(admin())).await;
    let mut client = Client::v4(address).await;
    client.send("40/admin?username=ops&password=rosebud,").await;
    client.expect(r#"44/admin,"invalid credentials""#).await;
}

#[tokio::test]
async fn without_admins_there_is_no_namespace() {
    let address = serve(&Server::new()).await;
    let refused = r#"44/admin,{"message":"Invalid namespace"}"#;
    assert_eq!(refusal(address, LOGIN).await, refused);
}

#[tokio::test]
async fn guesses_are_limited() {
    let address = serve(&server(admin())).await;
    let wrong = r#"{"username":"ops","password":"?"}"#;
    for _ in 0..10 {
        let refused = r#"44/admin,{"message":"invalid credentials"}"#;
        assert_eq!(refusal(address, wrong).await, refused);
    }
    // Whoever guesses does not learn that this was the right one.
    let refused = r#"44/admin,{"message":"too many attempts"}"#;
    assert_eq!(refusal(address, LOGIN).await, refused);
}

#[tokio::test]
async fn an_admin_comes_back_with_its_session() {
    let address = serve(&server(admin())).await;
    let mut first = Console::enter(address, LOGIN).await;
    let session = first.next("session").await.remove(0);
    drop(first);
    let auth = json!({ "sessionId": session }).to_string();
    let mut again = Console::enter(address, &auth).await;
    again.next("config").await;
}

#[tokio::test]
async fn recovery_is_no_way_in() {
    let server = Server::builder().recovery(Recovery::new()).build();
    server.admin(admin());
    let mut client = Client::v5(serve(&server).await).await;
    client.send(&format!("40/admin,{LOGIN}")).await;
    let answer = client.text().await;
    // Nothing is handed out to come back with but the session id.
    assert!(
        answer.starts_with("40/admin,{") && !answer.contains("pid"),
        "{answer}"
    );
}

#[tokio::test]
async fn the_application_may_decide() {
    let credentials = Credentials::verified_by(|username, password| {
        assert_ne!(password, "panic");
        (username, password) == ("root", "toor")
    });
    let address = serve(&server(Admin::new(credentials))).await;
    let refused = r#"44/admin,{"message":"invalid credentials"}"#;
    assert_eq!(refusal(address, LOGIN).await, refused);
    let panics = r#"{"username":"root","password":"panic"}"#;
    assert_eq!(refusal(address, panics).await, refused);
    let mut console = Console::enter(address, r#"{"username":"root","password":"toor"}"#).await;
    console.next("session").await;
}

async fn refusal(address: SocketAddr, auth: &str) -> String {
    let mut client = Client::v5(address).await;
    client.send(&format!("40/admin,{auth}")).await;
    client.text().await
}
