//! `topicd user`: accounts.

use http::Method;
use serde_json::{Value, json};

use super::{Failure, Settings, operator};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Make a user; the password comes on the standard input
    Create(User),
    /// List users
    List(Settings),
    /// Replace a password, which comes on the standard input, and log the user out everywhere
    Password(User),
    /// Log a user out everywhere
    Revoke(User),
    /// Remove a user with sessions and links; the things stay
    Remove(User),
}

#[derive(clap::Args)]
pub(super) struct User {
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
    match command {
        Command::Create(user) => user.with_password("/admin/users"),
        Command::Password(user) => user.with_password("/admin/users/password"),
        Command::Revoke(user) => user.post("/admin/users/revoke", user.named()).map(drop),
        Command::Remove(user) => user.post("/admin/users/remove", user.named()).map(drop),
        Command::List(settings) => list(&settings),
    }
}

/// Part by part, as the API hands them out.
fn list(settings: &Settings) -> Result<(), Failure> {
    let mut users = Vec::new();
    loop {
        let last = users
            .last()
            .map_or(0, |user: &Value| user["user"].as_i64().unwrap_or(0));
        let path = format!("/admin/users?limit=1000&after={last}");
        let answer = operator::call(settings, Method::GET, &path, None)?;
        match answer["users"].as_array() {
            Some(part) if !part.is_empty() => users.extend_from_slice(part),
            _ => break,
        }
    }
    let fields = ["user", "email", "app", "created", "sessions", "things"];
    operator::print_list(&users.into(), &fields);
    Ok(())
}

impl User {
    fn named(&self) -> Value {
        json!({ "email": self.email, "app": self.app })
    }

    fn with_password(&self, path: &str) -> Result<(), Failure> {
        let mut body = self.named();
        body["password"] = operator::secret_from_stdin("password")?.into();
        self.post(path, body).map(drop)
    }

    fn post(&self, path: &str, body: Value) -> Result<Value, Failure> {
        operator::call(&self.settings, Method::POST, path, Some(body))
    }
}

/// Far less than the grammar of e-mail: it finds the argument that is empty or in the wrong place.
pub(super) fn plausible_email(text: &str) -> Result<String, &'static str> {
    let plain = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    match text.rsplit_once('@') {
        Some((name, host)) if plain && !name.is_empty() && !host.is_empty() => Ok(text.to_owned()),
        _ => Err("an e-mail has the form NAME@HOST"),
    }
}
