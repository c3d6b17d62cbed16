//! `topicd config`: look at settings without serving.

use std::net::SocketAddr;

use topicd::Config;

use super::{Failure, Settings};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Check the settings; exit code 78 if they cannot be used
    Check(Sources),
    /// Print the settings that would hold
    Show(Sources),
    /// Print the defaults
    Default,
}

#[derive(clap::Args)]
pub(super) struct Sources {
    #[command(flatten)]
    settings: Settings,
    /// Address and port
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Check(sources) => {
            sources.load()?;
            println!("the settings are good");
        }
        Command::Show(sources) => print!("{}", sources.load()?.to_toml()),
        Command::Default => print!("{}", Config::default().to_toml()),
    }
    Ok(())
}

impl Sources {
    fn load(&self) -> Result<Config, Failure> {
        let config = self.settings.load(self.listen)?;
        config.check()?;
        Ok(config)
    }
}
