//! Logins and sessions, over a store of their own.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, phc::PasswordHash},
};
use tempfile::TempDir;

use super::*;
use crate::{
    Config, Server,
    datetime::Timestamp,
    store::{NewSession, Session, UserId},
    topic::AllowedTopic,
};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const DAY: u64 = 24 * 60 * 60;

fn server(idle_days: u32) -> (Server, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config {
        data_dir: folder.path().to_owned(),
        ..Config::default()
    };
    config.accounts.idle_days = idle_days;
    (Server::open(&config).unwrap(), folder)
}

fn login(password: &str) -> Login {
    Login {
        app: String::new(),
        email: "anna@example.com".into(),
        password: Secret::new(password.into()),
    }
}

async fn stored(server: &Server, token: &Token) -> Session {
    let session = server.store().session(token.digest()).await.unwrap();
    session.unwrap()
}

/// The user of a new account.
async fn user(server: &Server) -> UserId {
    let token = server.auth().register(login("secret")).await.unwrap();
    stored(server, &token).await.user
}

/// A session of that user that was used long ago.
async fn old_session(server: &Server, user: UserId, topics: Option<Vec<AllowedTopic>>) -> Token {
    let token = Token::generate().unwrap();
    let session = NewSession {
        token: token.digest(),
        expires: Timestamp::now().plus_seconds(60),
        ends: Timestamp::now().plus_seconds(20 * DAY),
        topics,
    };
    server.store().open_session(user, session).await.unwrap();
    token
}

#[tokio::test]
async fn a_session_in_use_goes_on_and_ends_all_the_same() {
    let (server, _folder) = server(7);
    let user = user(&server).await;
    let token = old_session(&server, user, None).await;
    let before = stored(&server, &token).await;
    assert!(server.auth().session(&token).await.unwrap().is_some());
    let after = stored(&server, &token).await;
    let now = Timestamp::now();
    assert!(
        after.expires > now.plus_seconds(6 * DAY) && after.expires <= now.plus_seconds(7 * DAY)
    );
    assert_eq!(after.ends, before.ends);
    // The next use is too soon to be written down.
    server.auth().session(&token).await.unwrap();
    assert_eq!(stored(&server, &token).await, after);
    let until = Timestamp::now().plus_seconds(100 * DAY);
    let renewed = server.store().renew_sessions(vec![token.digest()], until);
    renewed.await.unwrap();
    assert_eq!(stored(&server, &token).await.expires, before.ends);
}

#[tokio::test]
async fn what_has_expired_stays_so() {
    let (server, _folder) = server(7);
    let user = user(&server).await;
    let token = Token::generate().unwrap();
    let now = Timestamp::now();
    let session = NewSession {
        token: token.digest(),
        expires: now,
        ends: now.plus_seconds(DAY),
        topics: None,
    };
    server.store().open_session(user, session).await.unwrap();
    assert_eq!(server.auth().session(&token).await.unwrap(), None);
    server.auth().renew(&[token.digest()]).await;
    assert_eq!(stored(&server, &token).await.expires, now);
}

#[tokio::test]
async fn idle_expiry_is_for_logins_and_can_be_off() {
    let (idle_7, _folder) = server(7);
    let user_7 = user(&idle_7).await;
    let topics = AllowedTopic::parse_all(&["/me/resources/a".into()]).unwrap();
    let narrow = old_session(&idle_7, user_7, Some(topics.clone())).await;
    let before = stored(&idle_7, &narrow).await;
    idle_7.auth().session(&narrow).await.unwrap();
    assert_eq!(stored(&idle_7, &narrow).await, before);
    let ends = Timestamp::now().plus_seconds(20 * DAY);
    let narrow = idle_7.auth().open_session(user_7, Some(topics), ends).await;
    assert_eq!(stored(&idle_7, &narrow.unwrap()).await.expires, ends);
    let full = idle_7.auth().open_session(user_7, None, ends).await;
    let full = stored(&idle_7, &full.unwrap()).await;
    assert!(full.expires <= Timestamp::now().plus_seconds(7 * DAY) && full.ends == ends);

    let (never, _folder) = server(0);
    let user = user(&never).await;
    let full = never.auth().open_session(user, None, ends).await;
    assert_eq!(stored(&never, &full.unwrap()).await.expires, ends);
}

#[tokio::test]
async fn a_login_renews_a_hash_of_another_cost() {
    let (server, _folder) = server(7);
    let user = user(&server).await;
    let cheap = Params::new(8192, 1, 1, None).unwrap();
    let cheap = Argon2::new(Algorithm::Argon2id, Version::V0x13, cheap);
    let cheap: PasswordHash = cheap.hash_password(b"cheap").unwrap();
    let changed = server.store().set_password(user, cheap.to_string());
    assert!(changed.await.unwrap());
    let hash = async || {
        let known = server.store().credentials("", "anna@example.com").await;
        known.unwrap().unwrap().password
    };
    assert!(server.auth().login(login("wrong"), HERE).await.is_err());
    assert_eq!(hash().await, cheap.to_string());
    server.auth().login(login("cheap"), HERE).await.unwrap();
    let renewed = hash().await;
    assert!(
        renewed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{renewed}"
    );
    server.auth().login(login("cheap"), HERE).await.unwrap();
    assert_eq!(hash().await, renewed);
    // A password that was changed meanwhile is not undone by it.
    let late = server
        .store()
        .replace_hash(user, cheap.to_string(), "late".into());
    late.await.unwrap();
    assert_eq!(hash().await, renewed);
}
