//! What a replay lacks and says so, and arrivals under a clock that is put back.

use super::*;
use crate::store::{Replay, ReplayRequest, Retention, Seq, Start, retention::sweep};

async fn replay(bench: &Bench, key: Option<&str>, start: Start) -> Replay {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let request = ReplayRequest {
        key: key.and_then(Key::parse),
        start,
    };
    let ticket = Ticket::Thing {
        session: None,
        thing: token("a"),
    };
    let enter: OnAdmitted = Box::new(move |admitted| drop(sender.send(admitted.replay)));
    let admission = bench.store.admit(ticket, Some(request), enter).await;
    assert_eq!(admission, Ok(Admission::Admitted));
    receiver.await.unwrap().unwrap()
}

fn values(replay: &Replay) -> Vec<&str> {
    let values = replay.values.iter().map(|value| &*value.record.value);
    values.collect()
}

#[tokio::test]
async fn what_retention_has_taken_out_is_missing_from_a_replay() {
    let folder = folder();
    let bench = Bench::open(&folder);
    bench.thing("a").await;
    for number in 1..=5 {
        bench
            .write(Writer::Device(token("a")), &value(number))
            .await
            .unwrap();
    }
    let complete = async |start| replay(&bench, Some("k"), start).await.is_complete;
    let after = |seq| Start::After(Seq(seq), None);
    assert!(complete(after(0)).await);
    assert!(complete(Start::Since(Timestamp::EPOCH)).await);
    let three = Retention {
        days: None,
        values: Some(3),
    };
    sweep(&bench.store, three, Timestamp::now()).await.unwrap();
    assert!(!complete(after(0)).await);
    assert!(!complete(after(1)).await);
    assert!(complete(after(2)).await);
    assert!(!complete(Start::Since(Timestamp::EPOCH)).await);
    assert!(complete(Start::Since(Timestamp::now().plus_seconds(1))).await);
    assert!(complete(Start::Last(100)).await);
    bench.close().await;
}

#[tokio::test]
async fn the_last_of_a_thing_are_the_newest_of_all_its_resources() {
    let folder = folder();
    let bench = Bench::open(&folder);
    bench.thing("a").await;
    let body = r#"{"values":[
        {"key":"a","value":1,"datetime":"20200101000001"},
        {"key":"b","value":4,"datetime":"20200101000004"},
        {"key":"a","value":3,"datetime":"20200101000003"},
        {"key":"b","value":2,"datetime":"20200101000002"}]}"#;
    bench.write(Writer::Device(token("a")), body).await.unwrap();
    let last = replay(&bench, None, Start::Last(3)).await;
    assert_eq!(
        (values(&last), last.is_complete),
        (vec!["2", "3", "4"], true)
    );
    let last = replay(&bench, Some("a"), Start::Last(1)).await;
    assert_eq!(values(&last), ["3"]);
    let after = replay(&bench, None, Start::After(Seq(1), None)).await;
    assert_eq!(values(&after), ["4", "3", "2"]);
    bench.close().await;
}

#[tokio::test]
async fn more_resources_than_may_be_looked_at_are_told() {
    let folder = folder();
    let bench = Bench::open(&folder);
    bench.thing("a").await;
    for batch in 0..11 {
        let value = |number| format!(r#"{{"key":"k{batch}-{number}","value":1}}"#);
        let all: Vec<_> = (0..1000).map(value).collect();
        let body = format!(r#"{{"values":[{}]}}"#, all.join(","));
        bench
            .write(Writer::Device(token("a")), &body)
            .await
            .unwrap();
    }
    let last = replay(&bench, None, Start::Last(1)).await;
    assert!(!last.is_complete);
    assert_eq!(last.values.len(), 1);
    bench.close().await;
}

#[tokio::test]
async fn arrivals_never_go_back() {
    let folder = folder();
    let bench = Bench::open(&folder);
    bench.thing("a").await;
    let ahead = Timestamp::now().plus_seconds(3600);
    let set = bench.store.writer.write(move |tx| {
        let set = "UPDATE counters SET value = ?1 WHERE name = 'arrived'";
        tx.db.execute(set, [ahead.millis()])?;
        Ok(((), Effect::None))
    });
    set.await.unwrap();
    bench.close().await;
    // As after a start with a clock that is an hour behind.
    let bench = Bench::open(&folder);
    bench
        .write(Writer::Device(token("a")), &value(1))
        .await
        .unwrap();
    let since = replay(&bench, None, Start::Since(ahead)).await;
    assert_eq!(values(&since), ["1"]);
    bench.close().await;
}
