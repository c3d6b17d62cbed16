//! How many durable values a second the store takes here, and how fast the disk syncs.
//!
//! `cargo run --release -p topicd --example ingest [FOLDER]`: put FOLDER on the disk that matters.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::sync::mpsc;
use topicd::{
    config::StoreConfig,
    datetime::Timestamp,
    store::{Append, Appended, NewThing, Staged, Store, Writer, sqlite::SqliteStore},
    token::{ThingId, Token},
    value::{Keys, Record, parse_batch},
};

const SECONDS: u64 = 5;
const THINGS: usize = 64;

#[tokio::main]
async fn main() {
    let parent = std::env::args_os().nth(1).map(PathBuf::from);
    let parent = parent.unwrap_or_else(std::env::temp_dir);
    let folder = TempDir::new_in(parent).expect("a folder");
    println!("disk: {:.0} syncs/s", syncs(folder.path()));
    let (sender, stage) = mpsc::channel(64);
    tokio::spawn(answer(stage));
    let store = SqliteStore::open(folder.path(), &StoreConfig::default(), sender);
    let store: Arc<dyn Store> = Arc::new(store.expect("a store"));
    let things: Vec<_> = (0..THINGS)
        .map(|_| Token::generate().expect("a token"))
        .collect();
    for thing in &things {
        activate(&*store, thing).await;
    }
    for (writers, batch) in [(1, 100), (1, 1000), (64, 1), (1, 1)] {
        let rate = rate(&store, &things[..writers], batch).await;
        println!("{writers} writers, batches of {batch}: {rate:.0} values/s");
    }
}

/// The publish stage of a server to which nobody is connected.
async fn answer(mut stage: mpsc::Receiver<Vec<Staged>>) {
    while let Some(group) = stage.recv().await {
        group.into_iter().for_each(|staged| (staged.answer)());
    }
}

fn syncs(folder: &Path) -> f64 {
    let mut file = File::create(folder.join("syncs")).expect("a file");
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < Duration::from_secs(1) {
        file.write_all(&[0; 4096]).expect("room");
        file.sync_data().expect("a disk");
        count += 1;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

async fn activate(store: &dyn Store, token: &Token) {
    let code = Token::generate().expect("a token").digest();
    store.create_code(code).await.expect("a code");
    let thing = NewThing {
        id: ThingId::generate().expect("a name"),
        token: token.digest(),
        product: None,
    };
    assert!(store.activate(code, thing).await.expect("a thing"));
}

async fn rate(store: &Arc<dyn Store>, things: &[Token], batch: usize) -> f64 {
    let start = Instant::now();
    let writers = things.iter().map(|thing| {
        let (store, digest) = (Arc::clone(store), thing.digest());
        tokio::spawn(async move {
            let mut count = 0;
            while start.elapsed() < Duration::from_secs(SECONDS) {
                let append = Append {
                    writer: Writer::Device(digest),
                    records: records(batch),
                    idempotency: None,
                };
                assert_eq!(store.append(append).await, Ok(Appended::Stored));
                count += batch;
            }
            count
        })
    });
    let mut count = 0;
    for writer in writers.collect::<Vec<_>>() {
        count += writer.await.expect("a writer");
    }
    f64::from(u32::try_from(count).expect("a count")) / start.elapsed().as_secs_f64()
}

/// As a device sends them: a few resources, values of about thirty bytes.
fn records(batch: usize) -> Vec<Record> {
    let value = |number| {
        let key = number % 10;
        format!(r#"{{"key":"sensor-{key}","value":"21.5 degrees, number {number}"}}"#)
    };
    let values: Vec<_> = (0..batch).map(value).collect();
    let body = format!(r#"{{"values":[{}]}}"#, values.join(","));
    parse_batch(body.as_bytes(), &Keys::Own, Timestamp::now()).expect("a batch")
}
