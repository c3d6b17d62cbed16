-- A session that nobody uses expires early: `expires` moves with its use, and never beyond `ends`.
ALTER TABLE sessions ADD COLUMN ends INTEGER NOT NULL DEFAULT 0;
UPDATE sessions SET ends = expires;

-- Of too many sessions of a user, the one that expires first goes.
CREATE INDEX sessions_by_user ON sessions (user, expires);
