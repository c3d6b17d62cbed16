//! CPU time and memory of a process, from the kernel's own accounts.

use std::{fs, io, time::Duration};

/// CPU time of a process so far, user and system, of all threads that ever ran.
pub(crate) fn cpu(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything, so fields are counted behind it.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields
        .split_whitespace()
        .skip(UTIME)
        .take(2)
        .map(str::parse::<u64>);
    let ticks: u64 = ticks.filter_map(Result::ok).sum();
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

/// CPU time of this process so far, to the nanosecond. It has one thread.
pub(crate) fn own_cpu() -> io::Result<Duration> {
    let accounts = fs::read_to_string("/proc/self/schedstat")?;
    let running = accounts.split_whitespace().next();
    let nanoseconds = running.and_then(|text| text.parse().ok());
    nanoseconds
        .map(Duration::from_nanos)
        .ok_or_else(|| io::Error::other("no running time in the scheduler's accounts"))
}

/// Resident memory of a process in bytes.
pub(crate) fn resident(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes
        .map(|kb| kb * 1024)
        .ok_or_else(|| io::Error::other("no VmRSS in the status file"))
}

/// Index of `utime` behind the name; `stime` follows.
const UTIME: usize = 11;
/// What Linux reports to user space on every architecture of today.
const TICKS_PER_SECOND: u64 = 100;
