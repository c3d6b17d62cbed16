//! Prints the allocations of one pass through each hot path.
#![forbid(unsafe_code)]

use codecs::paths::PATHS;

fn main() {
    for (name, prepare) in PATHS {
        let mut run = prepare();
        run();
        let counts = allocation_counter::measure(run);
        println!("{name}\t{}", counts.count_total);
    }
}
