//! The command line: one file per command.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::{Args, Parser, Subcommand};
use topicd::Config;

mod backup;
mod code;
mod config;
mod dev;
mod failure;
mod serve;
mod user;

use failure::Failure;

/// Topic server: values over REST, live over Socket.IO.
#[derive(Parser)]
#[command(name = "topicd", version, about, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Try it out: on this machine only, with a demo user, a demo thing and a live page
    Dev(dev::Command),
    /// Serve
    Serve(serve::Command),
    /// Copy the database to a file, also while a server uses it
    Backup(backup::Command),
    /// Work with the settings
    #[command(subcommand)]
    Config(config::Command),
    /// Work with activation codes (while no server uses the data folder)
    #[command(subcommand)]
    Code(code::Command),
    /// Work with users (while no server uses the data folder)
    #[command(subcommand)]
    User(user::Command),
}

/// Where settings come from. Flags win over the environment, that over the file.
#[derive(Args)]
struct Settings {
    /// File with settings; without one the defaults hold
    #[arg(long, env = "TOPICD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder for the server's data
    #[arg(long, visible_alias = "data", value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Dev(command) => dev::run(command),
        Command::Serve(command) => serve::run(command),
        Command::Backup(command) => backup::run(&command),
        Command::Config(command) => config::run(command),
        Command::Code(command) => code::run(&command),
        Command::User(command) => user::run(command),
    }
}

impl Settings {
    fn load(&self, listen: Option<SocketAddr>) -> Result<Config, Failure> {
        let config = match &self.config {
            Some(path) => Config::from_file(path)?,
            None => Config::default(),
        };
        let mut config = config.with_environment(std::env::vars_os())?;
        if let Some(folder) = &self.data_dir {
            config.data_dir.clone_from(folder);
        }
        config.listen = listen.unwrap_or(config.listen);
        Ok(config)
    }
}

/// The folder as the user can find it again.
fn absolute(folder: &Path) -> PathBuf {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}
