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
