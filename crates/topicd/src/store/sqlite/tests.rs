//! The store on a folder of its own, with a stage that writes down what comes through.

use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::*;
use crate::{
    store::{Effect, Holder, Writer},
    token::Token,
    value::{Keys, elements, parse_batch},
};

mod backup;
mod damage;
mod replay;
mod retention;

struct Bench {
    store: SqliteStore,
    stage: JoinHandle<()>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    fn open(folder: &TempDir) -> Self {
        let (sender, mut receiver) = mpsc::channel::<Vec<Staged>>(64);
        let store = SqliteStore::open(folder.path(), &StoreConfig::default(), sender).unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        let stage = tokio::spawn(async move {
            while let Some(group) = receiver.recv().await {
                for Staged { effect, answer } in group {
                    lines.lock().unwrap().extend(line(effect));
                    answer();
                }
            }
        });
        Self { store, stage, log }
    }

    /// What came through the stage so far.
    fn staged(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    /// The values of a resource, newest first, as far as one page goes.
    async fn values(&self, thing: ThingRow, key: &str) -> Vec<String> {
        let window = Window {
            limit: 100_000,
            ..Window::default()
        };
        let page = self.store.timeline(thing, Key::parse(key).unwrap(), window);
        let page = page.await.unwrap().unwrap();
        let values = page.records.iter().map(|record| record.value.to_string());
        values.collect()
    }

    async fn close(self) {
        tokio::task::spawn_blocking(move || drop(self.store))
            .await
            .unwrap();
        self.stage.await.unwrap();
    }

    async fn user(&self, email: &str) -> (UserId, Digest) {
        let token = token(email);
        let user = NewUser {
            app: "app".into(),
            email: email.into(),
            password: "hash".into(),
        };
        assert!(self.store.create_user(user, session(token)).await.unwrap());
        let user = self.store.session(token).await.unwrap().unwrap().user;
        (user, token)
    }

    async fn thing(&self, name: &str) -> Thing {
        self.store.create_code(token("code")).await.unwrap();
        assert!(
            self.store
                .activate(token("code"), new_thing(name))
                .await
                .unwrap()
        );
        self.store
            .thing(token(name), Right::READ)
            .await
            .unwrap()
            .unwrap()
    }

    async fn write(&self, writer: Writer, body: &str) -> Result<Appended, StoreError> {
        let records = parse_batch(body.as_bytes(), &Keys::Own, Timestamp::now()).unwrap();
        let append = Append {
            writer,
            records,
            idempotency: None,
        };
        self.store.append(append).await
    }
}

fn line(effect: Effect) -> Option<String> {
    match effect {
        Effect::None => None,
        Effect::Publish(publication) => {
            let owners: Vec<_> = publication.owners.iter().map(|user| user.0).collect();
            let values: Vec<_> = publication
                .records
                .iter()
                .map(|record| &*record.value)
                .collect();
            let (thing, values) = (publication.thing.id.as_str(), values.join(","));
            Some(format!("{thing} {values} to {owners:?}"))
        }
        Effect::Admit(enter) => {
            enter();
            Some("admit".into())
        }
        Effect::SessionsEnded(_) => Some("session ended".into()),
        Effect::ThingTokenRevoked(..) => Some("thing token revoked".into()),
    }
}

fn token(text: &str) -> Digest {
    Token::presented(text).digest()
}

fn session(token: Digest) -> NewSession {
    NewSession {
        token,
        expires: Timestamp::now().plus_seconds(60),
        topics: None,
    }
}

fn new_thing(name: &str) -> NewThing {
    NewThing {
        id: ThingId::named(name),
        token: token(name),
        product: None,
    }
}

fn value(number: u32) -> String {
    format!(r#"{{"values":[{{"key":"k","value":{number}}}]}}"#)
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn nobody() -> OnAdmitted {
    Box::new(|_| panic!("admitted"))
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
async fn a_timeline_is_newest_first_and_both_ends_count() {
    let folder = folder();
    let bench = Bench::open(&folder);
    let thing = bench.thing("a").await;
    let body = r#"{"values":[
        {"key":"k","value":2,"datetime":"20200101000002"},
        {"key":"k","value":"3","datetime":"20200101000003","geo":{"lat":1,"long":2}},
        {"key":"k","value":1,"datetime":"20200101000001"},
        {"key":"k","value":22,"datetime":"20200101000002"}]}"#;
    bench.write(Writer::Device(token("a")), body).await.unwrap();
    let window = |limit, start, end| Window {
        limit,
        range: Timestamp::parse(start).unwrap()..=Timestamp::parse(end).unwrap(),
        before: None,
    };
    let read = async |window| {
        let key = Key::parse("k").unwrap();
        let records = bench
            .store
            .timeline(thing.row, key, window)
            .await
            .unwrap()
            .unwrap()
            .records;
        records
            .iter()
            .map(|record| record.value.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(read(Window::default()).await, [r#""3""#]);
    let all = window(100, "20200101000001", "20200101000003");
    assert_eq!(read(all).await, [r#""3""#, "22", "2", "1"]);
    let middle = window(100, "20200101000002", "20200101000002");
    assert_eq!(read(middle).await, ["22", "2"]);
    let unknown = Key::parse("other").unwrap();
    let missing = bench
        .store
        .timeline(thing.row, unknown, Window::default())
        .await;
    assert_eq!(missing.unwrap(), None);
    bench.close().await;
}

#[tokio::test]
async fn a_push_goes_to_the_owners_of_its_moment() {
    let folder = folder();
    let bench = Bench::open(&folder);
    let (anna, _) = bench.user("anna@example.com").await;
    let (ben, _) = bench.user("ben@example.com").await;
    let thing = bench.thing("a").await;
    let device = Writer::Device(token("a"));
    bench.write(device.clone(), &value(1)).await.unwrap();
    assert_eq!(
        bench.store.link(anna, token("a")).await.unwrap(),
        Some(thing.id.clone())
    );
    bench.store.link(anna, token("a")).await.unwrap();
    bench.write(device.clone(), &value(2)).await.unwrap();
    bench.store.link(ben, token("a")).await.unwrap();
    bench.write(device.clone(), &value(3)).await.unwrap();
    assert!(bench.store.unlink(anna, thing.id.clone()).await.unwrap());
    assert!(!bench.store.unlink(anna, thing.id.clone()).await.unwrap());
    bench.write(device, &value(4)).await.unwrap();
    let (a, b) = (anna.0, ben.0);
    let expected = [
        "a 1 to []".to_owned(),
        format!("a 2 to [{a}]"),
        format!("a 3 to [{a}, {b}]"),
        format!("a 4 to [{b}]"),
    ];
    assert_eq!(bench.staged(), expected);
    let owner = Writer::Owner(anna, thing.id);
    assert_eq!(
        bench.write(owner, &value(5)).await,
        Ok(Appended::UnknownThing)
    );
    bench.close().await;
}

#[tokio::test]
async fn the_order_of_pushes_is_the_order_of_the_store() {
    let folder = folder();
    let bench = Arc::new(Bench::open(&folder));
    let thing = bench.thing("a").await;
    let writers = (0..8).map(|writer| {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move {
            for number in 0..25 {
                let body = format!(
                    r#"{{"values":[{{"key":"k","value":{},"datetime":"20200101000000"}}]}}"#,
                    writer * 100 + number
                );
                bench
                    .write(Writer::Device(token("a")), &body)
                    .await
                    .unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let pushed = bench.staged();
    let key = Key::parse("k").unwrap();
    let window = Window {
        limit: 1000,
        ..Window::default()
    };
    let stored = bench
        .store
        .timeline(thing.row, key, window)
        .await
        .unwrap()
        .unwrap()
        .records;
    // One datetime for all: what remains is the order of arrival.
    let stored = stored
        .iter()
        .rev()
        .map(|record| format!("a {} to []", record.value));
    assert_eq!(pushed, stored.collect::<Vec<_>>());
    assert_eq!(pushed.len(), 200);
    Arc::into_inner(bench).unwrap().close().await;
}

#[tokio::test]
async fn a_key_of_idempotency_stores_once_for_each_thing() {
    let folder = folder();
    let bench = Bench::open(&folder);
    bench.thing("a").await;
    let write = async || {
        let records = parse_batch(value(1).as_bytes(), &Keys::Own, Timestamp::now()).unwrap();
        let append = Append {
            writer: Writer::Device(token("a")),
            records,
            idempotency: Some(token("once")),
        };
        bench.store.append(append).await.unwrap()
    };
    assert_eq!(write().await, Appended::Stored);
    assert_eq!(write().await, Appended::Repeated);
    assert_eq!(bench.staged(), ["a 1 to []"]);
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

#[tokio::test]
async fn what_was_stored_is_there_after_opening_again() {
    let folder = folder();
    let bench = Bench::open(&folder);
    bench.thing("a").await;
    bench
        .write(Writer::Device(token("a")), &value(1))
        .await
        .unwrap();
    bench.close().await;
    let bench = Bench::open(&folder);
    let thing = bench
        .store
        .thing(token("a"), Right::READ)
        .await
        .unwrap()
        .unwrap();
    bench
        .write(Writer::Device(token("a")), &value(2))
        .await
        .unwrap();
    let key = Key::parse("k").unwrap();
    let window = Window {
        limit: 10,
        ..Window::default()
    };
    let records = bench
        .store
        .timeline(thing.row, key, window)
        .await
        .unwrap()
        .unwrap()
        .records;
    assert_eq!(records.len(), 2);
    assert!(elements(&records, None).starts_with(r#"[{"key":"k","value":2,"#));
    bench.close().await;
}

#[tokio::test]
async fn a_second_store_on_the_folder_is_refused() {
    let folder = folder();
    let bench = Bench::open(&folder);
    let (sender, _receiver) = mpsc::channel(1);
    let second = SqliteStore::open(folder.path(), &StoreConfig::default(), sender);
    assert!(matches!(second, Err(OpenError::InUse(_))));
    bench.close().await;
}

#[tokio::test]
async fn a_file_of_something_else_or_of_a_newer_release_is_refused() {
    let folder = folder();
    let file = folder.path().join("topicd.sqlite");
    fs::write(&file, "not a database, but long enough to look at").unwrap();
    let (sender, _receiver) = mpsc::channel(1);
    let opened = SqliteStore::open(folder.path(), &StoreConfig::default(), sender.clone());
    assert!(matches!(opened, Err(OpenError::Database(..))));
    fs::remove_file(&file).unwrap();
    let newer = Connection::open(&file).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let opened = SqliteStore::open(folder.path(), &StoreConfig::default(), sender).unwrap_err();
    assert!(opened.to_string().contains("newer topicd"), "{opened}");
}

#[tokio::test]
async fn a_change_that_fails_leaves_its_group_alone() {
    let folder = folder();
    let bench = Bench::open(&folder);
    let thing = bench.thing("a").await;
    // The second thing has the name of the first: a broken rule of the database.
    bench.store.create_code(token("second")).await.unwrap();
    let twin = NewThing {
        id: thing.id.clone(),
        token: token("twin"),
        product: None,
    };
    let one = value(1);
    let (failed, written) = tokio::join!(
        bench.store.activate(token("second"), twin),
        bench.write(Writer::Device(token("a")), &one),
    );
    assert!(matches!(failed, Err(StoreError::Failed(_))));
    assert_eq!(written, Ok(Appended::Stored));
    assert!(
        bench
            .store
            .activate(token("second"), new_thing("b"))
            .await
            .unwrap()
    );
    bench.close().await;
}

#[tokio::test]
async fn a_disk_that_is_full_refuses_writes_until_there_is_room() {
    let folder = folder();
    let bench = Bench::open(&folder);
    bench.thing("a").await;
    let pages = |count: u32| {
        bench.store.writer.write(move |tx| {
            tx.db
                .pragma_update_and_check(None, "max_page_count", count, |_| Ok(()))?;
            Ok(((), Effect::None))
        })
    };
    pages(1).await.unwrap();
    let big = format!(
        r#"{{"values":[{{"key":"k","value":"{}"}}]}}"#,
        "x".repeat(200_000)
    );
    let device = Writer::Device(token("a"));
    assert_eq!(
        bench.write(device.clone(), &big).await,
        Err(StoreError::Full)
    );
    assert!(
        bench
            .store
            .thing(token("a"), Right::READ)
            .await
            .unwrap()
            .is_some()
    );
    pages(1_000_000).await.unwrap();
    assert_eq!(bench.write(device, &big).await, Ok(Appended::Stored));
    bench.close().await;
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_private_in_a_folder_that_is_not() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let bench = Bench::open(&folder);
    bench.user("anna").await;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{entry:?}");
    }
    bench.close().await;
}
