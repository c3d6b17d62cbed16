//! Users, things, sessions, and who is admitted.

use super::*;
use crate::topic::{AllowedTopic, Topic};

fn resource(key: &str) -> AllowedTopic {
    AllowedTopic::Resource(Key::parse(key).unwrap())
}

#[tokio::test]
async fn an_email_is_taken_once_in_its_app_whatever_its_case() {
    let folder = folder();
    let bench = Bench::open(&folder);
    bench.user("anna@example.com").await;
    let again = NewUser {
        app: "app".into(),
        email: "ANNA@example.com".into(),
        password: String::new(),
    };
    assert!(
        !bench
            .store
            .create_user(again, session(token("s")))
            .await
            .unwrap()
    );
    let known = bench
        .store
        .credentials("app", "anna@EXAMPLE.com")
        .await
        .unwrap();
    assert_eq!(known.unwrap().password, "hash");
    assert!(
        bench
            .store
            .credentials("other", "anna@example.com")
            .await
            .unwrap()
            .is_none()
    );
    bench.close().await;
}

#[tokio::test]
async fn a_code_makes_one_thing() {
    let folder = folder();
    let bench = Bench::open(&folder);
    bench.thing("a").await;
    assert!(
        !bench
            .store
            .activate(token("code"), new_thing("b"))
            .await
            .unwrap()
    );
    assert!(
        !bench
            .store
            .activate(token("unknown"), new_thing("b"))
            .await
            .unwrap()
    );
    assert_eq!(
        bench.store.thing(token("b"), Right::READ).await.unwrap(),
        None
    );
    bench.close().await;
}

#[tokio::test]
async fn admission_is_in_step_with_revocation() {
    let folder = folder();
    let bench = Bench::open(&folder);
    let (anna, session) = bench.user("anna@example.com").await;
    let entered = Arc::new(Mutex::new(None));
    let entering = Arc::clone(&entered);
    let enter: OnAdmitted = Box::new(move |admitted| *entering.lock().unwrap() = Some(admitted));
    let admission = bench
        .store
        .admit(Ticket::Session(session), None, enter)
        .await;
    assert_eq!(admission, Ok(Admission::Admitted));
    let admitted = entered.lock().unwrap().take();
    let holder = admitted.map(|admitted| admitted.holder);
    assert!(matches!(holder, Some(Holder::Session(session)) if session.user == anna));
    let ticket = Ticket::Thing {
        session: Some(session),
        thing: token("nothing"),
    };
    let admission = bench.store.admit(ticket, None, nobody()).await;
    assert_eq!(admission, Ok(Admission::NoThing));
    bench.store.end_session(session).await.unwrap();
    let admission = bench
        .store
        .admit(Ticket::Session(session), None, nobody())
        .await;
    assert_eq!(admission, Ok(Admission::NoSession));
    assert_eq!(bench.staged(), ["admit", "session ended"]);
    bench.close().await;
}

