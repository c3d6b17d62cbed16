//! `topicd init`: a folder with settings and secrets to begin with.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use topicd::{
    Config,
    admin::private_file,
    config::{LogFormat, commented},
    token::Token,
};

use super::{Failure, absolute};

#[derive(clap::Args)]
pub(super) struct Command {
    /// The folder; it is made if it is not there
    #[arg(default_value = ".")]
    folder: PathBuf,
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let folder = absolute(&command.folder);
    let file = folder.join("topicd.toml");
    fs::create_dir_all(&folder)?;
    let mut config = Config::default();
    config.data_dir = folder.join("data");
    config.log.format = LogFormat::Auto;
    config.admin.token_file = Some(folder.join("admin-token"));
    write(&file, &commented(&config))?;
    let secret = Token::generate().map_err(|_| Failure::runtime("no random bytes"))?;
    let token_file = folder.join("admin-token");
    write(&token_file, &format!("{}\n", secret.reveal()))?;
    let name = file.display();
    println!("wrote {name} and the admin token beside it\ntopicd serve --config {name}");
    Ok(())
}

/// For the owner's eyes, and never over something that is there.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let written = private_file(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let path = path.display();
        Failure::runtime(format!(
            "cannot make {path}: {error}; name another folder, or move that file away"
        ))
    })
}
