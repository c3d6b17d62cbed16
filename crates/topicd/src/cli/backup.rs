//! `topicd backup`: a copy of the database, also while a server uses it.

use std::path::PathBuf;

use topicd::store::sqlite::{BackupError, back_up};

use super::{Failure, Settings, absolute};

#[derive(clap::Args)]
pub(super) struct Command {
    #[command(flatten)]
    settings: Settings,
    /// The file to make; it must not be there yet
    file: PathBuf,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let config = command.settings.load()?;
    let bytes = back_up(&config.data_dir, &command.file).map_err(failure)?;
    println!("{} ({bytes} bytes)", absolute(&command.file).display());
    Ok(())
}

fn failure(error: BackupError) -> Failure {
    match error {
        BackupError::Missing(_) | BackupError::Database(_) => Failure::unavailable(error),
        BackupError::Exists(_) | BackupError::File(..) | BackupError::Damaged(_) => {
            Failure::runtime(error)
        }
    }
}
