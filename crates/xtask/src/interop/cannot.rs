//! What a client cannot do, by its own making: `tests/interop/cannot.tsv`.
//!
//! A line is `CLIENT TRANSPORT STEP REASON`, with tabs; `*` stands for all transports or steps.

use super::names;
use crate::{job::Error, workspace::Workspace};

/// The lines of the file.
pub(crate) struct Cannot(Vec<Line>);

struct Line {
    client: String,
    transport: String,
    step: String,
    reason: String,
}

impl Cannot {
    /// Reads the file; each line has to be about a client that exists.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self, Error> {
        let clients = names(workspace)?;
        let path = workspace.path("tests/interop/cannot.tsv");
        let text = std::fs::read_to_string(path)?;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let lines: Vec<Line> = lines.map(parse).collect::<Result<_, _>>()?;
        match lines.iter().find(|line| !clients.contains(&line.client)) {
            None => Ok(Self(lines)),
            Some(line) => Err(format!("cannot.tsv: no client is named {}", line.client).into()),
        }
    }

    /// Why a client does not do a step, if it does not.
    pub(crate) fn reason(&self, client: &str, transport: &str, step: &str) -> Option<&str> {
        let line = self.0.iter().find(|line| {
            line.client == client
                && matches(&line.transport, transport)
                && matches(&line.step, step)
        });
        line.map(|line| line.reason.as_str())
    }

    /// The steps that a client does.
    pub(crate) fn others<'a>(
        &self,
        client: &str,
        transport: &str,
        steps: &[&'a str],
    ) -> Vec<&'a str> {
        let can = |step: &&str| self.reason(client, transport, step).is_none();
        steps.iter().copied().filter(can).collect()
    }
}

fn parse(line: &str) -> Result<Line, Error> {
    let words: Vec<&str> = line.split('\t').collect();
    let [client, transport, step, reason] = words[..] else {
        return Err(format!("cannot.tsv: not four columns: {line}").into());
    };
    Ok(Line {
        client: client.into(),
        transport: transport.into(),
        step: step.into(),
        reason: reason.into(),
    })
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern == "*" || pattern == name
}

#[cfg(test)]
mod tests {
    use super::{Cannot, parse};

    #[test]
    fn a_line_stands_for_what_its_columns_name() {
        let lines = ["a-1\t*\tauth\ttoo old", "a-1\twebsocket\t*\tno WebSocket"];
        let cannot = Cannot(lines.map(|line| parse(line).unwrap()).into());
        assert_eq!(cannot.reason("a-1", "polling", "auth"), Some("too old"));
        assert_eq!(
            cannot.reason("a-1", "websocket", "acks"),
            Some("no WebSocket")
        );
        assert_eq!(cannot.reason("a-1", "polling", "acks"), None);
        assert_eq!(cannot.reason("a-10", "polling", "auth"), None);
        assert!(parse("a-1 polling").is_err());
    }
}