#[tokio::test]
async fn a_session_expires_at_its_instant() {
    let folder = folder();
    let bench = Bench::open(&folder);
    let (user, _) = bench.user("anna@example.com").await;
    let now = Timestamp::now();
    let expired = NewSession {
        token: token("expired"),
        expires: now,
        ends: now,
        topics: Some(vec![resource("a"), resource("b")]),
    };
    bench.store.open_session(user, expired).await.unwrap();
    let stored = bench
        .store
        .session(token("expired"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.topics.as_ref().map(Vec::len), Some(2));
    assert!(stored.has_expired(now));
    assert!(!stored.has_expired(Timestamp::from_millis(now.millis() - 1)));
    let admission = bench
        .store
        .admit(Ticket::Session(token("expired")), None, nobody())
        .await;
    assert_eq!(admission, Ok(Admission::NoSession));
    bench.close().await;
}

/// Whether some text is in any file of the folder.
fn is_on_disk(folder: &TempDir, text: &str) -> bool {
    let files = fs::read_dir(folder.path()).unwrap();
    let mut contents = files.map(|file| fs::read(file.unwrap().path()).unwrap());
    contents.any(|content| {
        let mut windows = content.windows(text.len());
        windows.any(|window| window == text.as_bytes())
    })
}

#[tokio::test]
async fn the_tokens_of_things_are_in_no_file() {
    let folder = folder();
    let bench = Bench::open(&folder);
    let (user, _) = bench.user("anna@example.com").await;
    let topics = ["/things/the-secret-of-a-thing", "/me/resources/seen"].map(str::to_owned);
    let narrow = NewSession {
        topics: Some(AllowedTopic::parse_all(&topics).unwrap()),
        ..session(token("narrow"))
    };
    bench.store.open_session(user, narrow).await.unwrap();
    assert!(is_on_disk(&folder, "/me/resources/seen"));
    assert!(!is_on_disk(&folder, "the-secret-of-a-thing"));
    bench.close().await;
    assert!(!is_on_disk(&folder, "the-secret-of-a-thing"));
}

#[tokio::test]
async fn the_tokens_of_things_in_an_old_file_become_digests() {
    const SECRET: &str = "the-secret-of-a-thing";
    let folder = folder();
    let old = Connection::open(folder.path().join(FILE)).unwrap();
    for migration in [
        include_str!("../../migrations/0001_initial.sql"),
        include_str!("../../migrations/0002_replay.sql"),
        include_str!("../../migrations/0003_apps.sql"),
        include_str!("../../migrations/0004_sums.sql"),
        include_str!("../../migrations/0005_grants.sql"),
    ] {
        old.execute_batch(migration).unwrap();
    }
    old.pragma_update(None, "user_version", 5).unwrap();
    let user = "INSERT INTO users (id, app, email, password, created) VALUES (1, '', 'a', '', 0)";
    old.execute(user, ()).unwrap();
    let insert = "INSERT INTO sessions VALUES (?1, 1, 0, ?2, ?3)";
    let expires = Timestamp::now().plus_seconds(60).millis();
    // Some long enough for pages of their own.
    for number in 0..20 {
        let filler = "/me/resources/x\n".repeat(200 * number);
        let topics = format!("/me/resources/a\n{filler}/things/{SECRET}/");
        let name = token(&format!("narrow{number}"));
        old.execute(insert, (name.as_bytes(), expires, topics))
            .unwrap();
    }
    drop(old);
    assert!(is_on_disk(&folder, SECRET));

    let bench = Bench::open(&folder);
    assert!(!is_on_disk(&folder, SECRET));
    for number in 0..20 {
        let name = token(&format!("narrow{number}"));
        let narrow = bench.store.session(name).await.unwrap().unwrap();
        let covers = |topic: &str| narrow.covers(&Topic::parse(topic).unwrap());
        assert!(covers("/me/resources/a") && covers(&format!("/things/{SECRET}")));
        assert!(!covers("/me/resources/b") && !covers("/things/another"));
    }
    bench.close().await;
    assert!(!is_on_disk(&folder, SECRET));
}

#[tokio::test]
async fn a_login_with_a_password_that_was_changed_meanwhile_opens_nothing() {
    let folder = folder();
    let bench = Bench::open(&folder);
    let (anna, _) = bench.user("anna@example.com").await;
    let (old, new) = (token("old"), token("new"));
    let is_there = async |token| bench.store.session(token).await.unwrap().is_some();
    let login = |hash: &str, token| bench.store.open_login(anna, hash.into(), session(token));
    assert!(login("hash", old).await.unwrap());
    assert!(is_there(old).await);
    bench
        .store
        .set_password(anna, "changed".into())
        .await
        .unwrap();
    bench.store.end_sessions(anna).await.unwrap();
    assert!(!login("hash", new).await.unwrap());
    assert!(!is_there(new).await);
    assert!(login("changed", new).await.unwrap());
    assert!(is_there(new).await);
    bench.close().await;
}

#[tokio::test]
async fn of_too_many_sessions_of_a_user_the_first_to_expire_goes() {
    let folder = folder();
    let bench = Bench::open(&folder);
    let (anna, first) = bench.user("anna@example.com").await;
    let (_, bens) = bench.user("ben@example.com").await;
    let name = |number: u64| token(&format!("anna{number}"));
    let open = async |number: u64, topics: Option<Vec<AllowedTopic>>| {
        let ends = Timestamp::now().plus_seconds(1000 + number);
        let session = NewSession {
            token: name(number),
            expires: ends,
            ends,
            topics,
        };
        bench.store.open_session(anna, session).await.unwrap();
    };
    let is_there = async |token| bench.store.session(token).await.unwrap().is_some();
    open(1000, Some(vec![resource("a")])).await;
    for number in 1..100 {
        open(number, None).await;
    }
    assert!(is_there(first).await);
    assert_eq!(bench.staged(), Vec::<String>::new());
    // Its own expiry does not matter for one that is opened.
    open(0, None).await;
    assert!(!is_there(first).await);
    assert_eq!(bench.staged(), ["session ended"]);
    open(100, None).await;
    assert!(!is_there(name(0)).await);
    for kept in [name(1), name(100), name(1000), bens] {
        assert!(is_there(kept).await);
    }
    bench.close().await;
}

#[tokio::test]
async fn tokens_that_only_subscribe_are_counted_apart() {
    let folder = folder();
    let bench = Bench::open(&folder);
    let (anna, full) = bench.user("anna@example.com").await;
    let name = |number: u64| token(&format!("narrow{number}"));
    let narrow = |number: u64| {
        let ends = Timestamp::now().plus_seconds(1000 + number);
        let session = NewSession {
            token: name(number),
            expires: ends,
            ends,
            topics: Some(vec![resource("a")]),
        };
        bench.store.open_session(anna, session)
    };
    for number in (0..1000).step_by(200) {
        let opened = futures_util::future::join_all((number..number + 200).map(narrow)).await;
        assert!(opened.iter().all(Result::is_ok));
    }
    let is_there = async |token| bench.store.session(token).await.unwrap().is_some();
    assert!(is_there(name(0)).await);
    narrow(1000).await.unwrap();
    assert!(!is_there(name(0)).await);
    for kept in [name(1), name(1000), full] {
        assert!(is_there(kept).await);
    }
    assert_eq!(bench.staged(), ["session ended"]);
    bench.close().await;
}
