//! What a session's token may subscribe to, as the table of sessions has it: a topic a line.

use rusqlite::Connection;

use crate::topic::AllowedTopic;

pub(super) fn to_lines(topics: &[AllowedTopic]) -> String {
    let lines: Vec<_> = topics.iter().map(AllowedTopic::to_stored).collect();
    lines.join("\n")
}

pub(super) fn of_lines(lines: &str) -> Vec<AllowedTopic> {
    lines
        .lines()
        .filter_map(AllowedTopic::from_stored)
        .collect()
}

/// Migration 6: releases before it kept the tokens of things in here as they are.
pub(super) fn digest_things(db: &Connection) -> rusqlite::Result<()> {
    let mut select = db.prepare("SELECT token, topics FROM sessions WHERE topics IS NOT NULL")?;
    let sessions = select.query_map((), |row| {
        Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, String>(1)?))
    })?;
    let sessions: Vec<_> = sessions.collect::<Result<_, _>>()?;
    let mut update = db.prepare("UPDATE sessions SET topics = ?2 WHERE token = ?1")?;
    for (token, topics) in sessions {
        update.execute((token, to_lines(&of_lines(&topics))))?;
    }
    Ok(())
}
