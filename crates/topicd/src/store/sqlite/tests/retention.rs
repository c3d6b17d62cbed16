//! Retention, at instants that the test chooses.

use super::*;
use crate::store::{Retention, retention::sweep};

const NOBODY: Retention = Retention {
    days: None,
    values: None,
};

/// `{"values":[…]}` with these values of one key, one an hour from the beginning of 2020.
fn hours(key: &str, values: std::ops::Range<u32>) -> String {
    let value = |number: u32| {
        let (day, hour) = (number / 24 + 1, number % 24);
        format!(r#"{{"key":"{key}","value":{number},"datetime":"202001{day:02}{hour:02}0000"}}"#)
    };
    let values: Vec<_> = values.map(value).collect();
    format!(r#"{{"values":[{}]}}"#, values.join(","))
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[tokio::test]
async fn what_is_older_than_its_days_is_taken_out() {
    let folder = folder();
    let bench = Bench::open(&folder);
    let thing = bench.thing("a").await;
    let device = Writer::Device(token("a"));
    // Ten days: a slice is not enough for what is to go.
    for key in ["a", "b"] {
        bench
            .write(device.clone(), &hours(key, 0..600))
            .await
            .unwrap();
    }
    let one_day = Retention {
        days: Some(1),
        ..NOBODY
    };
    sweep(&bench.store, one_day, at("20200101000000"))
        .await
        .unwrap();
    assert_eq!(bench.values(thing.row, "a").await.len(), 600);
    sweep(&bench.store, one_day, at("20200125000000"))
        .await
        .unwrap();
    for key in ["a", "b"] {
        let left = bench.values(thing.row, key).await;
        // Exactly one day old is not older.
        assert_eq!((left.len(), left[left.len() - 1].as_str()), (48, "552"));
    }
    bench.close().await;
}

#[tokio::test]
async fn the_newest_by_their_datetime_are_kept() {
    let folder = folder();
    let bench = Bench::open(&folder);
    let thing = bench.thing("a").await;
    let device = Writer::Device(token("a"));
    bench
        .write(device.clone(), &hours("a", 5..10))
        .await
        .unwrap();
    bench
        .write(device.clone(), &hours("a", 0..5))
        .await
        .unwrap();
    bench.write(device, &hours("b", 0..2)).await.unwrap();
    let three = Retention {
        values: Some(3),
        ..NOBODY
    };
    sweep(&bench.store, three, at("20300101000000"))
        .await
        .unwrap();
    assert_eq!(bench.values(thing.row, "a").await, ["9", "8", "7"]);
    assert_eq!(bench.values(thing.row, "b").await, ["1", "0"]);
    // The resource is known, even if nothing of it is left.
    let one_day = Retention {
        days: Some(1),
        ..NOBODY
    };
    sweep(&bench.store, one_day, at("20300101000000"))
        .await
        .unwrap();
    assert!(bench.values(thing.row, "b").await.is_empty());
    assert_eq!(bench.store.resources(thing.row).await.unwrap().len(), 2);
    bench.close().await;
}

#[tokio::test]
async fn more_resources_than_one_read_looks_at() {
    let folder = folder();
    let bench = Bench::open(&folder);
    let thing = bench.thing("a").await;
    let device = Writer::Device(token("a"));
    for number in 0..150 {
        let body = hours(&format!("k{number}"), 0..2);
        bench.write(device.clone(), &body).await.unwrap();
    }
    let one = Retention {
        values: Some(1),
        ..NOBODY
    };
    sweep(&bench.store, one, at("20300101000000"))
        .await
        .unwrap();
    for number in 0..150 {
        assert_eq!(bench.values(thing.row, &format!("k{number}")).await, ["1"]);
    }
    bench.close().await;
}

#[tokio::test]
async fn writes_go_on_between_the_slices() {
    let folder = folder();
    let bench = Arc::new(Bench::open(&folder));
    let thing = bench.thing("a").await;
    let device = Writer::Device(token("a"));
    let many = vec![r#"{"key":"a","value":1}"#; 960].join(",");
    let many = format!(r#"{{"values":[{many}]}}"#);
    for _ in 0..5 {
        bench.write(device.clone(), &many).await.unwrap();
    }
    let one = Retention {
        values: Some(1),
        ..NOBODY
    };
    let sweeping = Arc::clone(&bench);
    let sweeping = tokio::spawn(async move {
        sweep(&sweeping.store, one, Timestamp::now()).await.unwrap();
    });
    let mut written = 0;
    while !sweeping.is_finished() {
        bench.write(device.clone(), &value(written)).await.unwrap();
        written += 1;
    }
    sweeping.await.unwrap();
    // A slice is 256 of 4800 values; each leaves room for others.
    assert!(written >= 10, "{written} writes beside 19 slices");
    assert_eq!(bench.values(thing.row, "a").await.len(), 1);
    Arc::into_inner(bench).unwrap().close().await;
}
