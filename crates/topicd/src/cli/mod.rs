//! The command line: one file per command.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use topicd::{
    Config,
    config::{Flags, Layers},
};

mod app;
mod backup;
mod code;
mod config;
mod dev;
mod failure;
mod grant;
mod init;
mod log;
mod operator;
mod serve;
mod shell;
mod signals;
mod tail;
mod thing;
mod token;
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
    /// Try it out: on this machine only, with a demo user, a demo thing and the console
    Dev(dev::Command),
    /// Serve
    Serve(serve::Command),
    /// Copy the database to a file, also while a server uses it
    Backup(backup::Command),
    /// Write a file with all settings, and secrets, to begin with
    Init(init::Command),
    /// Work with the settings
    #[command(subcommand)]
    Config(config::Command),
    /// Work with users
    #[command(subcommand)]
    User(user::Command),
    /// Work with apps, to which users belong
    #[command(subcommand)]
    App(app::Command),
    /// Work with things
    #[command(subcommand)]
    Thing(thing::Command),
    /// Work with tokens of things that only read or only write
    #[command(subcommand)]
    Grant(grant::Command),
    /// Work with activation codes
    #[command(subcommand)]
    Code(code::Command),
    /// Work with tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Print the live values of a topic of the running server
    Tail(tail::Command),
    /// Print a script that completes commands and flags in a shell
    Completions(shell::Completions),
    /// Print the manual page
    Man,
}

/// Where settings come from. Flags win over the environment, that over the file.
#[derive(Args, Clone)]
struct Settings {
    /// File with settings; without one the defaults hold
    #[arg(long, env = "TOPICD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder for the server's data
    #[arg(long, visible_alias = "data", value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

/// The same for a server, which listens.
#[derive(Args, Clone)]
struct ServerSettings {
    #[command(flatten)]
    settings: Settings,
    /// Address and port
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Address and port for health, metrics and the admin API
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin_listen: Option<SocketAddr>,
}

pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Dev(command) => dev::run(command),
        Command::Serve(command) => serve::run(&command),
        Command::Backup(command) => backup::run(&command),
        Command::Init(command) => init::run(&command),
        Command::Config(command) => config::run(command),
        Command::User(command) => user::run(command),
        Command::App(command) => app::run(command),
        Command::Thing(command) => thing::run(command),
        Command::Grant(command) => grant::run(command),
        Command::Code(command) => code::run(&command),
        Command::Token(command) => token::run(command),
        Command::Tail(command) => tail::run(command),
        Command::Completions(command) => command.print(Cli::command()),
        Command::Man => shell::print_manual(Cli::command()),
    }
}

impl Settings {
    fn load(&self) -> Result<Config, Failure> {
        Ok(layers(&self.flags())?.into_config())
    }

    fn flags(&self) -> Flags {
        Flags {
            file: self.config.clone(),
            data_dir: self.data_dir.clone(),
            ..Flags::default()
        }
    }
}

impl ServerSettings {
    fn load(&self) -> Result<Config, Failure> {
        Ok(layers(&self.flags())?.into_config())
    }

    fn flags(&self) -> Flags {
        Flags {
            listen: self.listen,
            admin_listen: self.admin_listen,
            ..self.settings.flags()
        }
    }
}

fn layers(flags: &Flags) -> Result<Layers, Failure> {
    Ok(Layers::load(flags, std::env::vars_os())?)
}

/// The folder as the user can find it again.
fn absolute(folder: &Path) -> PathBuf {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}
