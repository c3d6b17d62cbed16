//! Replays every target's corpus, and runs each over random and over mutated seeds.

use std::{fs, path::Path};

use proptest::prelude::*;

use super::*;

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 5] = [
    ("sio_packet", packet),
    ("sio_json", json_scan),
    ("sio_msgpack", msgpack_message),
    ("sio_connection", connection),
    ("sio_attachments", attachments),
];

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    files
        .map(|file| fs::read(file.unwrap().path()).unwrap())
        .collect()
}

#[test]
fn corpus_holds() {
    for (name, run) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        seeds.iter().for_each(|seed| run(seed));
    }
}

proptest! {
    #[test]
    fn random_bytes_hold(data in prop::collection::vec(any::<u8>(), 0..200)) {
        TARGETS.iter().for_each(|(_, run)| run(&data));
    }

    #[test]
    fn damaged_seeds_hold(pick in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for (name, run) in TARGETS {
            let seeds = seeds(name);
            let mut seed = pick.get(&seeds).clone();
            let at = at.index(seed.len().max(1));
            seed.splice(at..at, [byte]);
            run(&seed);
            seed.truncate(at);
            run(&seed);
        }
    }
}
