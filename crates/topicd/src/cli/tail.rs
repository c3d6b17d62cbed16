//! `topicd tail`: the live values of a topic, one array a line.

use std::io::{self, Write as _};

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{Failure, Settings, operator, signals, thing::plain_id, user::plausible_email};

#[derive(clap::Args)]
pub(super) struct Command {
    #[command(flatten)]
    settings: Settings,
    /// `/things/THING_ID`, or `/me/resources/KEY` of the user that --user names
    #[arg(value_parser = topic)]
    topic: Topic,
    /// The user's e-mail
    #[arg(long, value_parser = plausible_email)]
    user: Option<String>,
    /// The app that the user belongs to
    #[arg(long, default_value = "")]
    app: String,
}

#[derive(Clone)]
enum Topic {
    Thing(String),
    Resource(String),
}

pub(super) fn run(command: Command) -> Result<(), Failure> {
    let config = command.settings.load()?;
    let path = command.path()?;
    Runtime::new()?.block_on(async {
        let request = Request::get(path).body(Body::empty());
        let request = request.map_err(Failure::runtime)?;
        let response = operator::over_http(&config, request).await?;
        if !response.status().is_success() {
            return operator::read(response).await.map(drop);
        }
        tokio::select! {
            printed = print(response.into_body()) => printed,
            () = signals::interrupted()? => Ok(()),
        }
    })
}

/// Each piece of the body is a document: a greeting, arrays of values, `{}` in a silence, and last
/// why there is no more.
async fn print(mut body: Body) -> Result<(), Failure> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(Failure::runtime)?;
        let Some(document) = frame.data_ref() else {
            continue;
        };
        match serde_json::from_slice(document).unwrap_or_default() {
            Value::Array(_) => {
                let mut output = io::stdout().lock();
                output.write_all(document)?;
                output.write_all(b"\n")?;
                output.flush()?;
            }
            Value::Object(ended) if ended.get("status").is_some_and(|status| status == "error") => {
                let message = ended.get("message").and_then(Value::as_str);
                return Err(Failure::runtime(message.unwrap_or("the stream has ended")));
            }
            _ => {}
        }
    }
    Err(Failure::unavailable("the server has closed the stream"))
}

impl Command {
    fn path(&self) -> Result<String, Failure> {
        match (&self.topic, &self.user) {
            (Topic::Thing(id), _) => Ok(format!("/admin/tail?thing={id}")),
            (Topic::Resource(key), Some(email)) => {
                let (email, app) = (encoded(email), encoded(&self.app));
                Ok(format!("/admin/tail?key={key}&email={email}&app={app}"))
            }
            (Topic::Resource(_), None) => Err(Failure::config(
                "/me/resources/… is of a user: name them with --user",
            )),
        }
    }
}

fn topic(text: &str) -> Result<Topic, &'static str> {
    let path = text.trim_start_matches('/');
    if let Some(id) = path.strip_prefix("things/") {
        return plain_id(id).map(Topic::Thing);
    }
    let key = path.strip_prefix("me/resources/");
    let plain = |key: &&str| {
        !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let key = key
        .filter(plain)
        .ok_or("a topic is /things/THING_ID or /me/resources/KEY")?;
    Ok(Topic::Resource(key.to_owned()))
}

/// For a query: what is no letter or digit, in percent.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}
