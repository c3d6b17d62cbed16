//! `topicd app`: the apps to which users belong. As long as there is none, any app id is accepted.

use http::Method;
use serde_json::json;

use super::{Failure, Settings, operator};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Make an app
    Create(App),
    /// List apps
    List(Settings),
    /// Remove an app; its users cannot log in any more
    Remove(App),
}

#[derive(clap::Args)]
pub(super) struct App {
    #[command(flatten)]
    settings: Settings,
    /// The app's id: letters, digits, dots, hyphens and underscores
    #[arg(value_parser = plain_id)]
    id: String,
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(App { settings, id }) => {
            let body = json!({ "id": id });
            operator::call(&settings, Method::POST, "/admin/apps", Some(body)).map(drop)
        }
        Command::Remove(App { settings, id }) => {
            let path = format!("/admin/apps/{id}");
            operator::call(&settings, Method::DELETE, &path, None).map(drop)
        }
        Command::List(settings) => {
            let answer = operator::call(&settings, Method::GET, "/admin/apps", None)?;
            for list in ["apps", "configured"] {
                let ids = answer[list].as_array().into_iter().flatten();
                ids.filter_map(|id| id.as_str())
                    .for_each(|id| println!("{id}"));
            }
            Ok(())
        }
    }
}

fn plain_id(text: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match (1..=128).contains(&text.len()) && text.chars().all(plain) {
        true => Ok(text.to_owned()),
        false => Err("an app id has letters, digits, dots, hyphens and underscores"),
    }
}
