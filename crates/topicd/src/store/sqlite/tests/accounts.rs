//! Users, things, sessions, and who is admitted.

use super::*;

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
        topics: Some(vec!["/me/resources/a".into(), "/me/resources/b".into()]),
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
