//! `topicd grant`: further tokens of things, each for reading or for writing alone.

use http::Method;
use serde_json::json;

use super::{Failure, operator, thing::Thing};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Make a token of a thing that only reads or only writes, and print it
    Create(Create),
    /// List what a thing has granted
    List(Thing),
    /// Take one back; live subscriptions by it end
    Revoke(Revoke),
}

#[derive(clap::Args)]
pub(super) struct Create {
    #[command(flatten)]
    thing: Thing,
    /// What it is for
    #[arg(value_enum)]
    scope: Scope,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Scope {
    Read,
    Write,
}

#[derive(clap::Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    thing: Thing,
    /// The number that `list` shows
    number: u64,
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(create) => create.run(),
        Command::List(thing) => {
            let answer = operator::call(&thing.settings, Method::GET, &grants(&thing), None)?;
            operator::print_list(&answer["grants"], &["grant", "scope", "created"]);
            Ok(())
        }
        Command::Revoke(Revoke { thing, number }) => {
            let path = format!("{}/{number}", grants(&thing));
            operator::call(&thing.settings, Method::DELETE, &path, None).map(drop)
        }
    }
}

impl Create {
    fn run(self) -> Result<(), Failure> {
        let scope = match self.scope {
            Scope::Read => "read",
            Scope::Write => "write",
        };
        let (path, body) = (grants(&self.thing), json!({ "scope": scope }));
        let made = operator::call(&self.thing.settings, Method::POST, &path, Some(body))?;
        println!("grant\t{}", made["grant"]);
        println!(
            "thingToken\t{}",
            made["thingToken"].as_str().unwrap_or_default()
        );
        Ok(())
    }
}

fn grants(thing: &Thing) -> String {
    format!("/admin/things/{}/grants", thing.id)
}
