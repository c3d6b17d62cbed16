//! Copies of a database that is being written.

use super::*;

fn open(folder: &Path) -> Bench {
    let (sender, mut receiver) = mpsc::channel::<Vec<Staged>>(64);
    let store = SqliteStore::open(folder, &StoreConfig::default(), sender).unwrap();
    let stage = tokio::spawn(async move {
        while let Some(group) = receiver.recv().await {
            group.into_iter().for_each(|staged| (staged.answer)());
        }
    });
    Bench {
        store,
        stage,
        log: Arc::default(),
    }
}

async fn epoch(bench: &Bench) -> i64 {
    let read = bench.store.readers.read(|db| {
        let select = "SELECT value FROM counters WHERE name = 'epoch'";
        Ok(db.query_row(select, (), |row| row.get(0))?)
    });
    read.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_a_store_under_writes_is_one_moment_of_it() {
    let folder = folder();
    let bench = Arc::new(Bench::open(&folder));
    let thing = bench.thing("a").await;
    bench
        .write(Writer::Device(token("a")), &value(0))
        .await
        .unwrap();
    let writing = Arc::clone(&bench);
    let writer = tokio::spawn(async move {
        for number in 1..300 {
            let device = Writer::Device(token("a"));
            writing.write(device, &value(number)).await.unwrap();
        }
    });
    let mut acknowledged = 0;
    let copies = tempfile::tempdir().unwrap();
    for copy in 0..5 {
        acknowledged = acknowledged.max(bench.values(thing.row, "k").await.len());
        let file = copies.path().join(format!("{copy}.sqlite"));
        let (source, to) = (folder.path().to_owned(), file.clone());
        let bytes = tokio::task::spawn_blocking(move || back_up(&source, &to).unwrap());
        assert_eq!(bytes.await.unwrap(), file.metadata().unwrap().len());
        let restored = copies.path().join(format!("restored {copy}"));
        fs::create_dir(&restored).unwrap();
        fs::rename(&file, restored.join(FILE)).unwrap();
        let copy = open(&restored);
        let stored = copy.values(thing.row, "k").await;
        assert!(
            stored.len() >= acknowledged,
            "{} < {acknowledged}",
            stored.len()
        );
        let expected = (0..stored.len()).rev().map(|number| number.to_string());
        assert_eq!(stored, expected.collect::<Vec<_>>());
        assert_ne!(epoch(&copy).await, epoch(&bench).await);
        copy.close().await;
    }
    writer.await.unwrap();
    assert_eq!(bench.values(thing.row, "k").await.len(), 300);
    Arc::into_inner(bench).unwrap().close().await;
}

#[tokio::test]
async fn a_copy_is_private_and_overwrites_nothing() {
    let folder = folder();
    let missing = back_up(folder.path(), &folder.path().join("copy"));
    assert!(matches!(missing, Err(BackupError::Missing(_))));
    let bench = Bench::open(&folder);
    bench.thing("a").await;
    // Also of a store that no server uses.
    bench.close().await;
    let copy = folder.path().join("copy");
    back_up(folder.path(), &copy).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o077, 0);
    }
    let again = back_up(folder.path(), &copy);
    assert!(matches!(again, Err(BackupError::Exists(_))));
    let nowhere = back_up(folder.path(), &folder.path().join("no/copy"));
    assert!(matches!(nowhere, Err(BackupError::File(..))));
}
