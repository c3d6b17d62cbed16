//! Replays every target's corpus, and runs each over random and over mutated seeds.

use std::{fs, path::Path};

use proptest::prelude::*;

use super::*;

struct Target {
    name: &'static str,
    run: fn(&[u8]),
}

const TARGETS: &[Target] = &[
    Target {
        name: "packet",
        run: packet,
    },
    Target {
        name: "payload_v4",
        run: payload_v4,
    },
    Target {
        name: "payload_v3_text",
        run: payload_v3_text,
    },
    Target {
        name: "payload_v3_binary",
        run: payload_v3_binary,
    },
    Target {
        name: "jsonp",
        run: jsonp,
    },
    Target {
        name: "request",
        run: request,
    },
    Target {
        name: "session",
        run: session,
    },
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
    for Target { name, run } in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        seeds.iter().for_each(|seed| run(seed));
    }
}

#[test]
fn every_prefix_and_suffix_of_a_seed_holds() {
    for Target { name, run } in TARGETS {
        for seed in seeds(name) {
            for at in 0..=seed.len() {
                run(&seed[..at]);
                run(&seed[at..]);
            }
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_hold(data in prop::collection::vec(any::<u8>(), 0..256)) {
        TARGETS.iter().for_each(|target| (target.run)(&data));
    }

    #[test]
    fn random_text_holds(data in any::<String>()) {
        TARGETS.iter().for_each(|target| (target.run)(data.as_bytes()));
    }

    #[test]
    fn damaged_seeds_hold(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for Target { name, run } in TARGETS {
            for mut seed in seeds(name) {
                if seed.is_empty() {
                    continue;
                }
                let place = place.index(seed.len());
                seed[place] = byte;
                run(&seed);
            }
        }
    }
}
