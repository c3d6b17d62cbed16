//! `topicd config`: look at settings without serving.

use topicd::config::{Layers, commented_defaults};

use super::{Failure, ServerSettings, layers};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Check the settings; exit code 78 if they cannot be used
    Check(ServerSettings),
    /// Print the settings that would hold
    Show(Show),
    /// Print the defaults, each with what it is for
    Default,
}

#[derive(clap::Args)]
pub(super) struct Show {
    #[command(flatten)]
    settings: ServerSettings,
    /// Print where each came from, too
    #[arg(long)]
    origin: bool,
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Check(settings) => {
            checked(&settings)?;
            println!("the settings are good");
        }
        Command::Show(Show { settings, origin }) => {
            let layers = checked(&settings)?;
            match origin {
                true => print!("{}", layers.with_sources()),
                false => print!("{}", layers.config().to_toml()),
            }
        }
        Command::Default => print!("{}", commented_defaults()),
    }
    Ok(())
}

fn checked(settings: &ServerSettings) -> Result<Layers, Failure> {
    let layers = layers(&settings.flags())?;
    layers.config().check()?;
    Ok(layers)
}
