//! Changes that fail, alone and for want of room.

use super::*;

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

#[test]
fn a_commit_that_failed_for_want_of_something_is_not_the_last() {
    use rusqlite::{Error, ffi};

    let store_error = |code| StoreError::from(Error::SqliteFailure(ffi::Error::new(code), None));
    for code in [
        ffi::SQLITE_FULL,
        ffi::SQLITE_IOERR_WRITE,
        ffi::SQLITE_IOERR_SHMSIZE,
    ] {
        assert_eq!(store_error(code), StoreError::Full, "{code}");
    }
    for code in [
        ffi::SQLITE_BUSY,
        ffi::SQLITE_LOCKED,
        ffi::SQLITE_NOMEM,
        ffi::SQLITE_IOERR_NOMEM,
        ffi::SQLITE_IOERR_SHMMAP,
    ] {
        assert_eq!(store_error(code), StoreError::Busy, "{code}");
    }
    for code in [
        ffi::SQLITE_IOERR_FSYNC,
        ffi::SQLITE_IOERR_READ,
        ffi::SQLITE_CORRUPT,
    ] {
        assert!(matches!(store_error(code), StoreError::Failed(_)), "{code}");
    }
}

#[tokio::test]
async fn after_a_commit_that_failed_nothing_is_acknowledged_until_a_restart() {
    let folder = folder();
    let bench = Bench::open(&folder);
    let thing = bench.thing("a").await;
    let (_, session) = bench.user("anna@example.com").await;
    let device = Writer::Device(token("a"));
    bench.write(device.clone(), &value(1)).await.unwrap();
    // A rule that is looked at in the commit only: its group fails as it does for a sync.
    let broken = bench.store.writer.write(|tx| {
        let link = "PRAGMA defer_foreign_keys = 1; INSERT INTO links VALUES (98, 99, 0)";
        tx.db.execute_batch(link)?;
        Ok(((), Effect::None))
    });
    let is_failed = |error: Option<StoreError>| matches!(error, Some(StoreError::Failed(_)));
    assert!(is_failed(broken.await.err()));
    let write = bench.write(device.clone(), &value(2)).await;
    assert!(is_failed(write.err()));
    assert!(is_failed(bench.store.probe().await.err()));
    let admission = bench.store.admit(Ticket::Session(session), None, nobody());
    assert!(is_failed(admission.await.err()));
    assert_eq!(bench.staged(), ["a 1 to []"]);
    // Reads go on.
    assert_eq!(bench.values(thing.row, "k").await, ["1"]);
    bench.close().await;
    let bench = Bench::open(&folder);
    bench.write(device, &value(3)).await.unwrap();
    assert_eq!(bench.values(thing.row, "k").await, ["3", "1"]);
    bench.close().await;
}
