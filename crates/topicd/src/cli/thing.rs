//! `topicd thing`: things and their tokens.

use http::Method;
use serde_json::Value;

use super::{Failure, Settings, operator};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Make a thing and print its id and its token, which is not stored and cannot be shown again
    Create(Settings),
    /// List things
    List(Settings),
    /// Give a thing another token and print it; the old one holds no more, its grants do
    Token(Thing),
    /// Take a thing's token back; live subscriptions by it end
    Revoke(Thing),
}

#[derive(clap::Args)]
pub(super) struct Thing {
    #[command(flatten)]
    pub(super) settings: Settings,
    /// The thing's id
    // One in 64 begins with a hyphen.
    #[arg(value_parser = plain_id, allow_hyphen_values = true)]
    pub(super) id: String,
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(settings) => {
            let made = operator::call(&settings, Method::POST, "/admin/things", None)?;
            print_secret(&made);
            Ok(())
        }
        Command::Token(thing) => {
            print_secret(&thing.post("token")?);
            Ok(())
        }
        Command::Revoke(thing) => thing.post("revoke").map(drop),
        Command::List(settings) => list(&settings),
    }
}

fn list(settings: &Settings) -> Result<(), Failure> {
    let mut things = Vec::new();
    loop {
        let last = things
            .last()
            .map_or(0, |thing: &Value| thing["thing"].as_i64().unwrap_or(0));
        let path = format!("/admin/things?limit=1000&after={last}");
        let answer = operator::call(settings, Method::GET, &path, None)?;
        match answer["things"].as_array() {
            Some(part) if !part.is_empty() => things.extend_from_slice(part),
            _ => break,
        }
    }
    operator::print_list(&things.into(), &["thingId", "product", "created", "owners"]);
    Ok(())
}

fn print_secret(thing: &Value) {
    for field in ["thingId", "thingToken"] {
        println!("{field}\t{}", thing[field].as_str().unwrap_or_default());
    }
}

impl Thing {
    fn post(&self, what: &str) -> Result<Value, Failure> {
        let path = format!("/admin/things/{}/{what}", self.id);
        operator::call(&self.settings, Method::POST, &path, None)
    }
}

/// Ids are base64url.
pub(super) fn plain_id(text: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    match text.len() == 43 && text.chars().all(plain) {
        true => Ok(text.to_owned()),
        false => Err("a thing's id has 43 letters, digits, hyphens and underscores"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Command,
    }

    fn id_of(arguments: [&str; 5]) -> String {
        let line = Line::try_parse_from(arguments).unwrap_or_else(|error| panic!("{error}"));
        let Command::Revoke(thing) = line.command else {
            panic!("another command");
        };
        thing.id
    }

    #[test]
    fn an_id_may_begin_with_hyphens() {
        for start in ["-2", "-h", "-V", "--", "__", "a-"] {
            let id = format!("{start}{}", "DHyzQV6D9137THl97cYExd0_r20g9TwcKcEhbN8aY");
            let before = id_of(["topicd", "revoke", &id, "--data-dir", "x"]);
            let behind = id_of(["topicd", "revoke", "--data-dir", "x", &id]);
            assert_eq!((&before, &behind), (&id, &id));
        }
    }
}
