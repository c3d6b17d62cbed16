//! Files that are damaged, and files of the release before.

use rusqlite::Connection;

use super::*;

/// One damage of many, the same in every run.
fn damaged(good: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below).unwrap()).unwrap()
    };
    let mut bytes = good.to_vec();
    match random(4) {
        0 => bytes.truncate(random(good.len())),
        1 => {
            let start = random(good.len());
            let end = good.len().min(start + 1 + random(600));
            bytes[start..end].fill_with(|| u8::try_from(random(256)).unwrap());
        }
        _ => {
            let at = random(good.len());
            bytes[at] ^= 1 << random(8);
        }
    }
    bytes
}

/// Bounded by the time that they take.
const DAMAGES: u64 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_value_is_never_served() {
    let folder = folder();
    filled(&folder).await;
    let file = folder.path().join(FILE);
    let good = fs::read(&file).unwrap();
    let expected: Vec<_> = (0..20).rev().map(|batch| format!("\"{batch}\"")).collect();
    let (mut refused, mut failed) = (0, 0);
    for seed in 0..DAMAGES {
        fs::write(&file, damaged(&good, seed)).unwrap();
        let (sender, mut stage) = mpsc::channel::<Vec<Staged>>(64);
        let Ok(store) = SqliteStore::open(folder.path(), &StoreConfig::default(), sender) else {
            refused += 1;
            continue;
        };
        let draining = tokio::spawn(async move { while stage.recv().await.is_some() {} });
        for number in 0..100 {
            let window = Window {
                limit: 100,
                ..Window::default()
            };
            let key = Key::parse(&format!("k{number}")).unwrap();
            match store.timeline(ThingRow(1), key, window).await {
                Ok(Some(page)) => {
                    let values: Vec<_> = page
                        .records
                        .iter()
                        .map(|record| record.value.to_string())
                        .collect();
                    assert_eq!(values, expected, "seed {seed}, k{number}");
                }
                Ok(None) => panic!("seed {seed}: k{number} is not there"),
                Err(_) => failed += 1,
            }
        }
        tokio::task::spawn_blocking(move || drop(store))
            .await
            .unwrap();
        draining.await.unwrap();
        for rest in ["-wal", "-shm"] {
            let _ = fs::remove_file(folder.path().join(format!("{FILE}{rest}")));
        }
    }
    assert!(refused > DAMAGES / 10, "{refused} refused");
    assert!(failed > 0, "no value was damaged");
}

type Damage = fn(&mut Vec<u8>);

/// A store with enough in it to have inner pages.
async fn filled(folder: &TempDir) {
    let bench = Bench::open(folder);
    bench.thing("a").await;
    for batch in 0..20 {
        let value = |number| format!(r#"{{"key":"k{number}","value":"{batch}"}}"#);
        let all: Vec<_> = (0..100).map(value).collect();
        let body = format!(r#"{{"values":[{}]}}"#, all.join(","));
        bench
            .write(Writer::Device(token("a")), &body)
            .await
            .unwrap();
    }
    bench.close().await;
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_left_alone() {
    let folder = folder();
    filled(&folder).await;
    let file = folder.path().join(FILE);
    let good = fs::read(&file).unwrap();
    let pages = good.len() / 4096;
    assert!(pages > 40, "{pages}");
    let damages: [(&str, Damage); 4] = [
        ("cut in the middle", |bytes| bytes.truncate(bytes.len() / 2)),
        ("cut by a part of a page", |bytes| {
            bytes.truncate(bytes.len() - 1000)
        }),
        ("a page of zeroes", |bytes| {
            bytes[30 * 4096..31 * 4096].fill(0)
        }),
        ("no header", |bytes| bytes[..100].fill(0xff)),
    ];
    for (damage, make) in damages {
        let mut bytes = good.clone();
        make(&mut bytes);
        fs::write(&file, &bytes).unwrap();
        let (sender, _receiver) = mpsc::channel(1);
        let opened = SqliteStore::open(folder.path(), &StoreConfig::default(), sender);
        let error = opened.expect_err(damage).to_string();
        assert!(error.contains("topicd.sqlite"), "{error}");
        assert!(
            error.contains("backup") || error.contains("restore"),
            "{error}"
        );
        assert_eq!(fs::read(&file).unwrap(), bytes, "{damage}");
        let copy = folder.path().join("copy");
        assert!(back_up(folder.path(), &copy).is_err(), "{damage}");
        assert!(!copy.exists());
    }
}

#[tokio::test]
async fn a_store_of_the_first_schema_is_brought_up_to_date() {
    let folder = folder();
    let old = Connection::open(folder.path().join(FILE)).unwrap();
    old.execute_batch(include_str!("../../migrations/0001_initial.sql"))
        .unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    let thing = "INSERT INTO things (id, name, token, created) VALUES (7, 'a', ?1, 0)";
    old.execute(thing, [token("a").as_bytes()]).unwrap();
    old.execute_batch(
        "INSERT INTO series VALUES (3, 7, 'k');
         INSERT INTO records VALUES (3, 1000, 41, 5000, '1', NULL), (3, 900, 42, 6000, '2', NULL);
         UPDATE counters SET value = 42 WHERE name = 'seq';",
    )
    .unwrap();
    drop(old);
    let bench = Bench::open(&folder);
    assert_eq!(bench.values(ThingRow(7), "k").await, ["1", "2"]);
    bench
        .write(Writer::Device(token("a")), &value(3))
        .await
        .unwrap();
    let seqs = bench.store.readers.read(|db| {
        let select = "SELECT seq FROM records WHERE series = 3 AND seq > 41 ORDER BY seq";
        let mut select = db.prepare(select)?;
        let seqs = select.query_map((), |row| row.get::<_, i64>(0))?;
        Ok(seqs.collect::<Result<Vec<_>, _>>()?)
    });
    assert_eq!(seqs.await.unwrap(), [42, 43]);
    bench.close().await;
    // A second start has nothing left to do.
    let bench = Bench::open(&folder);
    assert_eq!(bench.values(ThingRow(7), "k").await, ["3", "1", "2"]);
    bench.close().await;
}
