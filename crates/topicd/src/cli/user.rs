//! `topicd user`: accounts, where registration is off.

use std::io::Read as _;

use tokio::runtime::Runtime;
use topicd::{
    Server,
    auth::{Login, Secret},
};

use super::{Failure, Settings};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Make a user; the password comes on the standard input
    Create(Create),
}

#[derive(clap::Args)]
pub(super) struct Create {
    #[command(flatten)]
    settings: Settings,
    /// The user's e-mail
    #[arg(value_parser = plausible_email)]
    email: String,
    /// The app that the user belongs to
    #[arg(long, default_value = "")]
    app: String,
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    let Command::Create(user) = command;
    let config = user.settings.load(None)?;
    let mut password = String::new();
    std::io::stdin().take(1024).read_to_string(&mut password)?;
    let password = password.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        return Err(Failure::runtime(
            "the password on the standard input is empty",
        ));
    }
    let login = Login {
        app: user.app,
        email: user.email,
        password: Secret(password),
    };
    Runtime::new()?.block_on(async {
        let server = Server::open(&config)?;
        match server.auth().register(login).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::runtime(format!("no user was made: {error}"))),
        }
    })
}

/// Far less than the grammar of e-mail: it finds the argument that is empty or in the wrong place.
fn plausible_email(text: &str) -> Result<String, &'static str> {
    let plain = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    match text.rsplit_once('@') {
        Some((name, host)) if plain && !name.is_empty() && !host.is_empty() => Ok(text.to_owned()),
        _ => Err("an e-mail has the form NAME@HOST"),
    }
}
