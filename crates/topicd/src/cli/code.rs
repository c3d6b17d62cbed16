//! `topicd code`: activation codes. Each makes one thing.

use http::Method;

use super::{Failure, Settings, operator};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Make a code and print it; it is not stored and cannot be shown again
    Create(Settings),
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let Command::Create(settings) = command;
    let made = operator::call(settings, Method::POST, "/admin/codes", None)?;
    println!("{}", made["activationCode"].as_str().unwrap_or_default());
    Ok(())
}
