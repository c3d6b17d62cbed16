//! What guessing passwords costs, whichever way it is done.

use futures_util::future::join_all;
use serde_json::json;

use crate::{
    client::{Answer, raw},
    server::Running,
};

/// A login from an address behind a proxy.
async fn login(server: &Running, email: &str, password: &str, from: &str) -> Answer {
    post(server, "/v2/login", email, password, from).await
}

async fn post(server: &Running, path: &str, email: &str, password: &str, from: &str) -> Answer {
    let body = json!({ "email": email, "password": password, "app": "a" }).to_string();
    let (length, address) = (body.len(), server.address);
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         X-Forwarded-For: {from}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    raw(address, &request).await
}

async fn behind_a_proxy() -> Running {
    let loopback = vec!["127.0.0.1".to_owned()];
    Running::configured(|config| config.proxy.trusted = loopback).await
}

/// Some come back meanwhile, on a slow machine: one every six seconds.
#[tokio::test]
async fn many_guesses_at_once_are_no_more_than_one_after_the_other() {
    let server = behind_a_proxy().await;
    let emails = (0..30).map(|number| format!("{number}@example.com"));
    let guess = async |email: String| login(&server, &email, "x", "203.0.113.9").await.status;
    let statuses = join_all(emails.map(guess)).await;
    let looked_at = statuses.iter().filter(|status| **status == 401).count();
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!(looked_at + refused, 30, "{statuses:?}");
    assert!((10..20).contains(&looked_at), "{statuses:?}");
}

#[tokio::test]
async fn right_logins_do_not_count_as_guesses() {
    let server = behind_a_proxy().await;
    server.user("anna@example.com").await;
    for _ in 0..30 {
        let answer = login(&server, "anna@example.com", "secret", "203.0.113.9").await;
        assert_eq!(answer.status, 200);
    }
}

#[tokio::test]
async fn an_account_is_one_in_whatever_case() {
    let server = behind_a_proxy().await;
    server.user("anna@example.com").await;
    let spelling = |number: usize| match number % 3 {
        0 => "anna@example.com",
        1 => "ANNA@example.com",
        _ => "Anna@Example.Com",
    };
    // From an address of its own each: these have a bound, too.
    for number in 0..20 {
        let from = format!("203.0.113.{number}");
        let guess = login(&server, spelling(number), "x", &from).await;
        assert_eq!(guess.status, 401);
    }
    let guess = login(&server, "aNNA@example.com", "x", "203.0.113.100").await;
    assert_eq!(guess.status, 429);
    // Others are not kept out by that.
    let other = login(&server, "ben@example.com", "x", "203.0.113.100").await;
    assert_eq!(other.status, 401);
}

/// Who guesses from everywhere keeps out who comes from anywhere, but not the owner who has been here.
#[tokio::test]
async fn guesses_from_elsewhere_lock_nobody_out_at_home() {
    let server = behind_a_proxy().await;
    server.user("anna@example.com").await;
    let anna = async |password: &str, from: &str| {
        login(&server, "anna@example.com", password, from)
            .await
            .status
    };
    assert_eq!(anna("secret", "198.51.100.1").await, 200);
    for number in 0..20 {
        assert_eq!(anna("x", &format!("203.0.113.{number}")).await, 401);
    }
    assert_eq!(anna("secret", "203.0.113.100").await, 429);
    assert_eq!(anna("secret", "198.51.100.1").await, 200);
    // Guesses from there are bounded all the same: ten a minute from an address.
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(anna("x", "198.51.100.1").await);
    }
    assert_eq!(statuses[..10], [401; 10]);
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[tokio::test]
async fn an_address_makes_twenty_accounts_an_hour() {
    let server = behind_a_proxy().await;
    let register = async |number: u32, from: &str| {
        let email = format!("{number}@example.com");
        post(&server, "/v2/register", &email, "secret", from).await
    };
    for number in 0..20 {
        assert_eq!(register(number, "203.0.113.9").await.status, 201);
    }
    let refused = register(20, "203.0.113.9").await;
    assert_eq!(refused.status, 429);
    assert!(
        refused.head.contains("\r\nretry-after: "),
        "{}",
        refused.head
    );
    assert_eq!(register(20, "203.0.113.8").await.status, 201);
}
