//! `topicd completions` and `topicd man`: what shells and `man` know of the command line.

use std::io::{self, Write as _};

use clap::Command;
use clap_complete::Shell;

use super::Failure;

#[derive(clap::Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn print(&self, mut command: Command) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "topicd", &mut script);
        Ok(io::stdout().write_all(&script)?)
    }
}

pub(super) fn print_manual(command: Command) -> Result<(), Failure> {
    let mut page = Vec::new();
    let command = command.after_long_help(EXIT_CODES);
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(io::stdout().write_all(&page)?)
}

const EXIT_CODES: &str = "Exit codes: 0 fine, 1 failed while running, 2 usage, 69 port or folder not \
    to be had, 78 settings.";
