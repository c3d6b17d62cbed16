//! Runs one hot path so many times, to be counted by callgrind: `instructions PATH TIMES`.
//!
//! Without arguments it lists the paths.
#![forbid(unsafe_code)]

use codecs::paths::PATHS;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(wanted), Some(times)) = (arguments.next(), arguments.next()) else {
        for (name, _) in PATHS {
            println!("{name}");
        }
        return;
    };
    let path = PATHS.iter().find(|(name, _)| *name == wanted);
    let (_, prepare) = path.expect("the path is one of the list");
    let mut run = prepare();
    for _ in 0..times.parse::<u32>().expect("a number") {
        run();
    }
}
