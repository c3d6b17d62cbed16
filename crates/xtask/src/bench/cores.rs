//! Which core the server runs on and which the generator.

use std::{ffi::OsStr, fs, process::Command};

use crate::job::Error;

/// The first core that we may use and the last; the last two of two for a server with two workers.
pub(super) struct Cores {
    one: usize,
    two: [usize; 2],
    generator: usize,
}

/// How many cores a server gets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    One,
    /// On a machine of two cores the generator has to share one of them.
    Two,
}

impl Cores {
    pub(super) fn choose() -> Result<Self, Error> {
        let status = fs::read_to_string("/proc/self/status")?;
        let list = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
            .ok_or("the kernel names no allowed cores")?;
        match allowed(list.trim()).as_slice() {
            [first, second @ ..] if !second.is_empty() => Ok(Self {
                one: *first,
                two: [*first, second[0]],
                generator: second[second.len() - 1],
            }),
            _ => Err("a server and a generator need a core each: there is only one".into()),
        }
    }

    /// A server on its share, with as many open files as allowed.
    pub(super) fn server(&self, share: Share, program: &[impl AsRef<OsStr>]) -> Command {
        match share {
            Share::One => pinned(&self.one.to_string(), program),
            Share::Two => pinned(&format!("{},{}", self.two[0], self.two[1]), program),
        }
    }

    pub(super) fn generator(&self, program: &[impl AsRef<OsStr>]) -> Command {
        pinned(&self.generator.to_string(), program)
    }
}

/// The shell and taskset become the program, so its process id is that of the child.
fn pinned(cores: &str, program: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new("sh");
    let script = r#"ulimit -n "$(ulimit -Hn)"; exec taskset -c "$0" "$@""#;
    command.args(["-c", script, cores]).args(program);
    command
}

/// The numbers in a list such as `0-2,5`.
fn allowed(list: &str) -> Vec<usize> {
    let ranges = list.split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse().ok()?..=last.parse().ok()?)
    });
    ranges.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn lists_of_cores_are_read() {
        assert_eq!(allowed("0-2,5"), [0, 1, 2, 5]);
        assert_eq!(allowed("7"), [7]);
        assert!(allowed("").is_empty());
    }
}
