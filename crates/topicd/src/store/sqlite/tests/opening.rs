//! The folder and its files: opened again, by two, by somebody else.

use super::*;

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
    let window = Window {
        limit: 10,
        ..Window::default()
    };
    let records = bench.records(thing.row, "k", window).await;
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
