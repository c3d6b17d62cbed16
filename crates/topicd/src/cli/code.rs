//! `topicd code`: activation codes. Each makes one thing.

use tokio::runtime::Runtime;
use topicd::{Server, token::Token};

use super::{Failure, Settings};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Make a code and print it; it is not stored and cannot be shown again
    Create(Settings),
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let Command::Create(settings) = command;
    let config = settings.load(None)?;
    Runtime::new()?.block_on(async {
        let server = Server::open(&config)?;
        let code = Token::generate().map_err(|_| Failure::runtime("no random bytes"))?;
        server
            .store()
            .create_code(code.digest())
            .await
            .map_err(Failure::runtime)?;
        println!("{}", code.reveal());
        Ok(())
    })
}
