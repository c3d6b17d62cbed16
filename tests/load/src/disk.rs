//! What the disk can do: small appends, each synced, as a store commits.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Args;

use crate::report::{Meter, Report};

/// Where to write.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Folder on the disk in question.
    #[arg(long)]
    folder: PathBuf,
    /// Seconds to measure.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
}

/// Bytes of one append: a page of the store.
const PAGE: [u8; 4096] = [0x5a; 4096];

pub(crate) fn run(options: &Options) -> io::Result<Report> {
    let path = options.folder.join("disk-sync");
    let mut file = File::create(&path)?;
    let end = Instant::now() + Duration::from_secs_f64(options.seconds);
    let meter = Meter::start(std::process::id())?;
    let mut latencies = Vec::new();
    while Instant::now() < end {
        let start = Instant::now();
        file.write_all(&PAGE)?;
        file.sync_data()?;
        latencies.push(start.elapsed());
    }
    let report = meter.finish("disk", latencies.len() as u64, latencies);
    fs::remove_file(path)?;
    report
}
