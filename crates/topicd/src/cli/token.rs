//! `topicd token`: session tokens without a login, and taking tokens back.

use http::Method;
use serde_json::json;

use super::{Failure, Settings, operator, user::plausible_email};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Make a session token of a user and print it
    Create(Create),
    /// Take back the session token or thing token on the standard input
    Revoke(Settings),
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
    /// A topic that the token subscribes to, and may do nothing else; can be repeated
    #[arg(long = "topic", value_name = "TOPIC")]
    topics: Vec<String>,
    /// Seconds until it expires; as the settings say if there are none
    #[arg(long, value_name = "SECONDS")]
    expires_in: Option<u64>,
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(create) => create.run(),
        Command::Revoke(settings) => {
            let body = json!({ "token": operator::secret_from_stdin("token")? });
            let path = "/admin/tokens/revoke";
            let done = operator::call(&settings, Method::POST, path, Some(body))?;
            println!("{}", done["message"].as_str().unwrap_or_default());
            Ok(())
        }
    }
}

impl Create {
    fn run(self) -> Result<(), Failure> {
        let topics = (!self.topics.is_empty()).then_some(self.topics);
        let body = json!({
            "email": self.email,
            "app": self.app,
            "topics": topics,
            "expiresIn": self.expires_in,
        });
        let path = "/admin/tokens";
        let made = operator::call(&self.settings, Method::POST, path, Some(body))?;
        println!("{}", made["token"].as_str().unwrap_or_default());
        Ok(())
    }
}
