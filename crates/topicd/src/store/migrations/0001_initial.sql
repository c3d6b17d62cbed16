-- Tokens and codes are stored as their SHA-256 alone. Times are milliseconds since 1970.

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

-- The sequence number of the last value, in the order of commits.
INSERT INTO counters VALUES ('seq', 0);

CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    app TEXT NOT NULL,
    email TEXT NOT NULL COLLATE NOCASE,
    password TEXT NOT NULL,
    settings TEXT NOT NULL DEFAULT '{}',
    created INTEGER NOT NULL,
    UNIQUE (app, email)
);

CREATE TABLE sessions (
    token BLOB PRIMARY KEY,
    user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    topics TEXT
) WITHOUT ROWID;

CREATE INDEX sessions_by_expiry ON sessions (expires);

CREATE TABLE codes (
    code BLOB PRIMARY KEY,
    created INTEGER NOT NULL,
    thing INTEGER REFERENCES things
) WITHOUT ROWID;

CREATE TABLE things (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    token BLOB NOT NULL UNIQUE,
    product TEXT,
    created INTEGER NOT NULL
);

CREATE TABLE links (
    thing INTEGER NOT NULL REFERENCES things ON DELETE CASCADE,
    user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    created INTEGER NOT NULL,
    PRIMARY KEY (thing, user)
) WITHOUT ROWID;

CREATE INDEX links_by_user ON links (user, thing);

-- One resource of one thing.
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    thing INTEGER NOT NULL REFERENCES things ON DELETE CASCADE,
    key TEXT NOT NULL,
    UNIQUE (thing, key)
);

CREATE TABLE records (
    series INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,
    datetime INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    arrived INTEGER NOT NULL,
    value TEXT NOT NULL,
    geo TEXT,
    PRIMARY KEY (series, datetime, seq)
) WITHOUT ROWID;

-- Writes whose repetition is recognised, for a day.
CREATE TABLE idempotency (
    thing INTEGER NOT NULL REFERENCES things ON DELETE CASCADE,
    key BLOB NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (thing, key)
) WITHOUT ROWID;

CREATE INDEX idempotency_by_expiry ON idempotency (expires);
