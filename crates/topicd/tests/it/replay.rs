//! Stored values on subscribe, and slow readers that want the newest.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use serde_json::{Value, json};
use topicd::{
    datetime::Timestamp,
    store::{Append, Appended, Store, Writer},
    token::Token,
    value::{Keys, parse_batch},
};

use crate::{server::Running, socket::Socket};

const RESOURCE: &str = "/me/resources/a";

/// Subscribes with options and returns the answer.
async fn subscribe(socket: &mut Socket, topic: &str, options: &str) -> Value {
    let argument = format!(r#"{{"resource":"{topic}",{options}}}"#);
    socket.emit("subscribe", &argument).await;
    answer(socket).await
}

async fn answer(socket: &mut Socket) -> Value {
    let packet = socket.next().await;
    let event: Value = serde_json::from_str(packet.strip_prefix("2/v2,").unwrap()).unwrap();
    assert_eq!(event[0], json!("subscribe"), "{packet}");
    event[1].clone()
}

fn field(elements: &[Value], name: &str) -> Vec<Value> {
    elements
        .iter()
        .map(|element| element[name].clone())
        .collect()
}

async fn write(store: &dyn Store, token: &str, body: &str) {
    let records = parse_batch(body.as_bytes(), &Keys::Own, Timestamp::now()).unwrap();
    let append = Append {
        writer: Writer::Device(Token::presented(token).digest()),
        records,
        idempotency: None,
    };
    assert_eq!(store.append(append).await, Ok(Appended::Stored));
}

// Contract 32
#[tokio::test]
async fn the_answer_then_what_is_stored_then_what_comes() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let (other, other_id) = server.thing().await;
    server.link(&guest.session, &other).await;
    for (thing, value) in [(&guest.thing, "1"), (&other, "2"), (&guest.thing, "3")] {
        server.write(thing, "a", value).await;
    }
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    let answer = subscribe(&mut socket, RESOURCE, r#""last":1"#).await;
    let epoch = answer["epoch"].clone();
    let expected = json!({
        "status": "success", "message": "subscribed", "resource": RESOURCE,
        "seq": 3, "epoch": epoch, "recovered": true,
    });
    assert_eq!(answer, expected);
    let stored = socket.values(RESOURCE).await;
    assert_eq!(field(&stored, "value"), [json!(2), json!(3)]);
    assert_eq!(field(&stored, "seq"), [json!(2), json!(3)]);
    assert_eq!(stored[0]["thingId"], json!(other_id));
    server.write(&other, "a", r#""4""#).await;
    let live = socket.values(RESOURCE).await;
    assert_eq!(
        (&live[0]["value"], &live[0]["seq"]),
        (&json!("4"), &json!(4))
    );
    server.stop().await;
}

// Contract 32
#[tokio::test]
async fn since_a_number_or_an_instant_of_arrival() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let path = format!("/v2/things/{}", guest.thing);
    let body = r#"{"values":[{"key":"b","value":1,"datetime":"20200101000000"},
        {"key":"a","value":2,"datetime":"20010101000000"},{"key":"b","value":3}]}"#;
    assert_eq!(server.call("POST", &path, "", body).await.status, 201);
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    let topic = format!("/things/{}", guest.thing);
    let first = subscribe(&mut socket, &topic, r#""since":1"#).await;
    assert_eq!(first["recovered"], json!(true));
    let stored = socket.values(&topic).await;
    // The order of arrival, whatever the datetime.
    assert_eq!(field(&stored, "value"), [json!(2), json!(3)]);
    assert_eq!(stored[0].get("thingId"), None);
    // Both arrived long after their datetime.
    subscribe(&mut socket, &topic, r#""since":"2024-01-01T00:00:00Z""#).await;
    assert_eq!(socket.values(&topic).await.len(), 3);
    // Nothing is stored: no event before the live ones.
    let nothing = subscribe(&mut socket, &topic, r#""since":3"#).await;
    assert_eq!(
        (&nothing["seq"], &nothing["recovered"]),
        (&json!(3), &json!(true))
    );
    server.write(&guest.thing, "a", "4").await;
    assert_eq!(field(&socket.values(&topic).await, "seq"), [json!(4)]);
    server.stop().await;
}

#[tokio::test]
async fn numbers_of_another_history_recover_nothing() {
    let server = Running::start().await;
    let guest = server.guest().await;
    server.write(&guest.thing, "a", "1").await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    let known = subscribe(&mut socket, RESOURCE, r#""last":0"#).await;
    let epoch = known["epoch"].as_str().unwrap();
    let same = format!(r#""since":0,"epoch":"{epoch}""#);
    assert_eq!(
        subscribe(&mut socket, RESOURCE, &same).await["recovered"],
        json!(true)
    );
    assert_eq!(socket.values(RESOURCE).await.len(), 1);
    for options in [r#""since":0,"epoch":"0""#, r#""since":99"#] {
        let answer = subscribe(&mut socket, RESOURCE, options).await;
        assert_eq!(answer["recovered"], json!(false), "{options}");
    }
    server.write(&guest.thing, "a", "2").await;
    assert_eq!(field(&socket.values(RESOURCE).await, "value"), [json!(2)]);
    server.stop().await;
}

#[tokio::test]
async fn a_replay_has_a_bound_in_bytes_and_says_so() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let big = "x".repeat(100_000);
    for number in 0..8 {
        server
            .write(&guest.thing, "a", &format!(r#"[{number},"{big}"]"#))
            .await;
    }
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    for options in [r#""last":100"#, r#""since":0"#] {
        let answer = subscribe(&mut socket, RESOURCE, options).await;
        assert_eq!(answer["recovered"], json!(false), "{options}");
        let stored = field(&socket.values(RESOURCE).await, "value");
        let numbers: Vec<_> = stored
            .iter()
            .map(|value| value[0].as_u64().unwrap())
            .collect();
        assert_eq!(numbers, [3, 4, 5, 6, 7], "{options}");
    }
    server.stop().await;
}

#[tokio::test]
async fn options_that_are_malformed_change_nothing() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    let answer = subscribe(&mut socket, RESOURCE, r#""last":101"#).await;
    let message = "malformed last, since or epoch";
    let expected =
        json!({"status": "error", "code": 400, "message": message, "resource": RESOURCE});
    assert_eq!(answer, expected);
    server.write(&guest.thing, "a", "1").await;
    socket.subscribe("/me/resources/b").await;
    server.stop().await;
}

#[tokio::test]
async fn the_last_form_holds_and_each_value_comes_once() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    socket.subscribe(RESOURCE).await;
    subscribe(&mut socket, RESOURCE, r#""last":5"#).await;
    server.write(&guest.thing, "a", "1").await;
    assert_eq!(field(&socket.values(RESOURCE).await, "seq"), [json!(1)]);
    subscribe(&mut socket, RESOURCE, r#""conflate":true"#).await;
    for value in [2, 3] {
        server.write(&guest.thing, "a", &value.to_string()).await;
        let values = socket.values(RESOURCE).await;
        assert_eq!(field(&values, "value"), [json!(value)]);
        assert_eq!(values[0].get("seq"), None);
    }
    socket.subscribe(RESOURCE).await;
    server.write(&guest.thing, "a", "4").await;
    assert_eq!(socket.values(RESOURCE).await.len(), 1);
    socket.unsubscribe(RESOURCE).await;
    server.write(&guest.thing, "a", "5").await;
    socket.subscribe("/me/resources/b").await;
    server.stop().await;
}

#[tokio::test]
async fn what_is_unlinked_is_not_replayed() {
    let server = Running::start().await;
    let guest = server.guest().await;
    server.write(&guest.thing, "a", "1").await;
    let path = format!("/v2/me/things/{}", guest.thing_id);
    server.call("DELETE", &path, &guest.session, "").await;
    let mut socket = Socket::open(server.address).await;
    socket.log_in(&guest.session).await;
    for options in [
        r#""last":100"#,
        r#""since":0"#,
        r#""since":"19700101000000""#,
    ] {
        subscribe(&mut socket, RESOURCE, options).await;
    }
    socket.subscribe("/me/resources/b").await;
    server.stop().await;
}

/// Rounds in which two writers, one of them with old datetimes, race one who subscribes: half of them
/// with `last`, half with `since`; of each, half to the thing and half to its resource.
const ROUNDS: usize = 2000;
const VALUES: usize = 3;

// Contract 32, 50
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribers_race_writers_without_a_gap_or_a_duplicate() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let store = Arc::clone(server.store());
    let mut socket = Socket::open(server.address).await;
    let mut thing = guest.thing;
    let (mut replayed, mut known) = (0, 0);
    for round in 0..ROUNDS {
        // All values of a thing are among its newest hundred.
        if round % 10 == 0 {
            (thing, _) = server.thing().await;
            server.link(&guest.session, &thing).await;
        }
        // What one socket may ask for is bounded.
        if round % 100 == 0 {
            socket = Socket::open(server.address).await;
            socket.log_in(&guest.session).await;
        }
        let key = format!("r{round}");
        let writers = ["", r#","datetime":"20010101000000""#].map(|datetime| {
            let (store, token, key) = (Arc::clone(&store), thing.clone(), key.clone());
            tokio::spawn(async move {
                for number in 0..VALUES {
                    let value = format!(r#"[{},{number}]"#, datetime.len());
                    let body =
                        format!(r#"{{"values":[{{"key":"{key}","value":{value}{datetime}}}]}}"#);
                    write(&*store, &token, &body).await;
                }
            })
        });
        let topic = match round / 2 % 2 {
            0 => format!("/me/resources/{key}"),
            _ => format!("/things/{thing}"),
        };
        for _ in 0..round % 7 {
            tokio::task::yield_now().await;
        }
        let options = match round % 2 {
            0 => r#""last":100"#.to_owned(),
            _ => format!(r#""since":{known}"#),
        };
        // Values of the round before are not waited for: its topic is left, all of them are here.
        let answer = subscribe(&mut socket, &topic, &options).await;
        let joined = answer["seq"].as_i64().unwrap();
        let mut seen = BTreeMap::new();
        while seen.len() < 2 * VALUES {
            for element in socket.values(&topic).await {
                // The thing has values of the rounds before, too.
                if element["key"] != key.as_str() {
                    continue;
                }
                let seq = element["seq"].as_i64().unwrap();
                known = known.max(seq);
                assert_eq!(
                    seen.insert(seq, element["value"].to_string()),
                    None,
                    "{seq} twice"
                );
            }
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let values: HashSet<_> = seen.values().collect();
        assert_eq!(values.len(), 2 * VALUES, "{seen:?}");
        replayed += seen.range(..=joined).count();
        socket.unsubscribe(&topic).await;
    }
    // Otherwise nothing was raced.
    assert!(
        (ROUNDS..2 * ROUNDS * VALUES).contains(&replayed),
        "{replayed}"
    );
    drop(store);
    server.stop().await;
}

// Contract 32
#[tokio::test]
async fn a_slow_reader_that_conflates_gets_the_newest_of_each_key() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let topic = format!("/things/{}", guest.thing);
    let series = ["a", "b"].map(|key| (guest.thing.clone(), key));
    conflate(&server, &guest.session, &topic, &series).await;
    server.stop().await;
}

// Contract 32
#[tokio::test]
async fn a_slow_reader_that_conflates_gets_the_newest_of_each_thing() {
    let server = Running::start().await;
    let guest = server.guest().await;
    let (other, _) = server.thing().await;
    server.link(&guest.session, &other).await;
    let series = [guest.thing, other].map(|thing| (thing, "a"));
    conflate(&server, &guest.session, RESOURCE, &series).await;
    server.stop().await;
}

/// Subscribes and does not read while the series are written in turn, until values give way; then reads
/// to the newest of each.
async fn conflate(server: &Running, session: &str, topic: &str, series: &[(String, &str); 2]) {
    let mut socket = Socket::open(server.address).await;
    socket.log_in(session).await;
    subscribe(&mut socket, topic, r#""conflate":true"#).await;
    let padding = "x".repeat(200_000);
    // Until something has had to give way, and then once more to each: a reader that does not read
    // for long is given up as dead.
    let (mut written, mut conflated) = ([0; 2], false);
    let mut rest = 2;
    for number in 0.. {
        assert!(number < 1000, "nothing is conflated");
        let (thing, key) = &series[number % 2];
        let body = format!(r#"{{"values":[{{"key":"{key}","value":[{number},"{padding}"]}}]}}"#);
        write(&**server.store(), thing, &body).await;
        written[number % 2] = number;
        conflated = conflated || has_conflated(server).await;
        if conflated && rest == 0 {
            break;
        }
        rest -= usize::from(conflated);
    }
    let last = written.into_iter().max().unwrap();
    let (mut events, mut newest) = (0, [None; 2]);
    while newest != written.map(Some) {
        for element in socket.values(topic).await {
            let number = usize::try_from(element["value"][0].as_u64().unwrap()).unwrap();
            assert!(newest[number % 2] < Some(number));
            newest[number % 2] = Some(number);
            events += 1;
        }
    }
    assert!(events <= last, "nothing was conflated");
}

/// Whether a value has taken the place of an older one that waited. Counted before the write of it is
/// answered.
async fn has_conflated(server: &Running) -> bool {
    let metrics = server.admin("GET", "/metrics", "").await.body;
    let count = metrics
        .lines()
        .find_map(|line| line.strip_prefix(r#"topicd_deliveries_total{outcome="conflated"} "#));
    count.expect("the counter of conflated pushes") != "0"
}
