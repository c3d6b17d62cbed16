//! The store on a folder of its own, with a stage that writes down what comes through.

use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::*;
use crate::{
    store::{Effect, Holder, Writer},
    token::Token,
    value::{Keys, Record, elements, parse_batch},
};

mod accounts;
mod backup;
mod damage;
mod failures;
mod opening;
mod replay;
mod retention;
mod values;

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
        let records = self.records(thing, key, window).await;
        let values = records.iter().map(|record| record.value.to_string());
        values.collect()
    }

    /// The first page of a window.
    async fn records(&self, thing: ThingRow, key: &str, window: Window) -> Vec<Record> {
        let page = self.store.timeline(thing, Key::parse(key).unwrap(), window);
        page.await.unwrap().unwrap().records
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
        Effect::Linked(user, thing) => Some(format!("{} linked to {}", thing.as_str(), user.0)),
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
    let ends = Timestamp::now().plus_seconds(60);
    NewSession {
        token,
        expires: ends,
        ends,
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
