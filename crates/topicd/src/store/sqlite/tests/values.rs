//! Values: their order, their owners, their pushes.

use super::*;

// Contract 50
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
        let records = bench.records(thing.row, "k", window).await;
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
        format!("a linked to {a}"),
        format!("a 2 to [{a}]"),
        format!("a linked to {b}"),
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
    let stored = bench.values(thing.row, "k").await;
    // One datetime for all: what remains is the order of arrival.
    let stored = stored.iter().rev().map(|value| format!("a {value} to []"));
    assert_eq!(pushed, stored.collect::<Vec<_>>());
    assert_eq!(pushed.len(), 200);
    Arc::into_inner(bench).unwrap().close().await;
}

// Contract 69
#[tokio::test]
async fn a_key_of_idempotency_stores_once_for_each_thing_within_a_day() {
    let folder = folder();
    let bench = Bench::open(&folder);
    bench.thing("a").await;
    bench.store.create_code(token("second")).await.unwrap();
    let second = bench.store.activate(token("second"), new_thing("b")).await;
    assert!(second.unwrap());
    let write = async |thing: &str| {
        let records = parse_batch(value(1).as_bytes(), &Keys::Own, Timestamp::now()).unwrap();
        let append = Append {
            writer: Writer::Device(token(thing)),
            records,
            idempotency: Some(token("once")),
        };
        bench.store.append(append).await.unwrap()
    };
    let later = async |seconds: i64| {
        let change = bench.store.writer.write(move |tx| {
            let update = "UPDATE idempotency SET expires = expires - ?1";
            tx.db.execute(update, [seconds * 1000])?;
            Ok(((), Effect::None))
        });
        change.await.unwrap();
    };
    assert_eq!(write("a").await, Appended::Stored);
    assert_eq!(write("a").await, Appended::Repeated);
    assert_eq!(write("b").await, Appended::Stored);
    // The hour that is left is more than the test takes.
    later(23 * 60 * 60).await;
    assert_eq!(write("a").await, Appended::Repeated);
    later(60 * 60).await;
    assert_eq!(write("a").await, Appended::Stored);
    assert_eq!(bench.staged(), ["a 1 to []", "b 1 to []", "a 1 to []"]);
    bench.close().await;
}

// Contract 69
#[tokio::test]
async fn a_key_that_has_expired_stores_again_whatever_else_has() {
    let folder = folder();
    let bench = Bench::open(&folder);
    bench.thing("a").await;
    let write = async |key: u32| {
        let records = parse_batch(value(1).as_bytes(), &Keys::Own, Timestamp::now()).unwrap();
        let append = Append {
            writer: Writer::Device(token("a")),
            records,
            idempotency: Some(token(&key.to_string())),
        };
        bench.store.append(append).await.unwrap()
    };
    // More than one write takes out.
    for key in 0..100 {
        assert_eq!(write(key).await, Appended::Stored);
    }
    let expire = bench.store.writer.write(|tx| {
        tx.db.execute("UPDATE idempotency SET expires = 0", ())?;
        Ok(((), Effect::None))
    });
    expire.await.unwrap();
    for key in (0..100).rev() {
        assert_eq!(write(key).await, Appended::Stored, "{key}");
        assert_eq!(write(key).await, Appended::Repeated, "{key}");
    }
    bench.close().await;
}
